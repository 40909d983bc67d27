#include "flowlens/information_model.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "flowlens/error.hpp"
#include "parse/abstract_types.hpp"
#include "parse/element_names.hpp"

namespace flowlens {
namespace {

constexpr std::string_view kHeader = "enterprise,number,name,type,semantics,units";
constexpr std::size_t kColumns = 6;

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string quoted(std::string_view text) { return "'" + std::string{text} + "'"; }

/// One line of a table, split at commas.
class Line {
 public:
  Line(std::string_view text, std::string_view origin, std::size_t number)
      : origin_(origin), number_(number) {
    const auto columns = static_cast<std::size_t>(std::ranges::count(text, ',')) + 1;
    if (columns != kColumns) {
      refuse("has " + std::to_string(columns) + " columns; must have 6: " + std::string{kHeader});
    }
    for (std::string_view& column : columns_) {
      const std::size_t comma = text.find(',');
      column = trimmed(text.substr(0, comma));
      text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
  }

  [[noreturn]] void refuse(const std::string& why) const { refuse(origin_, number_, why); }
  [[noreturn]] static void refuse(std::string_view origin, std::size_t line,
                                  const std::string& why) {
    throw ConfigError(std::string{origin} + ":" + std::to_string(line) + ": " + why);
  }

  [[nodiscard]] InformationElement element() const {
    InformationElement element;
    element.id.enterprise = whole(0, "enterprise", 0xffff'ffff);
    element.id.number = static_cast<std::uint16_t>(whole(1, "number", 0xffff));
    element.name = columns_[2];
    const parse::AbstractType& type = word(3, "type", parse::kAbstractTypes);
    element.type = type.type;
    element.size_octets = type.size_octets;
    element.semantics = semantics();
    element.units = columns_[5];
    return element;
  }

 private:
  [[nodiscard]] std::uint32_t whole(std::size_t column, std::string_view what,
                                    std::uint32_t max) const {
    const std::string_view text = columns_[column];
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > max) {
      refuse(std::string{what} + " is " + quoted(text) + "; must be a number from 0 to " +
             std::to_string(max));
    }
    return value;
  }

  static std::string_view name_in(const parse::AbstractType& row) { return row.name; }
  static std::string_view name_in(std::string_view row) { return row; }

  template <typename Row, std::size_t N>
  [[nodiscard]] const Row& word(std::size_t column, std::string_view what,
                                const Row (&rows)[N]) const {
    std::string known;
    for (const Row& row : rows) {
      if (name_in(row) == columns_[column]) return row;
      known.append(known.empty() ? "" : ", ").append(name_in(row));
    }
    refuse(std::string{what} + " is " + quoted(columns_[column]) + "; must be one of " + known);
  }

  [[nodiscard]] ElementSemantics semantics() const {
    if (columns_[4].empty()) return ElementSemantics::unspecified;
    const std::string_view& found = word(4, "semantics", parse::kSemanticsNames);
    return static_cast<ElementSemantics>(&found - parse::kSemanticsNames);
  }

  std::string_view origin_;
  std::size_t number_;
  std::array<std::string_view, kColumns> columns_;
};

/// Why an element cannot be added; empty if it can.
std::string fault_of(const InformationElement& element) {
  if (element.name.empty()) return "name is empty; must be a word such as doorOpenCount";
  if (element.id.enterprise == kReverseEnterprise) {
    return "enterprise is 29305; reverse elements follow from the forward ones (RFC 5103)";
  }
  if (element.id.enterprise == kV9ScopeEnterprise) {
    return "enterprise is " + std::to_string(kV9ScopeEnterprise) + ", which stands for v9 scopes";
  }
  return {};
}

std::string id_text(ElementId id) {
  return std::to_string(id.enterprise) + "," + std::to_string(id.number);
}

}  // namespace

struct InformationModel::Impl {
  struct Added {
    InformationElement element;  ///< its texts are views of the two below
    std::string name;
    std::string units;
  };
  std::map<ElementId, Added> added;

  [[nodiscard]] bool insert(const InformationElement& element) {
    const auto [slot, is_new] = added.try_emplace(element.id);
    if (!is_new) return false;
    Added& kept = slot->second;
    kept.name = element.name;
    kept.units = element.units;
    kept.element = element;
    kept.element.name = kept.name;
    kept.element.units = kept.units;
    return true;
  }
};

InformationModel::InformationModel() : impl_(std::make_unique<Impl>()) {}
InformationModel::~InformationModel() = default;
InformationModel::InformationModel(InformationModel&&) noexcept = default;
InformationModel& InformationModel::operator=(InformationModel&&) noexcept = default;

void InformationModel::add(const InformationElement& element) {
  if (const std::string fault = fault_of(element); !fault.empty()) throw ConfigError(fault);
  if (!impl_->insert(element)) {
    throw ConfigError("element " + id_text(element.id) + " was added before; each id goes once");
  }
}

void InformationModel::add_table(std::string_view text, std::string_view origin) {
  Impl table;
  std::size_t number = 0;
  bool header_seen = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.empty() || line.front() == '#') continue;
    if (!header_seen) {
      if (line != kHeader) {
        Line::refuse(origin, number, "is " + quoted(line) + "; must be " + std::string{kHeader});
      }
      header_seen = true;
      continue;
    }
    const Line row{line, origin, number};
    const InformationElement element = row.element();
    if (const std::string fault = fault_of(element); !fault.empty()) row.refuse(fault);
    if (impl_->added.contains(element.id) || !table.insert(element)) {
      row.refuse("element " + id_text(element.id) + " was added before; each id goes once");
    }
  }
  if (!header_seen) {
    Line::refuse(origin, number + 1, "the table ends; must begin with " + std::string{kHeader});
  }
  impl_->added.merge(table.added);
}

const InformationElement* InformationModel::find(ElementId id) const noexcept {
  const auto found = impl_->added.find(id);
  return found != impl_->added.end() ? &found->second.element : find_element(id);
}

const InformationElement* InformationModel::find(std::string_view name) const noexcept {
  for (const auto& [id, added] : impl_->added) {
    if (added.name == name) return &added.element;
  }
  return find_element(name);
}

std::string InformationModel::name_of(ElementId id) const {
  return parse::name_of(id, [this](ElementId wanted) { return find(wanted); });
}

ElementType InformationModel::type_of(ElementId id) const noexcept {
  return parse::type_of(id, [this](ElementId wanted) { return find(wanted); });
}

std::size_t InformationModel::added() const noexcept { return impl_->added.size(); }

}  // namespace flowlens
