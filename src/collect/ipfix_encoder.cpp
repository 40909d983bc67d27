// Flows to IPFIX messages.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "flowlens/error.hpp"
#include "flowlens/ipfix_exporter.hpp"
#include "wire/byte_writer.hpp"

namespace flowlens {
namespace {

using wire::ByteWriter;

constexpr std::uint16_t kTemplateSet = 2, kOptionsTemplateSet = 3;
constexpr std::uint16_t kSamplers = 256;  // the options template; those of flows follow
constexpr std::size_t kMessageHeader = 16, kSetHeader = 4;
constexpr std::uint8_t kDeniedEvent = 3, kSystematicCount = 1;

/// What a template has beside the values that FlowField names. Above its bits.
enum Extra : std::uint64_t {
  kIsV4 = 1ull << 32,
  kNextHopIsV4 = 1ull << 33,
  kSampled = 1ull << 34,
  kDenied = 1ull << 35,
  kInitiatorStated = 1ull << 36,
  kOriginalV4 = 1ull << 37,
  kOriginalV6 = 1ull << 38,
  kTotals = 1ull << 39,
  kLayer2 = 1ull << 40,
  kLayer2Totals = 1ull << 41,
  kPost = 1ull << 42,
  kPostTotals = 1ull << 43,
};
using Key = std::uint64_t;
constexpr Key kAnyCounter = kTotals | kLayer2 | kLayer2Totals | kPost | kPostTotals;

constexpr Key bit(FlowField field) noexcept { return static_cast<Key>(field); }

Key counter_bits(CounterSource source) noexcept {
  switch (source) {
    case CounterSource::total:
    case CounterSource::permanent:
      return kTotals;
    case CounterSource::layer2_delta:
      return kLayer2;
    case CounterSource::layer2_total:
      return kLayer2Totals;
    case CounterSource::post_delta:
      return kPost;
    case CounterSource::post_total:
      return kPostTotals;
    default:  // each direction has a record of its own, so an initiator's count is a plain one
      return 0;
  }
}

Key key_of(const FlowRecord& flow) noexcept {
  // The last two are remarks. Times are always told.
  Key key = flow.present & ~(bit(FlowField::times_replaced) | bit(FlowField::translation));
  key |= bit(FlowField::start) | bit(FlowField::end) | counter_bits(flow.counter_source);
  if (flow.source_address.is_v4() && flow.destination_address.is_v4()) key |= kIsV4;
  if (flow.has(FlowField::next_hop) && flow.next_hop.is_v4()) key |= kNextHopIsV4;
  if (flow.sampling_rate != 1) key |= kSampled;
  if (flow.kind == FlowKind::denied) key |= kDenied;
  if (flow.initiator != Initiator::not_stated) key |= kInitiatorStated;
  if (!flow.exporter.is_unspecified()) key |= flow.exporter.is_v4() ? kOriginalV4 : kOriginalV6;
  return key;
}

std::uint64_t milliseconds(Timestamp t) noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(t).time_since_epoch().count());
}

template <auto Member>
void put_number(const FlowRecord& flow, std::uint16_t width, ByteWriter& out) {
  out.number(flow.*Member, width);
}
template <auto Member>
void put_address(const FlowRecord& flow, std::uint16_t width, ByteWriter& out) {
  const std::span octets{(flow.*Member).octets()};
  out.append(std::as_bytes(octets.last(width)));
}
template <auto Member>
void put_time(const FlowRecord& flow, std::uint16_t, ByteWriter& out) {
  out.u64(milliseconds(flow.*Member));
}
void put_initiator(const FlowRecord& flow, std::uint16_t, ByteWriter& out) {
  out.u8(flow.initiator == Initiator::source ? 1 : 2);
}
void put_denied(const FlowRecord&, std::uint16_t, ByteWriter& out) { out.u8(kDeniedEvent); }

