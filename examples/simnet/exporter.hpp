/// \file
/// An exporter: takes flows or sampled packets, sends datagrams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "address.hpp"
#include "byte_writer.hpp"
#include "dialogue.hpp"

namespace simnet {

enum class Protocol : std::uint8_t { netflow_v5, netflow_v9, ipfix, sflow };

/// \return `v5`, `v9`, `ipfix` or `sflow`.
[[nodiscard]] std::string_view name_of(Protocol protocol) noexcept;
[[nodiscard]] std::optional<Protocol> protocol_named(std::string_view name) noexcept;

/// One direction of a conversation, as metered.
struct Flow {
  Address source;
  Address destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = kTcp;
  std::uint8_t tcp_flags = 0;
  std::uint64_t octets = 0;
  std::uint64_t packets = 0;
  Time start;
  Time end;
  std::uint16_t input = 0;  ///< interface
  std::uint16_t output = 0;
};

/// One packet picked by the sFlow sampler.
struct SampledPacket {
  Address source;
  Address destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t source_host = 0;  ///< for the MAC addresses
  std::uint32_t destination_host = 0;
  std::uint8_t protocol = kTcp;
  Packet packet;
  std::uint64_t index = 0;    ///< within its conversation
  std::uint64_t skipped = 1;  ///< packets since the last sample, this one included
  std::uint16_t input = 0;
  std::uint16_t output = 0;
};

/// Where datagrams go.
class DatagramSink {
 public:
  virtual ~DatagramSink() = default;
  /// \param exporter  its number, 0 …
  virtual void send(std::size_t exporter, Protocol protocol, std::span<const std::uint8_t> datagram,
                    Time at) = 0;
};

struct ExporterOptions {
  std::size_t number = 0;
  Time boot;
  std::uint32_t template_every = 20;  ///< datagrams; 0: only at the start
  std::uint32_t sampling_rate = 1;    ///< sFlow: one packet in so many
};

/// Thread-compatible.
class Exporter {
 public:
  Exporter(Protocol protocol, const ExporterOptions& options, DatagramSink& sink)
      : options_(options), protocol_(protocol), sink_(sink) {}
  virtual ~Exporter() = default;

  /// Only for v5, v9 and IPFIX.
  virtual void add(const Flow& flow, Time now);
  /// Only for sFlow.
  virtual void add(const SampledPacket& sample, Time now);
  /// Traffic that passed, sampled or not.
  virtual void account(std::uint64_t octets, std::uint64_t packets);
  /// Called every second or more often.
  virtual void tick(Time now);
  /// Sends what waits.
  virtual void flush(Time now) = 0;

  [[nodiscard]] Protocol protocol() const noexcept { return protocol_; }
  [[nodiscard]] std::uint64_t datagrams() const noexcept { return datagrams_; }
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }

 protected:
  void send(const Bytes& datagram, Time now);
  /// Milliseconds since boot, modulo 2^32 as on the wire.
  [[nodiscard]] std::uint32_t uptime_ms(Time at) const noexcept;

  ExporterOptions options_;
  std::uint64_t datagrams_ = 0;  ///< sent
  std::uint64_t records_ = 0;    ///< flow records or flow samples sent

 private:
  Protocol protocol_;
  DatagramSink& sink_;
};

/// An exporter of flow records: gathers them until a datagram is full or half a second passed.
class FlowExporter : public Exporter {
 public:
  using Exporter::Exporter;
  void add(const Flow& flow, Time now) override;
  void tick(Time now) override;
  void flush(Time now) override;

 protected:
  /// Octets of one record of this kind.
  [[nodiscard]] virtual std::size_t record_size(const Flow& flow) const noexcept = 0;
  /// Octets of everything else in the next datagram.
  [[nodiscard]] virtual std::size_t overhead() const noexcept = 0;
  [[nodiscard]] virtual std::size_t limit() const noexcept { return 1400; }
  /// \param flows  at least one.
  [[nodiscard]] virtual Bytes encode(const std::vector<Flow>& flows, Time now) = 0;

  [[nodiscard]] bool templates_are_due() const noexcept;

 private:
  std::vector<Flow> waiting_;
  std::size_t waiting_octets_ = 0;
  Time waiting_since_;
};

[[nodiscard]] std::unique_ptr<Exporter> make_v5(const ExporterOptions& options, DatagramSink& sink);
[[nodiscard]] std::unique_ptr<Exporter> make_v9(const ExporterOptions& options, DatagramSink& sink);
[[nodiscard]] std::unique_ptr<Exporter> make_ipfix(const ExporterOptions& options,
                                                   DatagramSink& sink);
[[nodiscard]] std::unique_ptr<Exporter> make_sflow(const ExporterOptions& options,
                                                   DatagramSink& sink);
[[nodiscard]] std::unique_ptr<Exporter> make_exporter(Protocol protocol,
                                                      const ExporterOptions& options,
                                                      DatagramSink& sink);

}  // namespace simnet
