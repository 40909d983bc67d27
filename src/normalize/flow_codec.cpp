// A flow is written as what differs from the flow before it: a mask of the members that do, then their
// values. One list of members serves writer and reader alike.
#include "flowlens/flow_codec.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <type_traits>

#include "wire/sealed_state.hpp"
#include "wire/varint.hpp"

namespace flowlens {
namespace {

constexpr std::uint32_t kMark = 0x464c666c;  // "FLfl"
constexpr std::uint16_t kVersion = 1;

/// The difference of two times, small whatever its sign.
std::uint64_t distance(Timestamp from, Timestamp to) noexcept {
  const std::uint64_t difference =
      static_cast<std::uint64_t>(to_unix_ns(to)) - static_cast<std::uint64_t>(to_unix_ns(from));
  return difference << 1 ^ (0 - (difference >> 63));
}
Timestamp moved(Timestamp from, std::uint64_t distance) noexcept {
  const std::uint64_t difference = distance >> 1 ^ (0 - (distance & 1));
  return from_unix_ns(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(to_unix_ns(from)) + difference));
}

class Writer {
 public:
  static constexpr bool kWrites = true;

  void number(std::uint64_t n) { wire::put_varint(out_, n); }
  template <typename Number>
  void put(const Number& n, const Number&) {
    number(static_cast<std::uint64_t>(n));
  }
  void put(const Timestamp& t, const Timestamp& before) { number(distance(before, t)); }
  void put(const IpAddress& a, const IpAddress&) {
    const auto octets = std::as_bytes(std::span{a.octets()}).subspan(a.is_v4() ? 12 : 0);
    out_.u8(static_cast<std::uint8_t>(octets.size())).append(octets);
  }
  std::vector<std::byte> finish() { return wire::seal_state(std::move(out_)); }

 private:
  wire::ByteWriter out_ = wire::begin_state(kMark, kVersion);
};

class Reader {
 public:
  static constexpr bool kWrites = false;

  explicit Reader(std::span<const std::byte> content) : in_(content) {}

  std::uint64_t number(std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
    const auto n = wire::take_varint(in_, most);
    if (!n) refuse();
    return n.value_or(0);
  }
  template <typename Number>
  void put(Number& n, const Number&) {
    n = static_cast<Number>(number(most_of<Number>()));
  }
  void put(Timestamp& t, const Timestamp& before) { t = moved(before, number()); }
  void put(IpAddress& a, const IpAddress&) {
    const auto read = IpAddress::from_octets(in_.take(in_.u8()));
    read ? void(a = *read) : refuse();
  }
  void refuse() noexcept { is_refused_ = true; }
  [[nodiscard]] std::size_t remaining() const noexcept { return in_.remaining(); }
  [[nodiscard]] bool is_good() const noexcept { return in_.ok() && !is_refused_; }
  [[nodiscard]] Diagnostic result() const noexcept {
    const auto at = static_cast<std::uint32_t>(wire::kSealOctets - 4 + in_.offset());
    if (is_refused_ || (in_.ok() && in_.remaining() > 0)) {
      return {DiagnosticCode::state_damaged, at, 0};
    }
    return in_.ok() ? Diagnostic{} : Diagnostic{DiagnosticCode::truncated, at, 0};
  }

 private:
  template <typename Number>
  static constexpr std::uint64_t most_of() noexcept {
    if constexpr (std::is_same_v<Number, bool>) return 1;
    if constexpr (std::is_same_v<Number, SamplingSource>) {
      return static_cast<std::uint64_t>(SamplingSource::other_domain);
    } else if constexpr (std::is_same_v<Number, Initiator>) {
      return static_cast<std::uint64_t>(Initiator::destination);
    } else if constexpr (std::is_same_v<Number, FlowKind>) {
      return static_cast<std::uint64_t>(FlowKind::sampled_packet);
    } else if constexpr (std::is_same_v<Number, ExportProtocol>) {
      return static_cast<std::uint64_t>(ExportProtocol::packet_capture);
    } else if constexpr (std::is_same_v<Number, CounterSource>) {
      return static_cast<std::uint64_t>(CounterSource::packet);
    } else {
      return std::numeric_limits<Number>::max();
    }
  }

