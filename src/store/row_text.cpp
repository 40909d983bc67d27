#include "store/row_text.hpp"

#include "flowlens/error.hpp"

namespace flowlens::store {
namespace {

template <typename Enum>
Enum enumerator_from(std::string_view text, Enum last, const char* what) {
  for (unsigned i = 0; i <= static_cast<unsigned>(last); ++i) {
    if (to_string(static_cast<Enum>(i)) == text) return static_cast<Enum>(i);
  }
  throw IoError("store: a row has the " + std::string{what} + " `" + std::string{text} +
                "`, which this release does not know");
}

}  // namespace

std::string_view SiteNames::name(SiteId id) const {
  const std::string_view name = table_.name(id);
  if (id.value != 0 && name == table_.name(SiteId{})) {
    throw ConfigError("store: site number " + std::to_string(id.value) +
                      " is not in its table of sites; give the store the graph's table");
  }
  return name;
}

SiteId SiteNames::id(const std::string& name) const {
  if (const auto found = ids_.find(name); found != ids_.end()) return found->second;
  for (std::uint32_t i = 0; i < 65'536; ++i) {
    const SiteId id{static_cast<std::uint16_t>(i)};
    if (i > 0 && table_.name(id) == table_.name(SiteId{})) break;
    if (table_.name(id) == name) return ids_[name] = id;
  }
  throw ConfigError("store: rows speak of the site `" + name +
                    "`, which the configuration lacks; add it again, or name another database");
}

IpAddress address_from(const std::string& text) {
  if (const auto address = IpAddress::parse(text)) return *address;
  throw IoError("store: a row has the address `" + text + "`, which is none");
}

Direction direction_from(std::string_view text) {
  return enumerator_from(text, Direction::unknown, "direction");
}
DirectionRung rung_from(std::string_view text) {
  return enumerator_from(text, DirectionRung::none, "rung");
}

std::string observers_text(const DependencyRow& row) {
  std::string text;
  for (std::size_t i = 0; i < row.observer_count; ++i) {
    if (i > 0) text += ',';
    text += row.observers[i].to_string();
  }
  return text;
}

void read_observers(std::string_view text, DependencyRow& row) {
  row.observer_count = 0;
  while (!text.empty() && row.observer_count < row.observers.size()) {
    const std::string_view one = text.substr(0, text.find(','));
    row.observers[row.observer_count++] = address_from(std::string{one});
    text.remove_prefix(one.size() < text.size() ? one.size() + 1 : one.size());
  }
}

}  // namespace flowlens::store
