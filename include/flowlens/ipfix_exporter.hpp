/// \file
/// collect: flows out again, as IPFIX (RFC 7011): FlowLens in the middle, before another collector.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "flowlens/flow_record.hpp"
#include "flowlens/ip_address.hpp"
#include "flowlens/transport_session.hpp"

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
  /// Another session: what was not handed out is thrown away, sequence numbers begin at 0, and templates and
  /// rates are told again.
  void begin_session() noexcept;
  [[nodiscard]] const IpfixEncoderCounters& counters() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct IpfixExporterTls {
  std::string ca_file;           ///< PEM: whose certificates the collector may show
  std::string name;              ///< what its certificate must be for; empty: its address
  std::string certificate_file;  ///< PEM: our own; empty: none
  std::string key_file;
};

struct IpfixExporterOptions {
  IpfixEncoderOptions encoder;
  Transport transport = Transport::udp;  ///< udp, tcp or tls
  // Of connections only.
  std::size_t max_waiting_flows = 100'000;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds first_pause{500};  ///< before it connects again; doubled each time
  std::chrono::milliseconds longest_pause{30'000};
  IpfixExporterTls tls;
};

struct IpfixExporterStatus {
  std::uint64_t sent_flows = 0;     ///< handed to the system
  std::uint64_t lost_messages = 0;  ///< UDP: the socket had no room for them
  std::uint64_t dropped_flows = 0;  ///< more would have waited than may
  std::size_t waiting_flows = 0;
  std::uint64_t connections = 0;  ///< made since the beginning
  bool is_connected = false;
  std::string problem;  ///< with the connection, the last one; empty: none since it was made
};

/// Sends them over UDP, TCP or TLS.
///
/// UDP: at once; what the socket has no room for is lost. A connection: they wait, within a bound, until it
/// takes them; it is made again whenever it breaks, and begins with the templates (RFC 7011 §8.1). Messages
/// that it broke in are sent again; those that had left this machine, but did not arrive, are lost.
///
/// Thread-compatible.
class IpfixExporter {
 public:
  /// Connections are made later, and again and again.
  /// \throws IoError naming address and port, if there is no socket for them.
  /// \throws ConfigError for a limit or a TLS file that does not fit.
  IpfixExporter(const IpAddress& collector, std::uint16_t port,
                const IpfixExporterOptions& options = {});
  ~IpfixExporter();

  /// Sends the flows, or as many as go without waiting.
  void send(std::span<const FlowRecord> flows, Timestamp now);
  /// Goes on with those that wait. \return whether none does any more.
  bool wait(std::chrono::milliseconds timeout, Timestamp now);

  [[nodiscard]] const IpfixEncoderCounters& counters() const noexcept;
  [[nodiscard]] IpfixExporterStatus status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
