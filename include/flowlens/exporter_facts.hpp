/// \file
/// normalize: what exporters say about themselves in options records and headers (sampling, names,
/// boot times, statistics of their own), and how their clocks stand to ours. Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// What a sampling rate holds for.
enum class SamplingScope : std::uint8_t {
  domain,     ///< a whole observation domain
  interface,  ///< one interface, by ifIndex (v9 scope 2, elements 10 and 14)
  sampler,    ///< element 48
  selector,   ///< element 302 (PSAMP, RFC 5477 §8.2)
  header      ///< a whole observation domain, by the header of NetFlow v5
};

/// The rate of one sampler, interface or domain.
struct SamplingFact {
  SamplingScope scope = SamplingScope::domain;
  std::uint32_t observation_domain = 0;
  std::uint64_t id = 0;         ///< sampler, selector or ifIndex; 0 for a domain
  std::uint32_t rate = 0;       ///< one packet in so many, at least 1
  std::uint16_t algorithm = 0;  ///< selectorAlgorithm (element 304): 1 systematic, 3 random, …
  Timestamp told;               ///< last, by our clock
  bool is_stale = false;        ///< the exporter has restarted since; still used
  friend bool operator==(const SamplingFact&, const SamplingFact&) = default;
};

/// What a name stands for.
enum class NameKind : std::uint8_t {
  interface_name,           ///< element 82, by ifIndex
  interface_description,    ///< element 83
  vrf_name,                 ///< element 236, by VRF id (elements 234, 235)
  application_name,         ///< element 96, by application id (element 95, RFC 6759)
  application_description,  ///< element 94
  sampler_name              ///< elements 84 and 335, by sampler or selector
};

/// The name of one thing. The text is as sent, padding cut off: not always UTF-8.
struct NameFact {
  NameKind kind = NameKind::interface_name;
  std::uint32_t observation_domain = 0;
  std::uint64_t id = 0;  ///< of applications: the octets of element 95 as a number
  std::string text;
  Timestamp told;         ///< last, by our clock
  bool is_stale = false;  ///< the exporter has restarted since
  friend bool operator==(const NameFact&, const NameFact&) = default;
};

/// What an exporter counts about its own work. All totals since its boot, or not told.
struct ExporterStatistics {
  std::uint32_t observation_domain = 0;
  Timestamp told;                                  ///< last, by our clock
  std::optional<std::uint64_t> exported_octets;    ///< element 40
  std::optional<std::uint64_t> exported_messages;  ///< 41
  std::optional<std::uint64_t> exported_flows;     ///< 42
  std::optional<std::uint64_t> observed_flows;     ///< 163
  std::optional<std::uint64_t> ignored_packets;    ///< 164: seen and not counted in any flow
  std::optional<std::uint64_t> ignored_octets;     ///< 165
  std::optional<std::uint64_t> not_sent_flows;     ///< 166: lost inside of the exporter
  std::optional<std::uint64_t> not_sent_packets;   ///< 167
  std::optional<std::uint64_t> not_sent_octets;    ///< 168
  friend bool operator==(const ExporterStatistics&, const ExporterStatistics&) = default;
};

/// When an observation domain was started.
struct BootFact {
  std::uint32_t observation_domain = 0;
  Timestamp boot;           ///< by the exporter's clock
  Timestamp told;           ///< last, by our clock
  bool by_options = false;  ///< element 160; else by the header's uptime
  friend bool operator==(const BootFact&, const BootFact&) = default;
};

/// How an exporter's clock stands to ours: received - export time of its datagrams. The way here
/// only ever makes that larger, and a header that has whole seconds by up to one more; so the least
/// of a run of datagrams counts, and of the last 15 runs the median.
struct ClockSkew {
  std::chrono::nanoseconds offset{0};  ///< above 0: the exporter's clock is behind ours
  std::chrono::nanoseconds spread{0};  ///< between the least and the largest of the runs
  std::uint64_t datagrams = 0;         ///< looked at, ever; 0: nothing is known
  Timestamp updated;                   ///< the last of them, by our clock
  friend bool operator==(const ClockSkew&, const ClockSkew&) = default;
};

/// All that is known of one exporter. A copy: it stays as it was.
struct ExporterFacts {
  IpAddress exporter;
  std::vector<SamplingFact> sampling;
  std::vector<NameFact> names;
  std::vector<ExporterStatistics> statistics;
  std::vector<BootFact> boots;
  ClockSkew clock;
  std::uint64_t flows = 0;                      ///< given out, of this exporter
  std::uint64_t flows_of_unknown_sampling = 0;  ///< of them: no rate told, 1 assumed
  std::uint64_t flows_with_times_replaced = 0;  ///< of them: FlowField::times_replaced
  std::uint64_t restarts = 0;                   ///< seen by uptime or boot time
  friend bool operator==(const ExporterFacts&, const ExporterFacts&) = default;
};

}  // namespace flowlens
