/// \file
/// normalize: record sets to flows.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "flowlens/exporter_facts.hpp"
#include "flowlens/flow_record.hpp"
#include "flowlens/parser.hpp"

namespace flowlens {

/// Which conversation of a tunnelled packet becomes the flow. FlowBatch::layers keeps all of them.
enum class TunnelView : std::uint8_t {
  innermost,  ///< who talks: the packet deepest in whose addresses and protocol are there
  outermost   ///< who carries: the ends of the tunnel
};

/// A sampling rate that holds whatever exporters say.
struct SamplingOverride {
  IpAddress prefix;                           ///< of exporters (sFlow: agents)
  std::uint8_t prefix_length = 0;             ///< 0 to 32 of IPv4, 0 to 128 of IPv6
  std::optional<std::uint32_t> interface {};  ///< ifIndex a flow came in or went out by; none: any
  std::uint32_t rate = 1;                     ///< one packet in so many, at least 1
};

struct NormalizerOptions {
  std::size_t max_plans = 65'536;              ///< compiled templates
  std::size_t max_exporters = 16'384;          ///< each takes about 1 KiB beside its facts
  std::size_t max_domains_per_exporter = 256;  ///< observation domains
  /// Sampling rates and names told in options, over all exporters. Past it the exporter heard from
  /// longest ago goes.
  std::size_t max_facts = 131'072;
  std::size_t max_facts_per_exporter = 16'384;  ///< rates and names each; the oldest used goes
  /// The closest counts: one of an interface before one of all, then the longest prefix.
  std::vector<SamplingOverride> sampling_overrides;
  /// How far from its datagram's arrival a flow may have ended, before or after, and how long it may
  /// have lasted. A time beyond is taken to be of a clock that is off: the flow is moved by what
  /// the exporter's clock differs from ours, or, where that does not do, ends on arrival; it keeps
  /// its length. Such flows have FlowField::times_replaced. At most 100 years each.
  std::chrono::seconds max_time_behind{3'600};
  std::chrono::seconds max_time_ahead{60};
  std::chrono::seconds max_duration{30 * 86'400};
  TunnelView tunnel_view = TunnelView::innermost;
};

/// What a Normalizer did. Records that gave no flow are counted by why.
struct NormalizerCounters {
  std::uint64_t records = 0;               ///< data records and flow samples taken in
  std::uint64_t flows = 0;                 ///< given out; a biflow gives two
  std::uint64_t records_without_flow = 0;  ///< e.g. no addresses: layer-2 records
  std::uint64_t nat_events = 0;            ///< of records_without_flow: given out as NatEvent
  std::uint64_t counter_samples = 0;       ///< sFlow: no flow by nature
  std::uint64_t sets_out_of_memory = 0;  ///< sets and samples that gave no flow for want of memory
  std::uint64_t sampling_rates = 0;      ///< learned from options, held now
  std::uint64_t names = 0;               ///< of interfaces, VRFs, applications, samplers, held now
  std::uint64_t exporters = 0;           ///< held now
  std::uint64_t exporters_evicted = 0;   ///< at a bound, with all that was known of them
  std::uint64_t absurd_sampling_rates = 0;  ///< told in options and not believed
  /// Past 480 in one datagram: not looked at.
  std::uint64_t options_records_passed_over = 0;
  std::uint64_t flows_of_unknown_sampling = 0;  ///< no rate told, 1 assumed
  std::uint64_t flows_with_times_replaced = 0;
};

/// Turns record sets into FlowRecords: units, UTC, sampling. A template is compiled once into a
/// plan; a record then costs a short straight loop.
///
/// Uptime-relative times become UTC by a signed 32-bit difference (RFC 3954 §5.1). Biflows
/// (RFC 5103) and initiator/responder counts become two records that name their initiator.
///
/// Thread-compatible. It is a RecordSink: point it at a batch, then give it to Parser::parse().
class Normalizer final : public RecordSink {
 public:
  /// \throws ConfigError if a limit is 0, or an override has no sensible rate or prefix length.
  explicit Normalizer(const NormalizerOptions& options = {});
  ~Normalizer() override;
  Normalizer(Normalizer&&) noexcept;
  Normalizer& operator=(Normalizer&&) noexcept;

  /// Where flows go from now on; null: nowhere. Must outlive the calls that follow.
  void set_output(FlowBatch* batch) noexcept;

  void on_data_set(const DataSet& set) noexcept override;
  void on_options_set(const DataSet& set) noexcept override;
  void on_sample(const SflowSample& sample) noexcept override;
  /// Ordinary traffic: the packet becomes a flow of one packet, of FlowKind::sampled_packet at a
  /// rate of 1, with the unspecified address as exporter and the observation point as domain.
  void on_packet(const CapturedPacket& packet) noexcept;

  [[nodiscard]] NormalizerCounters counters() const noexcept;

  /// What is known of an exporter (sFlow: an agent); nothing but the address if it is not held.
  [[nodiscard]] ExporterFacts facts(const IpAddress& exporter) const;
  /// The exporters held, the one heard from last first.
  [[nodiscard]] std::vector<IpAddress> exporters() const;

  /// What exporters told, to be given to load_state() later.
  [[nodiscard]] std::vector<std::byte> save_state() const;
  /// \return `none`, or what is wrong with the octets; then nothing was taken from them.
  Diagnostic load_state(std::span<const std::byte> state) noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
