#include <algorithm>
#include <cctype>

#include "flowlens/information_element.hpp"
#include "flowlens/template.hpp"
#include "parse/abstract_types.hpp"
#include "parse/element_names.hpp"

namespace flowlens {
namespace {

/// The words that src/parse/elements/*.csv use.
namespace words {
using parse::AbstractType;
#define FLOWLENS_WORD(word, type, size) \
  [[maybe_unused]] constexpr AbstractType word{ElementType::type, size, {}};
FLOWLENS_ABSTRACT_TYPES(FLOWLENS_WORD)
#undef FLOWLENS_WORD
#define FLOWLENS_WORD(word, value) \
  [[maybe_unused]] constexpr ElementSemantics word = ElementSemantics::value;
FLOWLENS_SEMANTICS(FLOWLENS_WORD)
#undef FLOWLENS_WORD
}  // namespace words

constexpr InformationElement kElements[] = {
#define FLOWLENS_ELEMENT(enterprise, number, name, kind, semantics, units) \
  {{enterprise, number}, words::kind.type, words::kind.size_octets, words::semantics, name, units},
#include "element_table.inc"
#undef FLOWLENS_ELEMENT
};

constexpr bool kInOrder = [] {
  for (std::size_t i = 1; i < std::size(kElements); ++i) {
    if (kElements[i - 1].id >= kElements[i].id) return false;
  }
  return true;
}();
static_assert(kInOrder, "an element stands twice in src/parse/elements/*.csv");

/// nProbe's elements are of enterprise 35632 in IPFIX; in NetFlow v9 their number is this much more.
constexpr std::uint32_t kNtopEnterprise = 35'632;
constexpr std::uint16_t kNtopV9Base = 57'472;

const InformationElement* listed(ElementId id) noexcept {
  const auto* found =
      std::lower_bound(std::begin(kElements), std::end(kElements), id,
                       [](const InformationElement& e, ElementId wanted) { return e.id < wanted; });
  return found != std::end(kElements) && found->id == id ? found : nullptr;
}

constexpr auto kFind = [](ElementId id) noexcept { return find_element(id); };

}  // namespace

std::string parse::reverse_name(std::string_view forward) {
  std::string name{"reverse"};
  name += static_cast<char>(std::toupper(static_cast<unsigned char>(forward[0])));
  return name.append(forward.substr(1));
}

const InformationElement* find_element(ElementId id) noexcept {
  const InformationElement* found = listed(id);
  if (found != nullptr || id.enterprise != 0 || id.number < kNtopV9Base) return found;
  return listed({kNtopEnterprise, static_cast<std::uint16_t>(id.number - kNtopV9Base)});
}

const InformationElement* find_element(std::string_view name) noexcept {
  const auto* found = std::find_if(std::begin(kElements), std::end(kElements),
                                   [name](const InformationElement& e) { return e.name == name; });
  return found != std::end(kElements) ? found : nullptr;
}

std::span<const InformationElement> all_elements() noexcept { return kElements; }

std::string element_name(ElementId id) { return parse::name_of(id, kFind); }

ElementType element_type(ElementId id) noexcept { return parse::type_of(id, kFind); }

std::string_view type_name(const InformationElement& element) noexcept {
  const auto* found =
      std::ranges::find_if(parse::kAbstractTypes, [&element](const parse::AbstractType& t) {
        return t.type == element.type && t.size_octets == element.size_octets;
      });
  return found != std::end(parse::kAbstractTypes) ? found->name : "octetArray";
}

std::string_view semantics_name(ElementSemantics semantics) noexcept {
  return parse::kSemanticsNames[static_cast<std::size_t>(semantics)];
}

bool is_legal_length(ElementType type, std::uint16_t length_octets) noexcept {
  if (length_octets == 0 || length_octets == kVariableLength) return true;
  switch (type) {
    case ElementType::unsigned_integer:
    case ElementType::signed_integer:
      return length_octets <= 8;
    case ElementType::floating:
      return length_octets == 4 || length_octets == 8;
    case ElementType::boolean:
      return length_octets == 1;
    case ElementType::mac_address:
      return length_octets == 6;
    case ElementType::date_time_seconds:
    case ElementType::ipv4_address:
      return length_octets == 4;
    case ElementType::date_time_milliseconds:
    case ElementType::date_time_microseconds:
    case ElementType::date_time_nanoseconds:
      return length_octets == 8;
    case ElementType::ipv6_address:
      return length_octets == 16;
    case ElementType::unsigned_256:
      return length_octets <= 32;
    case ElementType::octet_array:
    case ElementType::string:
    case ElementType::basic_list:
    case ElementType::sub_template_list:
    case ElementType::sub_template_multi_list:
      return true;
  }
  return true;
}

}  // namespace flowlens
