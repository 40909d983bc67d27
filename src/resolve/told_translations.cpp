#include "resolve/told_translations.hpp"

#include <algorithm>
#include <optional>

#include "aggregate/direction.hpp"

namespace flowlens::resolve {

namespace {

/// natEvent (element 230, RFC 8158 §4.3).
enum class Event : std::uint8_t {
  created = 1,
  deleted = 2,
  nat44_session_created = 4,
  nat44_session_deleted = 5,
  nat64_session_created = 6,
  nat64_session_deleted = 7,
  nat44_binding_created = 8,
  nat44_binding_deleted = 9,
  nat64_binding_created = 10,
  nat64_binding_deleted = 11,
  address_bound = 14,
  address_unbound = 15,
  ports_allocated = 16,
  ports_freed = 17,
};

using aggregate::has_ports;

bool is_deletion(Event event) noexcept {
  switch (event) {
    case Event::deleted:
    case Event::nat44_session_deleted:
    case Event::nat64_session_deleted:
    case Event::nat44_binding_deleted:
    case Event::nat64_binding_deleted:
    case Event::address_unbound:
    case Event::ports_freed:
      return true;
    default:
      return false;
  }
}

/// Where the addresses before translation are.
std::optional<Vrf> inner_vrf(const NatEvent& e) noexcept {
  if (!e.has(NatField::vrf)) return std::nullopt;
  return Vrf{e.vrf, e.vrf_name};
}

/// One connection before and after translation, ends in the same order.
struct Looks {
  ConnectionEnds before, after;
};

/// Tells of one batch.
class Teller {
 public:
  Teller(const Enricher& enricher, TranslationTable& table) : enricher_(enricher), table_(table) {}

  /// \param vrf  of the flow. What was translated is seen where the flow goes out.
  void tell(const FlowRecord& flow, const Translation& t, const FlowVrf& vrf) {
    if (!has_ports(flow.protocol) || flow.kind == FlowKind::denied) return;
    const auto end = [&](const IpAddress& address, std::uint16_t port,
                         const std::optional<Vrf>& where) {
      return TransportEnd{enricher_.endpoint(flow.exporter, address, where), port};
    };
    const auto translated = [&](const IpAddress& address, std::uint16_t port,
                                const TransportEnd& before) {
      if (address == before.endpoint.address) return TransportEnd{before.endpoint, port};
      return end(address, port, vrf.of_destination());
    };
    const TransportEnd source = end(flow.source_address, flow.source_port, vrf.of_source());
    const TransportEnd destination =
        end(flow.destination_address, flow.destination_port, vrf.of_destination());
    Looks looks;
    looks.before = {{source, destination}, flow.protocol};
    looks.after = {{translated(t.source_address, t.source_port, source),
                    translated(t.destination_address, t.destination_port, destination)},
                   flow.protocol};
    // A flow of the answers of a biflow, or of one that the translator turned back as it turned the
    // requests: its source is the server.
    const bool is_answer = flow.initiator == Initiator::destination;
    tell(looks, is_answer ? 1 : 0, {flow.start, flow.end});
  }

  void tell(const NatEvent& e) {
    if (!e.has(NatField::source_address) || !e.has(NatField::post_source_address)) return;
    if (e.source_address.is_unspecified() || e.post_source_address.is_unspecified()) return;
    const auto event = static_cast<Event>(e.event);
    const Endpoint inner = enricher_.endpoint(e.exporter, e.source_address, inner_vrf(e));
    const Endpoint outer = enricher_.endpoint(e.exporter, e.post_source_address);
    switch (event) {
      case Event::address_bound:
        return table_.tell_ports(outer, 0, 0xffff, inner, table_.from(e.time));
      case Event::address_unbound:
        return table_.end_of_ports(outer, 0, 0xffff, inner, e.time);
      case Event::ports_allocated:
        if (!e.has(NatField::port_block)) return;
        return table_.tell_ports(outer, e.port_block_start, e.port_block_end, inner,
                                 table_.from(e.time));
      case Event::ports_freed:
        if (!e.has(NatField::port_block)) return;
        return table_.end_of_ports(outer, e.port_block_start, e.port_block_end, inner, e.time);
      case Event::created:
      case Event::deleted:
      case Event::nat44_session_created:
      case Event::nat44_session_deleted:
      case Event::nat64_session_created:
      case Event::nat64_session_deleted:
        return e.has(NatField::destination_address) && !e.destination_address.is_unspecified()
                   ? tell_session(e, inner, outer)
                   : tell_binding(e, inner, outer);
      case Event::nat44_binding_created:
      case Event::nat44_binding_deleted:
      case Event::nat64_binding_created:
      case Event::nat64_binding_deleted:
        return tell_binding(e, inner, outer);
    }
  }

