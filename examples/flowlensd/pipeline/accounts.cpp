#include "pipeline/accounts.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <tuple>

namespace flowlensd {

namespace {

/// Adds every counter; those that are added to the struct later, too.
template <typename Counters>
void add_all(Counters& to, const Counters& more) noexcept {
  static_assert(sizeof(Counters) % sizeof(std::uint64_t) == 0);
  using Words = std::array<std::uint64_t, sizeof(Counters) / sizeof(std::uint64_t)>;
  auto sum = std::bit_cast<Words>(to);
  const auto words = std::bit_cast<Words>(more);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += words[i];
  to = std::bit_cast<Counters>(sum);
}

}  // namespace

DecoderAccount& DecoderAccount::operator+=(const DecoderAccount& o) noexcept {
  datagrams += o.datagrams;
  octets += o.octets;
  add_all(parser, o.parser);
  add_all(normalizer, o.normalizer);
  return *this;
}

WireProtocol wire_protocol(std::span<const std::byte> d) noexcept {
  if (d.size() < 4 || d[0] != std::byte{0}) return WireProtocol::other;
  if (d[1] == std::byte{1}) return WireProtocol::netflow_v1;
  if (d[1] == std::byte{5}) return WireProtocol::netflow_v5;
  if (d[1] == std::byte{7}) return WireProtocol::netflow_v7;
  if (d[1] == std::byte{9}) return WireProtocol::netflow_v9;
  if (d[1] == std::byte{10}) return WireProtocol::ipfix;
  if (d[1] != std::byte{0} || d[2] != std::byte{0}) return WireProtocol::other;
  if (d[3] == std::byte{2}) return WireProtocol::sflow_v2;
  if (d[3] == std::byte{4}) return WireProtocol::sflow_v4;
  return d[3] == std::byte{5} ? WireProtocol::sflow_v5 : WireProtocol::other;
}

std::string_view to_string(WireProtocol p) noexcept {
  constexpr std::array<std::string_view, 9> kNames{"netflow_v1", "netflow_v5", "netflow_v7",
                                                   "netflow_v9", "ipfix",      "sflow_v2",
                                                   "sflow_v4",   "sflow_v5",   "other"};
  return kNames[static_cast<std::size_t>(p)];
}

std::string_view to_string(Transport transport) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"udp", "tcp", "tls", "file"};
  return kNames[static_cast<std::size_t>(transport)];
}

AccountSlot::AccountSlot(std::size_t max_exporters, std::uint64_t hash_key)
    : max_exporters_(max_exporters), exporters_(16, Hash{hash_key}) {}

ExporterAccount& AccountSlot::row(const Key& key) {
  const auto found = exporters_.find(key);
  if (found != exporters_.end()) return found->second;
  // Past the bound (a forged flood) all further ones share the row of address `::`.
  const Key taken =
      exporters_.size() < max_exporters_ ? key : Key{IpAddress{}, key.protocol, key.transport};
  ExporterAccount& fresh = exporters_[taken];
  fresh.address = taken.address;
  fresh.protocol = taken.protocol;
  fresh.transport = taken.transport;
  return fresh;
}

void AccountSlot::note(const ReceivedDatagram& datagram, std::uint64_t flows, bool has_problem) {
  const Key key{datagram.session.exporter, wire_protocol(datagram.octets),
                datagram.session.transport};
  const std::lock_guard lock(mutex_);
  ExporterAccount& r = row(key);
  if (r.datagrams++ == 0) r.first_heard = datagram.received;
  r.octets += datagram.octets.size();
  r.flows += flows;
  r.problems += has_problem ? 1 : 0;
  r.last_heard = std::max(r.last_heard, datagram.received);
}

void AccountSlot::publish(const Decoder& decoder) {
  const ParserCounters parser = decoder.parser().counters();
  const std::lock_guard lock(mutex_);
  account_.datagrams = decoder.parser().datagrams();
  account_.octets = decoder.parser().octets();
  account_.parser = parser;
  account_.normalizer = decoder.counters();
}

DecoderAccount AccountSlot::account() const {
  const std::lock_guard lock(mutex_);
  return account_;
}

void AccountSlot::append_exporters(std::vector<ExporterAccount>& out) const {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : exporters_) out.push_back(entry.second);
}

Accounts::Accounts(std::size_t decoders, std::size_t max_exporters, std::uint64_t hash_key)
    : max_exporters_(max_exporters) {
  const std::size_t share =
      std::max<std::size_t>(1, max_exporters / std::max<std::size_t>(1, decoders));
  for (std::size_t i = 0; i < decoders; ++i) {
    slots_.push_back(std::make_unique<AccountSlot>(share, hash_key));
  }
}

DecoderAccount Accounts::total() const {
  DecoderAccount sum;
  for (const auto& slot : slots_) sum += slot->account();
  return sum;
}

std::vector<ExporterAccount> Accounts::exporters() const {
  std::vector<ExporterAccount> all;
  for (const auto& slot : slots_) slot->append_exporters(all);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.address, a.protocol, a.transport) <
           std::tie(b.address, b.protocol, b.transport);
  });
  std::vector<ExporterAccount> merged;
  for (const ExporterAccount& row : all) {
    if (merged.empty() || merged.back().address != row.address ||
        merged.back().protocol != row.protocol || merged.back().transport != row.transport) {
      merged.push_back(row);
      continue;
    }
    ExporterAccount& into = merged.back();
    into.datagrams += row.datagrams;
    into.octets += row.octets;
    into.flows += row.flows;
    into.problems += row.problems;
    into.first_heard = std::min(into.first_heard, row.first_heard);
    into.last_heard = std::max(into.last_heard, row.last_heard);
  }
  return merged;
}

}  // namespace flowlensd
