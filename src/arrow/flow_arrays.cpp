#include "arrow/flow_arrays.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>

namespace flowlens::arrow {

namespace {

/// A value of what stands beside the flows, which few of them have.
struct BesideColumn {
  std::string_view name;
  FlowColumnType type;
};
constexpr BesideColumn kBeside[] = {
    {"post_source_address", FlowColumnType::address},
    {"post_destination_address", FlowColumnType::address},
    {"post_source_port", FlowColumnType::unsigned16},
    {"post_destination_port", FlowColumnType::unsigned16},
    {"ingress_vrf", FlowColumnType::unsigned32},
    {"egress_vrf", FlowColumnType::unsigned32},
};

/// Rows turned at once: what they take stays in the cache while column after column is read.
constexpr std::size_t kBlock = 128;

std::size_t width(FlowColumnType type) noexcept {
  switch (type) {
    case FlowColumnType::address:
      return 16;
    case FlowColumnType::time:
    case FlowColumnType::unsigned64:
      return 8;
    case FlowColumnType::unsigned32:
      return 4;
    case FlowColumnType::unsigned16:
      return 2;
    default:
      return 1;
  }
}

bool is_bits(FlowColumnType type) noexcept {
  return type == FlowColumnType::boolean || type == FlowColumnType::remark;
}

std::size_t bitmap_octets(std::size_t bits) noexcept { return (bits + 7) / 8; }

void set_bit(Buffer& bitmap, std::size_t at) noexcept {
  bitmap.data()[at / 8] = static_cast<std::uint8_t>(bitmap.data()[at / 8] | 1u << (at % 8));
}

const std::uint8_t* octets_of(const FlowRecord& flow) noexcept {
  return reinterpret_cast<const std::uint8_t*>(&flow);
}

template <std::size_t kWidth>
void copy_values(const FlowRecord* flows, std::size_t count, std::size_t offset, std::uint8_t* to) {
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(to + i * kWidth, octets_of(flows[i]) + offset, kWidth);
  }
}

/// One column of FlowRecord on its way.
class Turned {
 public:
  Turned(const FlowColumn& column, std::size_t rows, AddressForm addresses)
      : column_(column),
        is_text_(column.type == FlowColumnType::address && addresses == AddressForm::text) {
    if (is_bits(column.type)) {
      values_ = Buffer::zeros(bitmap_octets(rows));
    } else if (!is_text_) {
      values_ = Buffer::room(rows * width(column.type));
    }
    if (column.present != 0 && column.type != FlowColumnType::remark) {
      validity_ = Buffer::zeros(bitmap_octets(rows));
    }
  }

  /// \param at  where the block's rows begin; a multiple of 8.
  void take(const FlowRecord* flows, std::size_t count, std::size_t at) {
    if (validity_.data() != nullptr) take_validity(flows, count, at);
    if (is_text_) return take_texts(flows, count);
    std::uint8_t* to = values_.data() + at * width(column_.type);
    switch (column_.type) {
      case FlowColumnType::address:
        return copy_values<16>(flows, count, column_.offset, to);
      case FlowColumnType::time:
      case FlowColumnType::unsigned64:
        return copy_values<8>(flows, count, column_.offset, to);
      case FlowColumnType::unsigned32:
        return copy_values<4>(flows, count, column_.offset, to);
      case FlowColumnType::unsigned16:
        return copy_values<2>(flows, count, column_.offset, to);
      case FlowColumnType::unsigned8:
        return copy_values<1>(flows, count, column_.offset, to);
      case FlowColumnType::word:
        return take_words(flows, count, to);
      case FlowColumnType::boolean:
      case FlowColumnType::remark:
        return take_bits(flows, count, at);
    }
  }

