#include "parse/sflow_records.hpp"

#include <bit>

#include "parse/sflow_structures.hpp"
#include "wire/load.hpp"

namespace flowlens {

const SflowStructure* find_sflow_structure(SflowRecordClass of, std::uint32_t enterprise,
                                           std::uint32_t format) noexcept {
  return of == SflowRecordClass::flow ? parse::find_flow_structure(enterprise, format)
                                      : parse::find_counter_structure(enterprise, format);
}
std::span<const SflowStructure> all_sflow_structures(SflowRecordClass of) noexcept {
  return of == SflowRecordClass::flow ? parse::flow_structures() : parse::counter_structures();
}

bool SflowValue::is_known() const noexcept {
  if (field->semantics == SflowSemantics::value) return true;
  if (field->type == SflowType::unsigned_32) return number != 0xffff'ffffu;
  return field->type != SflowType::unsigned_64 || number != ~std::uint64_t{0};
}

void SflowValueReader::cut() noexcept {
  whole_ = false;
  field_ = fields_.size();
  depth_ = words_left_ = 0;
  rest_ = {};
}

bool SflowValueReader::take(std::size_t count, std::span<const std::byte>& taken) noexcept {
  if (rest_.size() < count) {
    cut();
    return false;
  }
  taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return true;
}

std::uint32_t SflowValueReader::word() noexcept {
  std::span<const std::byte> octets;
  return take(4, octets) ? wire::load32(octets.data()) : 0;
}

/// A length, as many octets, and padding to 4; the last one may lack its padding.
bool SflowValueReader::take_padded(std::span<const std::byte>& taken) noexcept {
  const std::size_t length = word();
  if (!take(length, taken)) return false;
  const std::size_t padding = (4 - length % 4) % 4;
  rest_ = rest_.subspan(padding < rest_.size() ? padding : rest_.size());
  return true;
}

/// Every round takes at least 4 octets, so a count that lies ends with the record.
bool SflowValueReader::begin_list() noexcept {
  const std::uint32_t count = word();
  if (!whole_ || depth_ == kMaxDepth) return false;
  if (count != 0) {
    ++field_;
    loops_[depth_++] = {field_, count, 0};
    return true;
  }
  for (int open = 0; field_ < fields_.size(); ++field_) {
    open += fields_[field_].type == SflowType::list_begin ? 1 : 0;
    open -= fields_[field_].type == SflowType::list_end ? 1 : 0;
    if (open == 0) break;
  }
  ++field_;
  return true;
}

void SflowValueReader::end_list() noexcept {
  Loop& loop = loops_[depth_ - 1];
  if (--loop.left != 0) {
    field_ = loop.first_field;
    ++loop.index;
  } else {
    --depth_;
    ++field_;
  }
}

bool SflowValueReader::read_word(SflowValue& value) noexcept {
  --words_left_;
  value.index = word_index_++;
  if (!take(4, value.octets)) return false;
  value.number = wire::load32(value.octets.data());
  value.real = static_cast<double>(value.number);
  return true;
}

bool SflowValueReader::read(const SflowField& field, SflowValue& value) noexcept {
  switch (field.type) {
    case SflowType::unsigned_32:
    case SflowType::unsigned_64:
      if (!take(field.type == SflowType::unsigned_64 ? 8 : 4, value.octets)) return false;
      value.number = wire::load_unsigned(value.octets.data(), value.octets.size());
      value.real = static_cast<double>(value.number);
      return true;
    case SflowType::signed_32: {
      if (!take(4, value.octets)) return false;
      const auto number = static_cast<std::int32_t>(wire::load32(value.octets.data()));
      value.number = static_cast<std::uint64_t>(std::int64_t{number});
      value.real = number;
      return true;
    }
    case SflowType::float_32:
      if (!take(4, value.octets)) return false;
      value.number = wire::load32(value.octets.data());
      value.real =
          static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(value.number)));
      return true;
    case SflowType::ipv4_address:
    case SflowType::ipv6_address:
      if (!take(field.type == SflowType::ipv4_address ? 4 : 16, value.octets)) return false;
      value.address = *IpAddress::from_octets(value.octets);
      return true;
    case SflowType::address: {
      const std::uint32_t type = word();
      if (type > 2) cut();  // no such address: its length is not known
      if (!whole_) return false;
      if (type == 0) return true;
      if (!take(type == 1 ? 4 : 16, value.octets)) return false;
      value.address = *IpAddress::from_octets(value.octets);
      return true;
    }
    case SflowType::mac_address: {
      std::span<const std::byte> padded;
      if (!take(8, padded)) return false;
      value.octets = padded.first(6);
      return true;
    }
    case SflowType::octets_16:
      return take(16, value.octets);
    case SflowType::string:
    case SflowType::octets:
      return take_padded(value.octets);
    default:
      return false;
  }
}

bool SflowValueReader::next(SflowValue& value) noexcept {
  while (field_ < fields_.size()) {
    const SflowField& field = fields_[field_];
    value = SflowValue{};
    value.field = &field;
    switch (field.type) {
      case SflowType::list_begin:
        if (!begin_list()) return false;
        continue;
      case SflowType::list_end:
        end_list();
        continue;
      case SflowType::later:
        field_ = rest_.empty() ? fields_.size() : field_ + 1;
        continue;
      case SflowType::words:
        if (words_left_ == 0) {
          if (word_index_ == 0) words_left_ = word();
          if (!whole_) return false;
          if (words_left_ == 0) {
            word_index_ = 0;
            ++field_;
            continue;
          }
        }
        return read_word(value);
      default:
        value.index = depth_ != 0 ? loops_[depth_ - 1].index : 0;
        ++field_;
        return read(field, value);
    }
  }
  return false;
}

namespace parse {

namespace {

bool is_readable(const SflowStructure& structure, std::span<const std::byte> octets) noexcept {
  SflowValueReader reader{structure, octets};
  for (SflowValue value; reader.next(value);) {
  }
  return reader.is_whole();
}

}  // namespace

bool is_whole(SflowRecordClass of, std::uint32_t enterprise, std::uint32_t format,
              std::span<const std::byte> octets) noexcept {
  const SflowStructure* structure = find_sflow_structure(of, enterprise, format);
  if (structure == nullptr) return true;
  if (octets.size() < structure->min_octets) return false;
  return structure->is_fixed || is_readable(*structure, octets);
}

}  // namespace parse
}  // namespace flowlens
