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

/// The addresses of a flow on the other side of an address translator.
struct Translated {
  Address source;
  Address destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
};

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
  Address next_hop;                      ///< 0.0.0.0 or ::, told or not: none
  std::optional<Translated> translated;  ///< told by exporters that can
  bool is_request = false;               ///< told with `translated`: it goes to the server,
  bool is_past_translator = false;       ///< and was seen where it came out
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
  Address next_hop;
};

/// Where datagrams go.
class DatagramSink {
 public:
  virtual ~DatagramSink() = default;
  /// \param exporter  its number, 0 …
  virtual void send(std::size_t exporter, Protocol protocol, std::span<const std::uint8_t> datagram,
                    Time at) = 0;
};

/// How an exporter is set up.
struct ExporterPlan {
  Protocol protocol = Protocol::netflow_v9;
  std::uint32_t sampling = 1;  ///< one packet in so many is looked at; told in the protocol's way
  Micros clock_skew{};         ///< how far its clock is ahead
  Micros active_timeout{};     ///< longer flows are cut; 0: never
  std::uint32_t restarts = 0;  ///< over the whole time
  bool tells_translations = false;  ///< IPFIX: the other addresses too
};

struct ExporterOptions {
  std::size_t number = 0;
  Time boot;
  std::uint32_t template_every = 20;  ///< datagrams; 0: only at the start
  std::uint32_t sampling_rate = 1;    ///< one packet in so many is looked at
  Micros clock_skew{};                ///< how far its clock is ahead
  bool tells_translations = false;    ///< IPFIX: the other addresses too
  bool tells_next_hops = false;       ///< NetFlow v5 has room for it anyway
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
  /// Sends what waits, and begins anew: uptime, sequence numbers, templates.
  void restart(Time now);

  [[nodiscard]] Protocol protocol() const noexcept { return protocol_; }
  /// Only IPFIX can.
  [[nodiscard]] bool tells_translations() const noexcept {
    return protocol_ == Protocol::ipfix && options_.tells_translations;
  }
  [[nodiscard]] std::uint64_t datagrams() const noexcept {
    return datagrams_ + before_restart_.datagrams;
  }
  [[nodiscard]] std::uint64_t records() const noexcept {
    return records_ + before_restart_.records;
  }

 protected:
  void send(const Bytes& datagram, Time now);
  /// Milliseconds since boot, modulo 2^32 as on the wire.
  [[nodiscard]] std::uint32_t uptime_ms(Time at) const noexcept;
  /// What the exporter's own clock shows.
  [[nodiscard]] Time clock(Time at) const noexcept { return at + options_.clock_skew; }
  /// Sets back what counts since the start, beside the two below.
  virtual void forget() {}

  ExporterOptions options_;
  std::uint64_t datagrams_ = 0;  ///< sent since the start
  std::uint64_t records_ = 0;    ///< flow records or flow samples sent since the start

 private:
  struct Sent {
    std::uint64_t datagrams = 0;
    std::uint64_t records = 0;
  };
  Sent before_restart_;
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

  /// Every so many datagrams, and after ten minutes, lest collectors forget them.
  [[nodiscard]] bool templates_are_due() const noexcept;

 private:
  std::vector<Flow> waiting_;
  std::size_t waiting_octets_ = 0;
  Time waiting_since_;
  Time now_;
  Time templates_sent_;
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