  [[nodiscard]] ArrayData finish(std::size_t rows) {
    const auto nulls = static_cast<std::int64_t>(nulls_);
    if (nulls_ == 0) validity_ = {};
    if (is_text_) return texts_.take(std::move(validity_), nulls);
    ArrayData data;
    data.length = static_cast<std::int64_t>(rows);
    data.null_count = nulls;
    data.buffers.push_back(std::move(validity_));
    data.buffers.push_back(std::move(values_));
    if (column_.type == FlowColumnType::word) {
      data.dictionary =
          std::make_unique<ArrayData>(dictionary_of(column_.words.data(), column_.words.size()));
    }
    return data;
  }

 private:
  void take_validity(const FlowRecord* flows, std::size_t count, std::size_t at) {
    std::size_t there = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const unsigned is_there = (flows[i].present & column_.present) != 0 ? 1 : 0;
      there += is_there;
      std::uint8_t& octet = validity_.data()[(at + i) / 8];
      octet = static_cast<std::uint8_t>(octet | is_there << (i % 8));
    }
    nulls_ += count - there;
  }
  void take_texts(const FlowRecord* flows, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_there = column_.present == 0 || (flows[i].present & column_.present) != 0;
      IpAddress address;
      std::memcpy(&address, octets_of(flows[i]) + column_.offset, sizeof address);
      texts_.add(is_there ? address.to_string() : std::string{});
    }
  }
  /// A number without a word, which no decoder gives, reads as the first: a position past the
  /// dictionary would take the receiver out of its bounds.
  void take_words(const FlowRecord* flows, std::size_t count, std::uint8_t* to) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t value = octets_of(flows[i])[column_.offset];
      to[i] = value < column_.words.size() ? value : 0;
    }
  }
  void take_bits(const FlowRecord* flows, std::size_t count, std::size_t at) {
    for (std::size_t i = 0; i < count; ++i) {
      const bool is_set = column_.type == FlowColumnType::remark
                              ? (flows[i].present & column_.present) != 0
                              : octets_of(flows[i])[column_.offset] != 0;
      if (is_set) set_bit(values_, at + i);
    }
  }

  const FlowColumn& column_;
  bool is_text_;
  Buffer values_;
  Buffer validity_;
  TextBuilder texts_;
  std::size_t nulls_ = 0;
};

/// One column of what stands beside, for the flows [first, end).
class Beside {
 public:
  Beside(FlowColumnType type, std::size_t first, std::size_t end, AddressForm addresses)
      : width_(width(type)),
        first_(first),
        rows_(end - first),
        is_text_(type == FlowColumnType::address && addresses == AddressForm::text),
        values_(Buffer::zeros(is_text_ ? 0 : rows_ * width_)),
        validity_(Buffer::zeros(bitmap_octets(rows_))) {}

  /// Ascending by flow.
  void set(std::uint32_t flow, const void* value) {
    const std::size_t at = flow - first_;
    if (is_text_) {
      fill_texts(at);
      texts_.add(static_cast<const IpAddress*>(value)->to_string());
      ++texts_so_far_;
    } else {
      std::memcpy(values_.data() + at * width_, value, width_);
    }
    set_bit(validity_, at);
    ++there_;
  }
  [[nodiscard]] ArrayData finish() {
    const auto nulls = static_cast<std::int64_t>(rows_ - there_);
    if (nulls == 0) validity_ = {};
    if (is_text_) {
      fill_texts(rows_);
      return texts_.take(std::move(validity_), nulls);
    }
    ArrayData data;
    data.length = static_cast<std::int64_t>(rows_);
    data.null_count = nulls;
    data.buffers.push_back(std::move(validity_));
    data.buffers.push_back(std::move(values_));
    return data;
  }

 private:
  void fill_texts(std::size_t until) {
    for (; texts_so_far_ < until; ++texts_so_far_) texts_.add({});
  }

  std::size_t width_;
  std::size_t first_;
  std::size_t rows_;
  bool is_text_;
  Buffer values_;
  Buffer validity_;
  TextBuilder texts_;
  std::size_t texts_so_far_ = 0;
  std::size_t there_ = 0;
};

void set_translation(std::size_t which, const Translation& t, Beside& to) {
  const void* const values[] = {&t.source_address, &t.destination_address, &t.source_port,
                                &t.destination_port};
  to.set(t.flow, values[which]);
}

