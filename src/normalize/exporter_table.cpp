#include "normalize/exporter_table.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "normalize/rates.hpp"

namespace flowlens::normalize {
namespace {

constexpr std::size_t kMaxNameOctets = 255;
constexpr std::chrono::seconds kBootJitter{60};  ///< headers have whole seconds, clocks drift

FactKey key_of(const SamplingFact& f) noexcept {
  return {f.observation_domain, static_cast<std::uint8_t>(f.scope), f.id};
}
FactKey key_of(const NameFact& f) noexcept {
  return {f.observation_domain, static_cast<std::uint8_t>(f.kind), f.id};
}

bool is_within(const IpAddress& address, const SamplingOverride& rule) noexcept {
  // IPv4 is held as v4-mapped, its prefixes behind the 96 bits of that.
  const std::size_t length = rule.prefix_length + (rule.prefix.is_v4() ? 96u : 0u);
  const auto &a = address.octets(), &b = rule.prefix.octets();
  for (std::size_t i = 0; i < length / 8; ++i) {
    if (a[i] != b[i]) return false;
  }
  const std::size_t rest = length % 8;
  return rest == 0 || (a[length / 8] ^ b[length / 8]) >> (8 - rest) == 0;
}

}  // namespace

Exporter& ExporterTable::find_or_add(const IpAddress& address) {
  if (Exporter* known = exporters_.find(address)) return *(last_ = known);
  if (exporters_.size() >= options_.max_exporters) forget(std::prev(exporters_.end())->second);
  last_ = nullptr;
  Exporter& added = exporters_.put(address, Exporter{address, options_});
  find_overrides(added);
  return *(last_ = &added);
}

Domain& ExporterTable::domain(Exporter& exporter, std::uint32_t id) {
  if (Domain* known = exporter.domains.find(id)) return *known;
  return exporter.domains.put(id, Domain{});
}

void ExporterTable::find_overrides(Exporter& exporter) const {
  for (const SamplingOverride& rule : options_.sampling_overrides) {
    if (!is_within(exporter.address, rule)) continue;
    if (rule.interface) {
      exporter.interface_overrides.push_back(&rule);
    } else if (exporter.whole_override == nullptr ||
               exporter.whole_override->prefix_length < rule.prefix_length) {
      exporter.whole_override = &rule;
    }
  }
  std::ranges::sort(exporter.interface_overrides, std::greater<>{},
                    &SamplingOverride::prefix_length);
}

void ExporterTable::forget(const Exporter& exporter) noexcept {
  rates_ -= exporter.rates.size();
  names_ -= exporter.names.size();
}

void ExporterTable::make_room(const Exporter& for_whom) noexcept {
  while (rates_ + names_ >= options_.max_facts) {
    const Exporter& oldest = std::prev(exporters_.end())->second;
    if (&oldest == &for_whom) return;
    forget(oldest);
    exporters_.evict_oldest();
  }
}

void ExporterTable::put_rate(Exporter& exporter, const SamplingFact& fact) {
  make_room(exporter);
  const std::size_t before = exporter.rates.size();
  FactKey key = key_of(fact);
  exporter.rates.put(key, fact);
  rates_ += exporter.rates.size() - before;
  exporter.has_interface_rates |= fact.scope == SamplingScope::interface;

  key.domain = 0;
  const SharedRate* known = exporter.shared.find(key);
  SharedRate shared{fact.rate, fact.observation_domain, false};
  if (known != nullptr && known->domain != shared.domain) {
    shared.is_disputed = known->rate != shared.rate;
  } else if (known != nullptr) {
    shared.is_disputed = known->is_disputed;
  }
  exporter.shared.put(key, shared);
  ++exporter.rates_epoch;
}

void ExporterTable::put_name(Exporter& exporter, NameFact fact) {
  make_room(exporter);
  const std::size_t before = exporter.names.size();
  const FactKey key = key_of(fact);
  exporter.names.put(key, std::move(fact));
  names_ += exporter.names.size() - before;
}

void ExporterTable::learn(Exporter& exporter, const DataSet& set, const OptionsRecord& record) {
  const std::uint32_t id = set.message->observation_domain;
  bool is_absurd = false;
  if (const std::uint32_t rate = record.rate(is_absurd)) {
    put_rate(exporter, {record.scope(), id, record.scope_id(), rate, record.selector_algorithm(),
                        set.received, false});
  }
  absurd_rates_ += is_absurd ? 1 : 0;
  const auto name = [&](NameKind kind, OptionsRecord::Number of, std::string_view text) {
    if (!of || text.empty()) return;
    text = text.substr(0, kMaxNameOctets);
    NameFact* known = exporter.names.find({id, static_cast<std::uint8_t>(kind), *of});
    if (known == nullptr) {
      return put_name(exporter, {kind, id, *of, std::string{text}, set.received, false});
    }
    known->text = text;  // told again and again: its memory stays
    known->told = set.received;
    known->is_stale = false;
  };
  name(NameKind::interface_name, record.interface, record.interface_name);
  name(NameKind::interface_description, record.interface, record.interface_description);
  name(NameKind::vrf_name, record.vrf, record.vrf_name);
  name(NameKind::application_name, record.application, record.application_name);
  name(NameKind::application_description, record.application, record.application_description);
  name(NameKind::sampler_name, record.sampler ? record.sampler : record.selector,
       record.sampler_name);

  if (!record.boot_ms && !record.has_statistics()) return;
  Domain& known = domain(exporter, id);
  if (record.boot_ms) note_boot(exporter, known, *record.boot_ms, set.received);
  if (record.has_statistics()) {
    known.statistics = record.statistics;
    known.statistics->observation_domain = id;
    known.statistics->told = set.received;
  }
}

void ExporterTable::note_boot(Exporter& exporter, Domain& domain, std::uint64_t boot_ms,
                              Timestamp received) noexcept {
  constexpr std::uint64_t kJitter = std::chrono::milliseconds{kBootJitter}.count();
  if (domain.boot_ms && boot_ms > *domain.boot_ms && boot_ms - *domain.boot_ms > kJitter) {
    domain.restarted = received;
    ++exporter.restarts;
  }
  domain.boot_ms = boot_ms;
  domain.boot_told = received;
}

void ExporterTable::learn(const DataSet& set, const OptionsPlan& plan) {
  Exporter& from = exporter(set.session->exporter);
  note_header(from, domain(from, set.message->observation_domain), set);
  if (plan.fields.empty()) return;
  if (set.received != budget_of_ || set.message->sequence != budget_sequence_) {
    budget_of_ = set.received;
    budget_sequence_ = set.message->sequence;
    budget_ = kMaxRecordsADatagram;
  }
  std::span<const std::byte> rest = set.records;
  for (std::uint32_t i = 0; i < set.record_count; ++i) {
    if (budget_ == 0) {
      records_passed_over_ += set.record_count - i;
      return;
    }
    --budget_;
    const std::size_t length = record_length(*set.layout, rest);
    learn(from, set, OptionsRecord{plan, rest.first(length)});
    rest = rest.subspan(length);
  }
}

void ExporterTable::note_header(Exporter& exporter, Domain& domain, const DataSet& set) {
  const MessageHeader& message = *set.message;
  exporter.clock.note(set.received, message.export_time);
  if (message.protocol == ExportProtocol::ipfix) return;
  if ((message.sampling & kV5Interval) != 0) {
    domain.header_sampling = message.sampling;
    domain.header_sampling_told = set.received;
  }
  const auto boot_of = [](Timestamp at, std::uint32_t uptime_ms) {
    return at - std::chrono::milliseconds{uptime_ms};
  };
  if (domain.uptime_told != Timestamp{} && message.sys_uptime_ms < domain.uptime_ms) {
    const auto later = boot_of(message.export_time, message.sys_uptime_ms) -
                       boot_of(domain.uptime_told, domain.uptime_ms);
    // After 49.7 days the uptime begins again at 0, and nothing has happened.
    constexpr std::chrono::milliseconds kWrap{std::int64_t{1} << 32};
    const bool has_wrapped = later > kWrap - kBootJitter && later < kWrap + kBootJitter;
    if (later <= kBootJitter) return;  // an old datagram, late
    if (!has_wrapped) {
      domain.restarted = set.received;
      ++exporter.restarts;
    }
  }
  domain.uptime_ms = message.sys_uptime_ms;
  domain.uptime_told = message.export_time;
}

Rate ExporterTable::rate_of(Exporter& exporter, const FactKey& key) noexcept {
  if (const SamplingFact* own = exporter.rates.find(key)) {
    return {own->rate, SamplingSource::options};
  }
  const SharedRate* shared = exporter.shared.find({0, key.kind, key.id});
  if (shared == nullptr || shared->is_disputed) return {};
  return {shared->rate, SamplingSource::other_domain};
}

Rate ExporterTable::rate_of(Exporter& exporter, std::uint32_t id, Domain& domain) noexcept {
  if (domain.rate_epoch == exporter.rates_epoch) return domain.rate;
  domain.rate_epoch = exporter.rates_epoch;
  if (exporter.whole_override != nullptr) {
    return domain.rate = {exporter.whole_override->rate, SamplingSource::override_table};
  }
  return domain.rate = rate_of(exporter, {id, static_cast<std::uint8_t>(SamplingScope::domain), 0});
}

std::vector<IpAddress> ExporterTable::addresses() const {
  std::vector<IpAddress> all;
  all.reserve(exporters_.size());
  for (const auto& [address, exporter] : exporters_) all.push_back(address);
  return all;
}

ExporterFacts ExporterTable::facts(const IpAddress& address) const {
  ExporterFacts out;
  out.exporter = address;
  const Exporter* known = exporters_.peek(address);
  if (known == nullptr) return out;
  const auto is_stale = [&](std::uint32_t id, Timestamp told) {
    const Domain* domain = known->domains.peek(id);
    return domain != nullptr && told < domain->restarted;
  };
  for (const auto& [key, fact] : known->rates) {
    out.sampling.push_back(fact);
    out.sampling.back().is_stale = is_stale(key.domain, fact.told);
  }
  for (const auto& [key, fact] : known->names) {
    out.names.push_back(fact);
    out.names.back().is_stale = is_stale(key.domain, fact.told);
  }
  for (const auto& [id, domain] : known->domains) {
    const auto number = static_cast<std::uint32_t>(id);
    if (const std::uint32_t rate = domain.header_sampling & kV5Interval) {
      // The mode in the upper 2 bits: 1 takes every n-th packet, 2 one at random out of n.
      const int mode = domain.header_sampling >> 14;
      const std::uint16_t algorithm = mode == 1 ? 1 : mode == 2 ? 3 : 0;
      out.sampling.push_back({SamplingScope::header, number, 0, rate, algorithm,
                              domain.header_sampling_told,
                              is_stale(number, domain.header_sampling_told)});
    }
    if (domain.statistics) out.statistics.push_back(*domain.statistics);
    if (domain.boot_ms) {
      constexpr std::uint64_t kMost = 4'600'000'000'000;
      const std::chrono::milliseconds ms{std::min(*domain.boot_ms, kMost)};
      out.boots.push_back({number, Timestamp{ms}, domain.boot_told, true});
    } else if (domain.uptime_told != Timestamp{}) {
      out.boots.push_back({number, domain.uptime_told - std::chrono::milliseconds{domain.uptime_ms},
                           known->clock.skew().updated, false});
    }
  }
  out.clock = known->clock.skew();
  out.flows = known->flows;
  out.flows_of_unknown_sampling = known->flows_of_unknown_sampling;
  out.flows_with_times_replaced = known->flows_with_times_replaced;
  out.restarts = known->restarts;
  return out;
}

}  // namespace flowlens::normalize
