/// \file
/// normalize: what is known of each exporter, bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/hash.hpp"
#include "base/lru_table.hpp"
#include "flowlens/diagnostic.hpp"
#include "flowlens/exporter_facts.hpp"
#include "flowlens/normalizer.hpp"
#include "flowlens/record.hpp"
#include "normalize/clock_estimate.hpp"
#include "normalize/options_record.hpp"

namespace flowlens::normalize {

/// What a fact is about, within an exporter. `kind` is a SamplingScope or a NameKind.
struct FactKey {
  std::uint32_t domain = 0;
  std::uint8_t kind = 0;
  std::uint64_t id = 0;
  friend bool operator==(const FactKey&, const FactKey&) noexcept = default;
};
struct FactKeyHash {
  std::size_t operator()(const FactKey& k) const noexcept {
    return base::mix(k.id, std::uint64_t{k.domain} << 8 | k.kind);
  }
};
struct NumberHash {
  std::size_t operator()(std::uint64_t n) const noexcept { return base::hash_of(n, 0); }
};
struct AddressHash {
  std::size_t operator()(const IpAddress& a) const noexcept { return base::hash_of(a, 0); }
};

/// A rate, and which of two it is.
struct Rate {
  std::uint32_t rate = 0;  ///< 0: not told
  SamplingSource source = SamplingSource::unknown;
};

/// An observation domain of an exporter.
struct Domain {
  std::optional<std::uint64_t> boot_ms;  ///< element 160, since 1970
  Timestamp boot_told;
  Timestamp restarted;          ///< facts told before are stale
  std::uint32_t uptime_ms = 0;  ///< of the latest header
  Timestamp uptime_told;        ///< export time of that header; 0: none
  std::optional<ExporterStatistics> statistics;
  std::uint16_t header_sampling = 0;  ///< NetFlow v5: mode and interval, 0: none came
  Timestamp header_sampling_told;
  Rate rate;                     ///< of flows that name no sampler, with overrides applied
  std::uint64_t rate_epoch = 0;  ///< Exporter::rates_epoch that `rate` is of; 0: never looked for
};

/// What a rate's scope and id came to last, whichever domain told it.
struct SharedRate {
  std::uint32_t rate = 0;
  std::uint32_t domain = 0;
  bool is_disputed = false;  ///< another domain says otherwise
};

/// One exporter. The sizes of its tables are bounded by NormalizerOptions.
struct Exporter {
  Exporter(const IpAddress& a, const NormalizerOptions& o)
      : address(a),
        domains(o.max_domains_per_exporter),
        rates(o.max_facts_per_exporter),
        shared(o.max_facts_per_exporter),
        names(o.max_facts_per_exporter) {}

  IpAddress address;
  base::LruTable<std::uint64_t, Domain, NumberHash> domains;
  base::LruTable<FactKey, SamplingFact, FactKeyHash> rates;
  base::LruTable<FactKey, SharedRate, FactKeyHash> shared;  ///< by scope and id, domain 0
  base::LruTable<FactKey, NameFact, FactKeyHash> names;
  ClockEstimate clock;
  const SamplingOverride* whole_override = nullptr;          ///< of all interfaces
  std::vector<const SamplingOverride*> interface_overrides;  ///< the closest first
  bool has_interface_rates = false;
  std::uint64_t rates_epoch = 1;  ///< goes on with each rate that is told
  std::uint64_t flows = 0;
  std::uint64_t flows_of_unknown_sampling = 0;
  std::uint64_t flows_with_times_replaced = 0;
  std::uint64_t restarts = 0;
};

/// All exporters. Past a bound the one heard from longest ago goes, with all that is known of it.
///
/// Thread-compatible.
class ExporterTable {
 public:
  explicit ExporterTable(const NormalizerOptions& options)
      : options_(options), exporters_(options.max_exporters) {}

  /// Finds or adds; the one asked last is at hand. Valid until another is added.
  /// \throws std::bad_alloc
  [[nodiscard]] Exporter& exporter(const IpAddress& address) {
    return last_ != nullptr && last_->address == address ? *last_ : find_or_add(address);
  }
  /// Finds or adds; the one asked last is at hand.
  /// \throws std::bad_alloc
  [[nodiscard]] static Domain& domain(Exporter& exporter, std::uint32_t id);

  /// Takes what the records of an options template say.
  /// \throws std::bad_alloc
  void learn(const DataSet& set, const OptionsPlan& plan);
  /// Takes what the header says of clocks and restarts.
  static void note_header(Exporter& exporter, Domain& domain, const DataSet& set);

  /// The rate of a domain's flows that name no sampler or interface.
  [[nodiscard]] static Rate rate_of(Exporter& exporter, std::uint32_t id, Domain& domain) noexcept;
  /// The rate of one sampler, selector or interface.
  [[nodiscard]] static Rate rate_of(Exporter& exporter, const FactKey& key) noexcept;

  /// \return nothing but the address for an exporter that is not held.
  [[nodiscard]] ExporterFacts facts(const IpAddress& address) const;
  [[nodiscard]] std::vector<IpAddress> addresses() const;
  [[nodiscard]] std::uint64_t rates() const noexcept { return rates_; }
  [[nodiscard]] std::uint64_t names() const noexcept { return names_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return exporters_.size(); }
  [[nodiscard]] std::uint64_t evicted() const noexcept { return exporters_.evicted(); }
  [[nodiscard]] std::uint64_t absurd_rates() const noexcept { return absurd_rates_; }
  [[nodiscard]] std::uint64_t records_passed_over() const noexcept { return records_passed_over_; }

  [[nodiscard]] std::vector<std::byte> save() const;
  Diagnostic load(std::span<const std::byte> state) noexcept;

 private:
  /// Options records of one datagram that are looked at; the rest is counted. A table that devices
  /// send takes several datagrams anyway.
  static constexpr std::uint32_t kMaxRecordsADatagram = 480;

  Exporter& find_or_add(const IpAddress& address);
  void learn(Exporter& exporter, const DataSet& set, const OptionsRecord& record);
  /// Reads saved state. \param into  null: only looks whether it is sound.
  static bool read(std::span<const std::byte> content, ExporterTable* into);
  static void note_boot(Exporter& exporter, Domain& domain, std::uint64_t boot_ms,
                        Timestamp received) noexcept;
  void put_rate(Exporter& exporter, const SamplingFact& fact);
  void put_name(Exporter& exporter, NameFact fact);
  void make_room(const Exporter& for_whom) noexcept;
  void forget(const Exporter& exporter) noexcept;
  void find_overrides(Exporter& exporter) const;

  NormalizerOptions options_;
  base::LruTable<IpAddress, Exporter, AddressHash> exporters_;
  Exporter* last_ = nullptr;
  std::uint64_t rates_ = 0;  ///< over all exporters
  std::uint64_t names_ = 0;
  std::uint64_t absurd_rates_ = 0;
  std::uint64_t records_passed_over_ = 0;
  Timestamp budget_of_;
  std::uint32_t budget_sequence_ = 0;
  std::uint32_t budget_ = kMaxRecordsADatagram;
};

}  // namespace flowlens::normalize
