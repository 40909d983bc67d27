/// \file
/// collect: flows out again, as IPFIX (RFC 7011): FlowLens in the middle, before another collector.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "flowlens/flow_record.hpp"
#include "flowlens/ip_address.hpp"

namespace flowlens {

struct IpfixEncoderOptions {
  std::uint32_t observation_domain = 1;
  /// A message's most octets, 512 to 65,535. UDP must not be fragmented: 1,400 pass any usual tunnel.
  std::size_t max_message_octets = 1'400;
  /// How often templates and sampling rates are told again (RFC 7011 §8.1).
  std::chrono::seconds template_interval{60};
  std::size_t max_templates = 4'096;  ///< kinds of records, by which values they have
  std::size_t max_rates = 1'024;      ///< sampling rates
};

struct IpfixEncoderCounters {
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;
  std::uint64_t flows = 0;
  std::uint64_t templates = 0;  ///< told, each time
  std::uint64_t refused = 0;    ///< flows past max_templates or max_rates
};

/// Makes IPFIX messages of flows. Records have what their flows have and nothing else: a template for
/// each set of values that occurs. Times are told in milliseconds, sampling rates by selector (RFC 5477),
/// denied flows by firewallEvent, who began by biflowDirection, and whose flow it was by
/// originalExporter and originalObservationDomainId. Translations and tunnels are not told.
///
/// Thread-compatible.
class IpfixEncoder {
 public:
  using Take = std::function<void(std::span<const std::byte> message)>;

  /// \throws ConfigError for a limit that cannot be.
  explicit IpfixEncoder(const IpfixEncoderOptions& options = {});
  ~IpfixEncoder();

  /// Adds flows and hands out messages that are full. \param now  the export time.
  void add(std::span<const FlowRecord> flows, Timestamp now, const Take& take);
  /// Hands out the message at hand, if there is anything in it.
  void flush(Timestamp now, const Take& take);
  [[nodiscard]] const IpfixEncoderCounters& counters() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Sends them over UDP, without waiting: what the socket has no room for is lost and counted.
///
/// Thread-compatible.
class IpfixExporter {
 public:
  /// \throws IoError naming address and port.
  IpfixExporter(const IpAddress& collector, std::uint16_t port,
                const IpfixEncoderOptions& options = {});
  ~IpfixExporter();

  /// Sends the flows, the last message of them too.
  void send(std::span<const FlowRecord> flows, Timestamp now);
  [[nodiscard]] const IpfixEncoderCounters& counters() const noexcept;
  [[nodiscard]] std::uint64_t lost_messages() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
