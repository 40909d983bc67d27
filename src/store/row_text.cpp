#include "store/row_text.hpp"

#include <algorithm>

#include "flowlens/error.hpp"

namespace flowlens::store {
namespace {

constexpr std::size_t kHoursAt = 4;  // in the blob of hours

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

FactSource source_from(std::string_view text) {
  return enumerator_from(text, FactSource::declared, "source");
}
ChangeType change_type_from(std::string_view text) {
  return enumerator_from(text, ChangeType{kChangeTypeCount - 1}, "type of change");
}
Severity severity_from(std::string_view text) {
  return enumerator_from(text, Severity{kSeverityCount - 1}, "severity");
}
Criticality criticality_from(std::string_view text) {
  return enumerator_from(text, Criticality::critical, "criticality");
}

std::string tags_text(const std::vector<std::string>& tags) {
  std::string text;
  for (const std::string& tag : tags) {
    if (!text.empty()) text += ',';
    text += tag;
  }
  return text;
}
std::vector<std::string> tags_from(std::string_view text) {
  std::vector<std::string> tags;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    tags.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return tags;
}

IntermediaryKind intermediary_kind_from(std::string_view text) {
  return enumerator_from(text, IntermediaryKind::source_nat, "kind of intermediary");
}
IntermediaryState intermediary_state_from(std::string_view text) {
  return enumerator_from(text, IntermediaryState::rejected, "state of an intermediary");
}

std::string reasons_text(const DirectionReasons& reasons) {
  std::string text;
  for (std::size_t i = 0; i < kDirectionRungCount; ++i) {
    const auto rung = static_cast<DirectionRung>(i);
    for (const bool agrees : {true, false}) {
      if (!(agrees ? reasons.agrees(rung) : reasons.disagrees(rung))) continue;
      if (!text.empty()) text += ',';
      if (!agrees) text += '!';
      text += to_string(rung);
    }
  }
  return text;
}

DirectionReasons reasons_from(std::string_view text) {
  DirectionReasons reasons;
  while (!text.empty()) {
    std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    const bool agrees = !one.starts_with('!');
    if (!agrees) one.remove_prefix(1);
    reasons.add(rung_from(one), agrees);
  }
  return reasons;
}

std::vector<std::uint8_t> hours_blob(const HourBitmap& hours) {
  std::vector<std::uint8_t> blob;
  if (hours.empty()) return blob;
  const Hour newest = hours.newest();
  for (int shift = 24; shift >= 0; shift -= 8) {
    blob.push_back(static_cast<std::uint8_t>(newest >> shift));
  }
  for (const HourSpan& run : hours.runs()) {
    for (Hour hour = run.first; hour <= run.last; ++hour) {
      const std::size_t back = newest - hour;
      if (blob.size() < kHoursAt + back / 8 + 1) blob.resize(kHoursAt + back / 8 + 1);
      blob[kHoursAt + back / 8] |= static_cast<std::uint8_t>(1u << back % 8);
    }
  }
  return blob;
}

HourBitmap hours_from(std::span<const std::uint8_t> blob) noexcept {
  HourBitmap hours;
  if (blob.size() < kHoursAt) return hours;
  Hour newest = 0;
  for (std::size_t i = 0; i < kHoursAt; ++i) newest = newest << 8 | blob[i];
  for (std::size_t back = 0; back < 8 * (blob.size() - kHoursAt) && back <= newest; ++back) {
    if ((blob[kHoursAt + back / 8] >> back % 8 & 1) == 0) continue;
    const Hour hour = newest - static_cast<Hour>(back);
    hours.set({hour, hour});
  }
  return hours;
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