 private:
  void tell_binding(const NatEvent& e, const Endpoint& inner, const Endpoint& outer) {
    if (!e.has(NatField::source_port) || !e.has(NatField::post_source_port)) return;
    const TransportEnd in{inner, e.source_port}, out{outer, e.post_source_port};
    const std::uint8_t protocol = e.has(NatField::protocol) ? e.protocol : 0;
    if (is_deletion(static_cast<Event>(e.event))) {
      table_.end_of_end(out, in, protocol, e.time);
    } else {
      table_.tell_end(out, in, protocol, table_.from(e.time));
    }
  }

  void tell_session(const NatEvent& e, const Endpoint& inner, const Endpoint& outer) {
    if (!e.has(NatField::protocol) || !has_ports(e.protocol)) return;
    const bool is_moved =
        e.has(NatField::post_destination_address) && !e.post_destination_address.is_unspecified();
    const std::uint16_t out_port = e.post_source_port != 0 ? e.post_source_port : e.source_port;
    const std::uint16_t to_port =
        e.post_destination_port != 0 ? e.post_destination_port : e.destination_port;
    const Endpoint server = enricher_.endpoint(e.exporter, e.destination_address);
    const Endpoint moved =
        is_moved ? enricher_.endpoint(e.exporter, e.post_destination_address) : server;
    Looks looks;
    looks.before = {{TransportEnd{inner, e.source_port}, TransportEnd{server, e.destination_port}},
                    e.protocol};
    looks.after = {{TransportEnd{outer, out_port}, TransportEnd{moved, to_port}}, e.protocol};
    if (is_deletion(static_cast<Event>(e.event))) {
      for_each_look(looks, 0, [&](const auto&... what) { table_.end(what..., e.time); });
    } else {
      tell(looks, 0, table_.from(e.time));
    }
  }

  void tell(const Looks& looks, std::size_t client, const TranslationTime& time) {
    for_each_look(looks, client, [&](const auto&... what) { table_.tell(what..., time); });
  }

  /// Where only one of two is an internal address it is the real one: translators hide what is
  /// inside. Otherwise who asks is real before translation, and who is asked behind it.
  [[nodiscard]] bool is_real_before(const TransportEnd& before, const TransportEnd& after,
                                    bool is_client) const noexcept {
    const bool inside_before = enricher_.is_internal(before.endpoint.address);
    const bool inside_after = enricher_.is_internal(after.endpoint.address);
    return inside_before != inside_after ? inside_before : is_client;
  }

  template <typename Take>
  void for_each_look(const Looks& looks, std::size_t client, const Take& take) const {
    const auto& [before, after] = looks;
    ConnectionEnds real = before;
    Endpoint via = before.end[0].endpoint;
    bool is_translated = false;
    for (std::size_t side = 0; side < 2; ++side) {
      if (before.end[side] == after.end[side]) continue;
      const bool first = is_real_before(before.end[side], after.end[side], side == client);
      const TransportEnd& other = first ? after.end[side] : before.end[side];
      if (!first) real.end[side] = after.end[side];
      via = is_translated ? std::min(via, other.endpoint) : other.endpoint;
      is_translated = true;
    }
    if (!is_translated) return;
    take(real, real, via);
    if (before != real) take(before, real, via);
    if (after != real) take(after, real, via);
  }

  const Enricher& enricher_;
  TranslationTable& table_;
};

}  // namespace

void tell(const FlowBatch& batch, const Enricher& enricher, TranslationTable& table) {
  Teller teller{enricher, table};
  for (const Translation& t : batch.translations) {
    const auto vrf = flowlens::detail::first_beside(batch.vrfs, t.flow);
    const bool is_told = vrf != batch.vrfs.end() && vrf->flow == t.flow;
    teller.tell(batch.flows[t.flow], t, is_told ? *vrf : FlowVrf{});
  }
  for (const NatEvent& e : batch.nat_events) teller.tell(e);
}

}  // namespace flowlens::resolve