  wire::ByteReader in_;
  bool is_refused_ = false;
};

/// Calls `visit` for each member of two rows; where none is added or moved, the format stays.
template <typename Row, typename Visit>
void for_each_flow_member(Row& f, const FlowRecord& before, Visit visit) {
  visit(f.received, before.received);
  visit(f.start, before.start);
  visit(f.end, before.end);
  visit(f.source_address, before.source_address);
  visit(f.destination_address, before.destination_address);
  visit(f.source_port, before.source_port);
  visit(f.destination_port, before.destination_port);
  visit(f.octet_count, before.octet_count);
  visit(f.packet_count, before.packet_count);
  visit(f.protocol, before.protocol);
  visit(f.tcp_flags, before.tcp_flags);
  visit(f.present, before.present);
  visit(f.exporter, before.exporter);
  visit(f.next_hop, before.next_hop);
  visit(f.observation_domain, before.observation_domain);
  visit(f.sampling_rate, before.sampling_rate);
  visit(f.ingress_interface, before.ingress_interface);
  visit(f.egress_interface, before.egress_interface);
  visit(f.source_as, before.source_as);
  visit(f.destination_as, before.destination_as);
  visit(f.vlan_id, before.vlan_id);
  visit(f.icmp_type_code, before.icmp_type_code);
  visit(f.tos, before.tos);
  visit(f.source_prefix_length, before.source_prefix_length);
  visit(f.destination_prefix_length, before.destination_prefix_length);
  visit(f.flow_direction, before.flow_direction);
  visit(f.sampling_source, before.sampling_source);
  visit(f.initiator, before.initiator);
  visit(f.kind, before.kind);
  visit(f.export_protocol, before.export_protocol);
  visit(f.is_fragment_tail, before.is_fragment_tail);
  visit(f.counter_source, before.counter_source);
}

template <typename Row, typename Visit>
void for_each_event_member(Row& e, const NatEvent& before, Visit visit) {
  visit(e.received, before.received);
  visit(e.time, before.time);
  visit(e.exporter, before.exporter);
  visit(e.source_address, before.source_address);
  visit(e.destination_address, before.destination_address);
  visit(e.post_source_address, before.post_source_address);
  visit(e.post_destination_address, before.post_destination_address);
  visit(e.vrf_name, before.vrf_name);
  visit(e.observation_domain, before.observation_domain);
  visit(e.vrf, before.vrf);
  visit(e.pool, before.pool);
  visit(e.present, before.present);
  visit(e.source_port, before.source_port);
  visit(e.destination_port, before.destination_port);
  visit(e.post_source_port, before.post_source_port);
  visit(e.post_destination_port, before.post_destination_port);
  visit(e.port_block_start, before.port_block_start);
  visit(e.port_block_end, before.port_block_end);
  visit(e.protocol, before.protocol);
  visit(e.event, before.event);
}

template <typename Row, typename Visit>
void for_each_member(Row& row, const FlowRecord& before, Visit visit) {
  for_each_flow_member(row, before, visit);
}
template <typename Row, typename Visit>
void for_each_member(Row& row, const NatEvent& before, Visit visit) {
  for_each_event_member(row, before, visit);
}

template <typename Row>
void write_row(Writer& out, const Row& row, const Row& before) {
  std::uint64_t mask = 0;
  unsigned at = 0;
  for_each_member(row, before, [&](const auto& value, const auto& old) {
    mask |= std::uint64_t{value != old} << at++;
  });
  out.number(mask);
  at = 0;
  for_each_member(row, before, [&](const auto& value, const auto& old) {
    if ((mask >> at++ & 1) != 0) out.put(value, old);
  });
}

template <typename Row>
void read_row(Reader& in, Row& row, const Row& before) {
  row = before;
  const std::uint64_t mask = in.number();
  unsigned at = 0;
  for_each_member(row, before, [&](auto& value, const auto& old) {
    if ((mask >> at++ & 1) != 0) in.put(value, old);
  });
  if (mask >> at != 0) in.refuse();
}

template <typename Row>
void write_rows(Writer& out, const std::vector<Row>& rows) {
  out.number(rows.size());
  const Row nothing{};
  const Row* before = &nothing;
  for (const Row& row : rows) {
    write_row(out, row, *before);
    before = &row;
  }
}

/// A row takes an octet at least, so no claim makes the list longer than what is there.
template <typename Row>
void read_rows(Reader& in, std::vector<Row>& rows) {
  const std::uint64_t count = in.number(std::min(in.remaining(), kMostCodedFlows));
  rows.reserve(count);
  Row before{};
  for (std::uint64_t i = 0; i < count && in.is_good(); ++i) {
    read_row(in, rows.emplace_back(), before);
    before = rows.back();
  }
}

template <typename Codec, typename Value>
using Of = std::conditional_t<Codec::kWrites, const Value, Value>;

template <typename Codec>
void code(Codec& c, Of<Codec, Translation>& t) {
  c.put(t.source_address, t.source_address);
  c.put(t.destination_address, t.destination_address);
  c.put(t.source_port, t.source_port);
  c.put(t.destination_port, t.destination_port);
}

void code(Writer& out, const std::optional<Vrf>& vrf) {
  out.number(vrf ? 1 : 0);
  if (!vrf) return;
  out.number(vrf->id);
  out.number(vrf->name);
}
void code(Reader& in, std::optional<Vrf>& vrf) {
  if (in.number(1) == 0) return;
  vrf.emplace();
  in.put(vrf->id, vrf->id);
  in.put(vrf->name, vrf->name);
}

template <typename Codec>
void code(Codec& c, Of<Codec, FlowVrf>& v) {
  code(c, v.ingress);
  code(c, v.egress);
}

/// What stands beside flows: for each how many flows on from the one before, and what is said of it.
template <typename Row>
void write_beside(Writer& out, const std::vector<Row>& rows) {
  out.number(rows.size());
  std::uint32_t before = 0;
  for (const Row& row : rows) {
    out.number(row.flow - before);
    code(out, row);
    before = row.flow;
  }
}

template <typename Row>
void read_beside(Reader& in, std::size_t flows, std::vector<Row>& rows) {
  std::uint64_t flow = 0;
  for (std::uint64_t n = in.number(std::min(in.remaining(), kMostCodedFlows));
       n > 0 && in.is_good(); --n) {
    flow += in.number(kMostCodedFlows);
    if (flow >= flows) return in.refuse();
    Row& row = rows.emplace_back();
    row.flow = static_cast<std::uint32_t>(flow);
    code(in, row);
  }
}

/// What a FlowRecord promises, and others count on.
bool is_sound(const FlowRecord& flow) noexcept {
  return flow.sampling_rate >= 1 && flow.start <= flow.end;
}

}  // namespace

std::vector<std::byte> encode_flows(const FlowBatch& batch) {
  Writer out;
  write_rows(out, batch.flows);
  write_beside(out, batch.translations);
  write_beside(out, batch.vrfs);
  write_rows(out, batch.nat_events);
  return out.finish();
}

Diagnostic decode_flows(std::span<const std::byte> octets, FlowBatch& batch) {
  batch.clear();
  std::span<const std::byte> content;
  const Diagnostic sealed = wire::open_state(octets, kMark, kVersion, content);
  if (sealed.code != DiagnosticCode::none) return sealed;
  Reader in{content};
  read_rows(in, batch.flows);
  if (!std::all_of(batch.flows.begin(), batch.flows.end(), is_sound)) in.refuse();
  read_beside(in, batch.flows.size(), batch.translations);
  read_beside(in, batch.flows.size(), batch.vrfs);
  read_rows(in, batch.nat_events);
  return in.result();
}

}  // namespace flowlens
