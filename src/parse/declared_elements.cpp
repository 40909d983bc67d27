#include "parse/declared_elements.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <new>
#include <optional>

#include "parse/abstract_types.hpp"

namespace flowlens::parse {
namespace {

// RFC 5610 §3
constexpr ElementId kElementId{0, 303};
constexpr ElementId kDataType{0, 339};
constexpr ElementId kName{0, 341};
constexpr ElementId kSemantics{0, 344};
constexpr ElementId kUnits{0, 345};
constexpr ElementId kEnterprise{0, 346};

constexpr std::size_t kMaxNameOctets = 64;

/// IANA's numbers for units, as of 2026-07-22.
constexpr std::array<std::string_view, 16> kUnitNames{
    "",         "bits",         "octets",       "packets",     "flows",
    "seconds",  "milliseconds", "microseconds", "nanoseconds", "4-octet words",
    "messages", "hops",         "entries",      "frames",      "ports",
    "inferred"};

bool declares_elements(const Template& layout) noexcept {
  const auto has = [&layout](ElementId id) {
    return std::ranges::any_of(layout.fields(),
                               [id](const FieldSpecifier& f) { return f.element == id; });
  };
  return has(kEnterprise) && has(kElementId) && has(kDataType);
}

std::optional<std::uint64_t> number(const Record& record, ElementId id) noexcept {
  const auto field = record.find(id);
  return field ? read_unsigned(field->octets) : std::nullopt;
}

/// Letters, digits and `_-.`, as names are used as keys; without the NULs behind them.
/// \return nothing if it is something else, or too long.
std::optional<std::string_view> name_of(const Record& record) noexcept {
  const auto field = record.find(kName);
  if (!field) return std::string_view{};
  std::string_view name{reinterpret_cast<const char*>(field->octets.data()), field->octets.size()};
  name = name.substr(0, name.find_last_not_of('\0') + 1);
  const bool is_word = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  if (!is_word || name.size() > kMaxNameOctets) return std::nullopt;
  return name;
}

/// \return nothing if the declaration makes no sense. Without the name.
std::optional<InformationElement> element_of(const Record& record) noexcept {
  const auto enterprise = number(record, kEnterprise);
  const auto id = number(record, kElementId);
  const auto type = number(record, kDataType);
  if (!enterprise || !id || !type || *type >= std::size(kAbstractTypes)) return std::nullopt;
  if (*enterprise == 0 || *enterprise == kReverseEnterprise || *enterprise >= kV9ScopeEnterprise) {
    return std::nullopt;
  }
  if (*id == 0 || *id > 0xffff) return std::nullopt;
  InformationElement element;
  element.id = {static_cast<std::uint32_t>(*enterprise), static_cast<std::uint16_t>(*id & 0x7fffu)};
  element.type = kAbstractTypes[*type].type;
  element.size_octets = kAbstractTypes[*type].size_octets;
  const std::uint64_t semantics = number(record, kSemantics).value_or(0);
  if (semantics < std::size(kSemanticsNames)) {
    element.semantics = static_cast<ElementSemantics>(semantics);
  }
  const std::uint64_t units = number(record, kUnits).value_or(0);
  if (units < kUnitNames.size()) element.units = kUnitNames[units];
  return element;
}

}  // namespace

DiagnosticCode DeclaredElements::learn(const DataSet& set,
                                       std::span<const std::byte> records) noexcept {
  if (!declares_elements(*set.layout)) return DiagnosticCode::none;
  try {
    while (!records.empty()) {
      const std::size_t length = record_length(*set.layout, records);
      if (length == 0) break;
      learn(set.session->exporter, Record{*set.layout, records.first(length)});
      records = records.subspan(length);
    }
  } catch (const std::bad_alloc&) {
    return DiagnosticCode::out_of_memory;
  }
  return DiagnosticCode::none;
}

void DeclaredElements::learn(const IpAddress& exporter, const Record& record) {
  const auto element = element_of(record);
  const auto name = name_of(record);
  if (!element || !name) {
    ++refused_;
    return;
  }
  put(exporter, Declared{*element, std::string{*name}});
}

void DeclaredElements::put(const IpAddress& exporter, Declared declared) {
  Elements* elements = exporters_.find(exporter);
  if (elements == nullptr) {
    if (size_ >= max_elements_) evict_oldest(nullptr);
    elements = &exporters_.put(exporter, Elements{max_elements_per_exporter_, IdHash{seed_}});
  } else if (size_ >= max_elements_ && elements->find(declared.element.id) == nullptr) {
    evict_oldest(elements);
  }
  const std::size_t before = elements->size();
  const std::uint64_t evicted_before = elements->evicted();
  Declared& kept = elements->put(declared.element.id, std::move(declared));
  kept.element.name = kept.name;
  size_ += elements->size() - before;
  evicted_ += elements->evicted() - evicted_before;
}

void DeclaredElements::evict_oldest(const Elements* in_use) noexcept {
  auto oldest = std::prev(exporters_.end());
  oldest->second.evict_oldest();
  ++evicted_;
  --size_;
  if (oldest->second.size() == 0 && &oldest->second != in_use) {
    exporters_.erase(IpAddress{oldest->first});
  }
}

const InformationElement* DeclaredElements::find(const IpAddress& exporter, ElementId id) noexcept {
  Elements* elements = exporters_.find(exporter);
  if (elements == nullptr) return nullptr;
  const Declared* declared = elements->find(id);
  return declared != nullptr ? &declared->element : nullptr;
}

}  // namespace flowlens::parse
