#include "flowlens/structured_data.hpp"

#include "wire/byte_reader.hpp"

namespace flowlens {
namespace {

constexpr std::size_t kPartHeader = 4;  ///< template id and length, RFC 6313 §4.5.3

}  // namespace

const Template* DataSet::find_template(std::uint16_t template_id) const noexcept {
  if (templates == nullptr) return nullptr;
  return templates->find_template(*session, *message, template_id, received);
}

std::string_view semantic_name(ListSemantic semantic) noexcept {
  switch (semantic) {
    case ListSemantic::none_of:
      return "noneOf";
    case ListSemantic::exactly_one_of:
      return "exactlyOneOf";
    case ListSemantic::one_or_more_of:
      return "oneOrMoreOf";
    case ListSemantic::all_of:
      return "allOf";
    case ListSemantic::ordered:
      return "ordered";
    case ListSemantic::undefined:
      break;
  }
  return "undefined";
}

std::optional<BasicList> BasicList::read(std::span<const std::byte> octets) noexcept {
  wire::ByteReader in{octets};
  BasicList list;
  list.semantic = static_cast<ListSemantic>(in.u8());
  const std::uint16_t number = in.u16();
  list.field.length_octets = in.u16();
  list.field.element.number = number & 0x7fffu;
  if ((number & 0x8000u) != 0) list.field.element.enterprise = in.u32();
  if (!in.ok()) return std::nullopt;
  list.content = in.rest();
  return list;
}

std::optional<SubTemplateList> SubTemplateList::read(std::span<const std::byte> octets) noexcept {
  wire::ByteReader in{octets};
  SubTemplateList list;
  list.semantic = static_cast<ListSemantic>(in.u8());
  list.template_id = in.u16();
  if (!in.ok()) return std::nullopt;
  list.content = in.rest();
  return list;
}

std::optional<SubTemplateMultiList> SubTemplateMultiList::read(
    std::span<const std::byte> octets) noexcept {
  wire::ByteReader in{octets};
  SubTemplateMultiList list;
  list.semantic = static_cast<ListSemantic>(in.u8());
  if (!in.ok()) return std::nullopt;
  list.content = in.rest();
  return list;
}

std::optional<SubTemplateList> SubTemplateMultiList::take(
    std::span<const std::byte>& rest) const noexcept {
  wire::ByteReader in{rest};
  SubTemplateList part;
  part.semantic = semantic;
  part.template_id = in.u16();
  const std::size_t length = in.u16();
  if (!in.ok() || length < kPartHeader) return std::nullopt;
  part.content = in.take(length - kPartHeader);
  if (!in.ok()) return std::nullopt;
  rest = in.rest();
  return part;
}

}  // namespace flowlens
