// What exporters told, saved and loaded.
#include <string>
#include <utility>

#include "normalize/exporter_table.hpp"
#include "wire/byte_reader.hpp"
#include "wire/sealed_state.hpp"

namespace flowlens::normalize {
namespace {

constexpr std::uint32_t kMark = 0x464c4e53;  // "FLNS"
constexpr std::uint16_t kVersion = 2;

using Count = std::optional<std::uint64_t> ExporterStatistics::*;
constexpr Count kCounts[] = {
    &ExporterStatistics::exported_octets, &ExporterStatistics::exported_messages,
    &ExporterStatistics::exported_flows,  &ExporterStatistics::observed_flows,
    &ExporterStatistics::ignored_packets, &ExporterStatistics::ignored_octets,
    &ExporterStatistics::not_sent_flows,  &ExporterStatistics::not_sent_packets,
    &ExporterStatistics::not_sent_octets,
};

void put_time(wire::ByteWriter& out, Timestamp t) {
  out.u64(static_cast<std::uint64_t>(to_unix_ns(t)));
}
Timestamp take_time(wire::ByteReader& in) noexcept {
  return from_unix_ns(static_cast<std::int64_t>(in.u64()));
}
void put_number(wire::ByteWriter& out, const std::optional<std::uint64_t>& n) {
  out.u8(n ? 1 : 0).u64(n.value_or(0));
}
std::optional<std::uint64_t> take_number(wire::ByteReader& in) noexcept {
  const bool has = in.u8() != 0;
  const std::uint64_t n = in.u64();
  return has ? std::optional{n} : std::nullopt;
}

/// Calls `each(key, value)` from the entry used longest ago on, so that loading leaves the same
/// order of use.
template <typename Table, typename Each>
void oldest_first(const Table& table, Each&& each) {
  for (auto it = table.end(); it != table.begin();) {
    --it;
    each(it->first, it->second);
  }
}

bool is_told(const Domain& d) noexcept { return d.boot_ms || d.statistics; }

std::uint32_t told_domains(const Exporter& exporter) noexcept {
  std::uint32_t count = 0;
  for (const auto& [id, domain] : exporter.domains) count += is_told(domain) ? 1 : 0;
  return count;
}

void put(wire::ByteWriter& out, std::uint64_t id, const Domain& domain) {
  out.u32(static_cast<std::uint32_t>(id));
  put_number(out, domain.boot_ms);
  put_time(out, domain.boot_told);
  put_time(out, domain.restarted);
  out.u8(domain.statistics ? 1 : 0);
  if (!domain.statistics) return;
  put_time(out, domain.statistics->told);
  for (const Count count : kCounts) put_number(out, *domain.statistics.*count);
}
Domain take_domain(wire::ByteReader& in, std::uint32_t& id) noexcept {
  Domain domain;
  id = in.u32();
  domain.boot_ms = take_number(in);
  domain.boot_told = take_time(in);
  domain.restarted = take_time(in);
  if (in.u8() == 0) return domain;
  domain.statistics.emplace();
  domain.statistics->observation_domain = id;
  domain.statistics->told = take_time(in);
  for (const Count count : kCounts) *domain.statistics.*count = take_number(in);
  return domain;
}

void put(wire::ByteWriter& out, const SamplingFact& f) {
  out.u8(static_cast<std::uint8_t>(f.scope)).u32(f.observation_domain).u64(f.id).u32(f.rate);
  put_time(out.u16(f.algorithm), f.told);
}
SamplingFact take_rate(wire::ByteReader& in) noexcept {
  SamplingFact f;
  f.scope = static_cast<SamplingScope>(in.u8());
  f.observation_domain = in.u32();
  f.id = in.u64();
  f.rate = in.u32();
  f.algorithm = in.u16();
  f.told = take_time(in);
  if (f.scope > SamplingScope::selector || f.rate == 0) in.skip(in.remaining() + 1);  // refused
  return f;
}

void put(wire::ByteWriter& out, const NameFact& f) {
  out.u8(static_cast<std::uint8_t>(f.kind)).u32(f.observation_domain).u64(f.id);
  put_time(out, f.told);
  out.u16(static_cast<std::uint16_t>(f.text.size())).append(std::as_bytes(std::span{f.text}));
}
NameFact take_name(wire::ByteReader& in) {
  NameFact f;
  f.kind = static_cast<NameKind>(in.u8());
  f.observation_domain = in.u32();
  f.id = in.u64();
  f.told = take_time(in);
  const auto text = in.take(in.u16());
  f.text.assign(reinterpret_cast<const char*>(text.data()), text.size());
  if (f.kind > NameKind::sampler_name) in.skip(in.remaining() + 1);  // refused
  return f;
}

}  // namespace

std::vector<std::byte> ExporterTable::save() const {
  wire::ByteWriter out = wire::begin_state(kMark, kVersion);
  oldest_first(exporters_, [&](const IpAddress& address, const Exporter& exporter) {
    const std::uint32_t domains = told_domains(exporter);
    if (domains == 0 && exporter.rates.size() == 0 && exporter.names.size() == 0) return;
    out.append(std::as_bytes(std::span{address.octets()})).u32(domains);
    oldest_first(exporter.domains, [&](std::uint64_t id, const Domain& d) {
      if (is_told(d)) put(out, id, d);
    });
    out.u32(static_cast<std::uint32_t>(exporter.rates.size()));
    oldest_first(exporter.rates, [&](const FactKey&, const SamplingFact& f) { put(out, f); });
    out.u32(static_cast<std::uint32_t>(exporter.names.size()));
    oldest_first(exporter.names, [&](const FactKey&, const NameFact& f) { put(out, f); });
  });
  return wire::seal_state(std::move(out));
}

bool ExporterTable::read(std::span<const std::byte> content, ExporterTable* into) {
  wire::ByteReader in{content};
  while (in.ok() && in.remaining() != 0) {
    const auto octets = in.take(16);
    if (!in.ok()) return false;
    Exporter* known = into != nullptr ? &into->exporter(*IpAddress::from_octets(octets)) : nullptr;
    for (std::uint32_t left = in.u32(); left != 0 && in.ok(); --left) {
      std::uint32_t id = 0;
      const Domain domain = take_domain(in, id);
      if (known != nullptr) known->domains.put(id, domain);
    }
    for (std::uint32_t left = in.u32(); left != 0 && in.ok(); --left) {
      const SamplingFact fact = take_rate(in);
      if (known != nullptr) into->put_rate(*known, fact);
    }
    for (std::uint32_t left = in.u32(); left != 0 && in.ok(); --left) {
      NameFact fact = take_name(in);
      if (known != nullptr) into->put_name(*known, std::move(fact));
    }
  }
  return in.ok();
}

Diagnostic ExporterTable::load(std::span<const std::byte> state) noexcept {
  std::span<const std::byte> content;
  if (const Diagnostic wrong = wire::open_state(state, kMark, kVersion, content);
      wrong.code != DiagnosticCode::none) {
    return wrong;
  }
  try {
    // Once without taking anything: then nothing can go wrong half way.
    if (!read(content, nullptr)) return {DiagnosticCode::state_damaged, 6, 0};
    read(content, this);
  } catch (const std::bad_alloc&) {
    return {DiagnosticCode::out_of_memory, 0, 0};
  }
  return {};
}

}  // namespace flowlens::normalize
