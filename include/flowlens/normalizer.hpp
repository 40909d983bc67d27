/// \file
/// normalize: record sets to flows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "flowlens/flow_record.hpp"
#include "flowlens/parser.hpp"

namespace flowlens {

/// Which conversation of a tunnelled packet becomes the flow. FlowBatch::layers keeps all of them.
enum class TunnelView : std::uint8_t {
  innermost,  ///< who talks: the packet deepest in whose addresses and protocol are there
  outermost   ///< who carries: the ends of the tunnel
};

struct NormalizerOptions {
  std::size_t max_plans = 65'536;     ///< compiled templates
  std::size_t max_samplers = 65'536;  ///< sampling rates told in options, over all exporters
  TunnelView tunnel_view = TunnelView::innermost;
};

/// What a Normalizer did. Records that gave no flow are counted by why.
struct NormalizerCounters {
  std::uint64_t records = 0;               ///< data records and flow samples taken in
  std::uint64_t flows = 0;                 ///< given out; a biflow gives two
  std::uint64_t records_without_flow = 0;  ///< e.g. no addresses: NAT events, layer-2 records
  std::uint64_t counter_samples = 0;       ///< sFlow: no flow by nature
  std::uint64_t sets_out_of_memory = 0;  ///< sets and samples that gave no flow for want of memory
  std::uint64_t sampling_rates = 0;      ///< learned from options, held now
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
  /// \throws ConfigError if a limit is 0.
  explicit Normalizer(const NormalizerOptions& options = {});
  ~Normalizer() override;
  Normalizer(Normalizer&&) noexcept;
  Normalizer& operator=(Normalizer&&) noexcept;

  /// Where flows go from now on; null: nowhere. Must outlive the calls that follow.
  void set_output(FlowBatch* batch) noexcept;

  void on_data_set(const DataSet& set) noexcept override;
  void on_options_set(const DataSet& set) noexcept override;
  void on_sample(const SflowSample& sample) noexcept override;

  [[nodiscard]] NormalizerCounters counters() const noexcept;

  /// Sampling rates learned, to be given to load_state() later.
  [[nodiscard]] std::vector<std::byte> save_state() const;
  /// \return `none`, or what is wrong with the octets; then nothing was taken from them.
  Diagnostic load_state(std::span<const std::byte> state) noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