ArrayData beside_array(const FlowBatch& batch, std::size_t first, std::size_t end,
                       std::size_t which, AddressForm addresses) {
  constexpr std::size_t kOfTranslation = 4;
  Beside column{kBeside[which].type, first, end, addresses};
  if (which < kOfTranslation) {
    const auto& all = batch.translations;
    for (auto t = detail::first_beside(all, first); t != all.end() && t->flow < end; ++t) {
      set_translation(which, *t, column);
    }
    return column.finish();
  }
  const auto& all = batch.vrfs;
  for (auto v = detail::first_beside(all, first); v != all.end() && v->flow < end; ++v) {
    const std::optional<Vrf>& vrf = which == kOfTranslation ? v->ingress : v->egress;
    if (vrf) column.set(v->flow, &vrf->id);
  }
  return column.finish();
}

const char* format_of(FlowColumnType type, AddressForm addresses) noexcept {
  switch (type) {
    case FlowColumnType::address:
      return addresses == AddressForm::text ? "u" : "w:16";
    case FlowColumnType::time:
      return "tsn:UTC";
    case FlowColumnType::unsigned8:
      return "C";
    case FlowColumnType::unsigned16:
      return "S";
    case FlowColumnType::unsigned32:
      return "I";
    case FlowColumnType::unsigned64:
      return "L";
    case FlowColumnType::boolean:
    case FlowColumnType::remark:
      return "b";
    case FlowColumnType::word:
      return "c";  // positions in the dictionary, 8 bits
  }
  return "n";
}

SchemaData schema_of(std::size_t position, AddressForm addresses) {
  const std::span<const FlowColumn> columns = flow_columns();
  SchemaData schema;
  if (position >= columns.size()) {
    const BesideColumn& column = kBeside[position - columns.size()];
    schema = {format_of(column.type, addresses), std::string(column.name), true, {}, {}};
    return schema;
  }
  const FlowColumn& column = columns[position];
  schema.format = format_of(column.type, addresses);
  schema.name = column.name;
  schema.nullable = column.present != 0 && column.type != FlowColumnType::remark;
  if (column.type == FlowColumnType::word) {
    schema.dictionary = std::make_unique<SchemaData>();
    schema.dictionary->format = "u";
  }
  return schema;
}

}  // namespace

std::vector<std::string_view> flow_column_names() {
  std::vector<std::string_view> names;
  for (const FlowColumn& column : flow_columns()) names.push_back(column.name);
  for (const BesideColumn& column : kBeside) names.push_back(column.name);
  return names;
}

SchemaData flow_schema(const std::vector<std::size_t>& chosen, AddressForm addresses) {
  SchemaData schema;
  schema.format = "+s";
  for (const std::size_t position : chosen) {
    schema.children.push_back(schema_of(position, addresses));
  }
  return schema;
}

ArrayData flow_arrays(const FlowBatch& batch, std::size_t first, std::size_t end,
                      const std::vector<std::size_t>& chosen, AddressForm addresses) {
  const std::span<const FlowColumn> columns = flow_columns();
  const std::size_t rows = end - first;
  std::vector<Turned> turned;
  turned.reserve(chosen.size());
  for (const std::size_t position : chosen) {
    if (position < columns.size()) turned.emplace_back(columns[position], rows, addresses);
  }
  for (std::size_t at = 0; at < rows; at += kBlock) {
    const std::size_t count = std::min(kBlock, rows - at);
    for (Turned& column : turned) column.take(batch.flows.data() + first + at, count, at);
  }

  ArrayData data;
  data.length = static_cast<std::int64_t>(rows);
  data.buffers.emplace_back();  // of a struct: whether its rows are there
  auto next = turned.begin();
  for (const std::size_t position : chosen) {
    data.children.push_back(
        position < columns.size()
            ? (next++)->finish(rows)
            : beside_array(batch, first, end, position - columns.size(), addresses));
  }
  return data;
}

}  // namespace flowlens::arrow