/// An element of a template, where the key has all of `with` and nothing of `without`.
struct Column {
  std::uint16_t element;
  std::uint16_t width;
  Key with;
  Key without;
  void (*put)(const FlowRecord&, std::uint16_t width, ByteWriter&);
};
using F = FlowRecord;
constexpr Key kSource = bit(FlowField::source_address);
constexpr Key kDestination = bit(FlowField::destination_address);
constexpr Key kOctets = bit(FlowField::octet_count);
constexpr Key kPackets = bit(FlowField::packet_count);
constexpr Key kHop = bit(FlowField::next_hop);
constexpr Column kColumns[] = {
    {8, 4, kSource | kIsV4, 0, put_address<&F::source_address>},
    {27, 16, kSource, kIsV4, put_address<&F::source_address>},
    {12, 4, kDestination | kIsV4, 0, put_address<&F::destination_address>},
    {28, 16, kDestination, kIsV4, put_address<&F::destination_address>},
    {152, 8, bit(FlowField::start), 0, put_time<&F::start>},
    {153, 8, bit(FlowField::end), 0, put_time<&F::end>},
    {1, 8, kOctets, kAnyCounter, put_number<&F::octet_count>},
    {85, 8, kOctets | kTotals, 0, put_number<&F::octet_count>},
    {352, 8, kOctets | kLayer2, 0, put_number<&F::octet_count>},
    {353, 8, kOctets | kLayer2Totals, 0, put_number<&F::octet_count>},
    {23, 8, kOctets | kPost, 0, put_number<&F::octet_count>},
    {171, 8, kOctets | kPostTotals, 0, put_number<&F::octet_count>},
    {2, 8, kPackets, kTotals | kLayer2Totals | kPost | kPostTotals, put_number<&F::packet_count>},
    {86, 8, kPackets | kTotals, 0, put_number<&F::packet_count>},
    {86, 8, kPackets | kLayer2Totals, 0, put_number<&F::packet_count>},
    {24, 8, kPackets | kPost, 0, put_number<&F::packet_count>},
    {172, 8, kPackets | kPostTotals, 0, put_number<&F::packet_count>},
    {7, 2, bit(FlowField::source_port), 0, put_number<&F::source_port>},
    {11, 2, bit(FlowField::destination_port), 0, put_number<&F::destination_port>},
    {4, 1, bit(FlowField::protocol), 0, put_number<&F::protocol>},
    {6, 1, bit(FlowField::tcp_flags), 0, put_number<&F::tcp_flags>},
    {5, 1, bit(FlowField::tos), 0, put_number<&F::tos>},
    {32, 2, bit(FlowField::icmp_type_code) | kIsV4, 0, put_number<&F::icmp_type_code>},
    {139, 2, bit(FlowField::icmp_type_code), kIsV4, put_number<&F::icmp_type_code>},
    {61, 1, bit(FlowField::flow_direction), 0, put_number<&F::flow_direction>},
    {10, 4, bit(FlowField::ingress_interface), 0, put_number<&F::ingress_interface>},
    {14, 4, bit(FlowField::egress_interface), 0, put_number<&F::egress_interface>},
    {15, 4, kHop | kNextHopIsV4, 0, put_address<&F::next_hop>},
    {62, 16, kHop, kNextHopIsV4, put_address<&F::next_hop>},
    {16, 4, bit(FlowField::source_as), 0, put_number<&F::source_as>},
    {17, 4, bit(FlowField::destination_as), 0, put_number<&F::destination_as>},
    {9, 1, bit(FlowField::source_prefix_length) | kIsV4, 0, put_number<&F::source_prefix_length>},
    {29, 1, bit(FlowField::source_prefix_length), kIsV4, put_number<&F::source_prefix_length>},
    {13, 1, bit(FlowField::destination_prefix_length) | kIsV4, 0,
     put_number<&F::destination_prefix_length>},
    {30, 1, bit(FlowField::destination_prefix_length), kIsV4,
     put_number<&F::destination_prefix_length>},
    {58, 2, bit(FlowField::vlan_id), 0, put_number<&F::vlan_id>},
    {302, 4, kSampled, 0, put_number<&F::sampling_rate>},  // a selector has its rate for a number
    {233, 1, kDenied, 0, put_denied},
    {239, 1, kInitiatorStated, 0, put_initiator},
    {403, 4, kOriginalV4, 0, put_address<&F::exporter>},
    {404, 16, kOriginalV6, 0, put_address<&F::exporter>},
    {405, 4, kOriginalV4, 0, put_number<&F::observation_domain>},
    {405, 4, kOriginalV6, 0, put_number<&F::observation_domain>},
};

struct Layout {
  std::uint16_t id = 0;
  std::vector<const Column*> columns;
  std::size_t record_octets = 0;
  std::uint64_t told_in_round = 0;
};

Layout layout_of(Key key, std::uint16_t id) {
  Layout layout;
  layout.id = id;
  for (const Column& column : kColumns) {
    if ((key & column.with) != column.with || (key & column.without) != 0) continue;
    layout.columns.push_back(&column);
    layout.record_octets += column.width;
  }
  return layout;
}

}  // namespace

struct IpfixEncoder::Impl {
  IpfixEncoderOptions options;
  IpfixEncoderCounters counters;
  std::map<Key, Layout> layouts;
  std::map<std::uint32_t, std::uint64_t> rates;  ///< to the round they were told in
  std::uint64_t samplers_told_in_round = 0;
  std::uint64_t round = 0;  ///< of telling templates
  Timestamp round_began;
  bool is_told_all_over = true;
  ByteWriter message;
  std::uint16_t open_set = 0;  ///< 0: none
  std::size_t set_begin = 0;
  std::uint32_t sequence = 0;  ///< data records before this message
  std::uint32_t records = 0;   ///< in it

  explicit Impl(const IpfixEncoderOptions& o) : options(o) {
    if (o.max_message_octets < 512 || o.max_message_octets > 65'535) {
      throw ConfigError("IpfixEncoderOptions::max_message_octets must be from 512 to 65535");
    }
    if (o.max_templates == 0 || o.max_templates > 65'000 || o.max_rates == 0) {
      throw ConfigError(
          "IpfixEncoderOptions: max_templates must be from 1 to 65000, max_rates 1 or more");
    }
  }

  void close_set() {
    if (open_set == 0) return;
    message.put_u16(set_begin + 2, static_cast<std::uint16_t>(message.size() - set_begin));
    open_set = 0;
  }
  void flush(Timestamp now, const Take& take) {
    close_set();
    if (message.size() <= kMessageHeader) return;
    ByteWriter header;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    header.u16(10).u16(static_cast<std::uint16_t>(message.size()));
    header.u32(static_cast<std::uint32_t>(seconds)).u32(sequence).u32(options.observation_domain);
    std::vector<std::byte> octets = message.take();
    std::copy(header.octets().begin(), header.octets().end(), octets.begin());
    message = ByteWriter();
    sequence += records;
    records = 0;
    ++counters.messages;
    counters.octets += octets.size();
    take(octets);
  }
  /// Makes room for so many octets in a set of this id.
  void begin(std::uint16_t set, std::size_t octets, Timestamp now, const Take& take) {
    const std::size_t header = set == open_set ? 0 : kSetHeader;
    if (message.size() + header + octets > options.max_message_octets) flush(now, take);
    if (message.size() == 0) message.u64(0).u64(0);  // the header's place
    if (set == open_set) return;
    close_set();
    open_set = set;
    set_begin = message.size();
    message.u16(set).u16(0);
  }

  void tell(Layout& layout, Timestamp now, const Take& take) {
    if (layout.told_in_round == round) return;
    begin(kTemplateSet, 4 + 4 * layout.columns.size(), now, take);
    message.u16(layout.id).u16(static_cast<std::uint16_t>(layout.columns.size()));
    for (const Column* column : layout.columns) message.u16(column->element).u16(column->width);
    layout.told_in_round = round;
    ++counters.templates;
  }
  void tell_rate(std::uint32_t rate, std::uint64_t& told_in_round, Timestamp now,
                 const Take& take) {
    if (told_in_round == round) return;
    if (samplers_told_in_round != round) {
      begin(kOptionsTemplateSet, 22, now, take);
      message.u16(kSamplers).u16(4).u16(1);
      for (const auto& [element, width] : {std::pair{302, 4}, {304, 2}, {305, 4}, {306, 4}}) {
        message.u16(static_cast<std::uint16_t>(element)).u16(static_cast<std::uint16_t>(width));
      }
      samplers_told_in_round = round;
      ++counters.templates;
    }
    begin(kSamplers, 14, now, take);
    message.u32(rate).u16(kSystematicCount).u32(1).u32(rate - 1);
    ++records;
    told_in_round = round;
  }

  /// \return null if there are too many.
  Layout* layout(Key key) {
    const auto known = layouts.find(key);
    if (known != layouts.end()) return &known->second;
    if (layouts.size() >= options.max_templates) return nullptr;
    const auto id = static_cast<std::uint16_t>(kSamplers + 1 + layouts.size());
    return &layouts.emplace(key, layout_of(key, id)).first->second;
  }
  std::uint64_t* rate(std::uint32_t rate) {
    const auto known = rates.find(rate);
    if (known != rates.end()) return &known->second;
    if (rates.size() >= options.max_rates) return nullptr;
    return &rates.emplace(rate, 0).first->second;
  }

  void begin_session() noexcept {
    message = ByteWriter();
    open_set = 0;
    sequence = records = 0;
    is_told_all_over = true;
  }

  void add(const FlowRecord& flow, Timestamp now, const Take& take) {
    if (std::exchange(is_told_all_over, false) || now - round_began >= options.template_interval) {
      ++round;
      round_began = now;
    }
    Layout* const found = layout(key_of(flow));
    std::uint64_t* const told = flow.sampling_rate == 1 ? nullptr : rate(flow.sampling_rate);
    if (found == nullptr || (flow.sampling_rate != 1 && told == nullptr)) {
      ++counters.refused;
      return;
    }
    if (told != nullptr) tell_rate(flow.sampling_rate, *told, now, take);
    tell(*found, now, take);
    begin(found->id, found->record_octets, now, take);
    for (const Column* column : found->columns) column->put(flow, column->width, message);
    ++records;
    ++counters.flows;
  }
};

IpfixEncoder::IpfixEncoder(const IpfixEncoderOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
IpfixEncoder::~IpfixEncoder() = default;

void IpfixEncoder::add(std::span<const FlowRecord> flows, Timestamp now, const Take& take) {
  for (const FlowRecord& flow : flows) impl_->add(flow, now, take);
}
void IpfixEncoder::flush(Timestamp now, const Take& take) { impl_->flush(now, take); }
void IpfixEncoder::begin_session() noexcept { impl_->begin_session(); }
const IpfixEncoderCounters& IpfixEncoder::counters() const noexcept { return impl_->counters; }

}  // namespace flowlens
