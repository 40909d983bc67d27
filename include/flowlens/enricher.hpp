/// \file
/// enrich: labels for flows, from tables in memory: service, network, site. No strings, no waiting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/endpoint.hpp"
#include "flowlens/flow_record.hpp"

namespace flowlens {

/// A service by name; 0 is "none known". Static: the same in every process of one release.
struct ServiceId {
  std::uint16_t value = 0;
  friend constexpr auto operator<=>(ServiceId, ServiceId) noexcept = default;
};

/// What a port is registered or commonly used for (IANA's registry and a curated overlay).
/// \param protocol  IANA protocol number; only TCP (6), UDP (17), SCTP (132) have services.
[[nodiscard]] ServiceId find_service(std::uint8_t protocol, std::uint16_t port) noexcept;
/// `postgresql`, `https`, …; empty for 0. Static text.
[[nodiscard]] std::string_view service_name(ServiceId id) noexcept;
/// `tcp`, `udp`, `icmp`, `ipv6-icmp`, …; empty for a number without a common name. Static text.
[[nodiscard]] std::string_view protocol_name(std::uint8_t protocol) noexcept;

/// Fixed-size labels beside a flow.
struct FlowLabels {
  SiteId source_site;
  SiteId destination_site;
  ServiceId source_service;       ///< of the source port
  ServiceId destination_service;  ///< of the destination port
  bool source_internal = false;   ///< in a private network, or one listed as internal
  bool destination_internal = false;
};

/// A rule that puts addresses into a site. Rules that name a VRF come before all others, since the
/// same address is another one there. Then the most specific rule wins: exporter and prefix, then
/// prefix, then exporter; among prefixes the longest.
struct SiteRule {
  std::string site;
  IpPrefix exporters{};  ///< which exporters it speaks of; length 0: all
  IpPrefix addresses{};  ///< which addresses; length 0: all
  /// Which VRF, by the number it has at these exporters; 0 is the global table.
  std::optional<std::uint32_t> vrf_id{};
  std::string vrf_name{};  ///< which VRF, by what exporters call it in options; empty: any
};

struct EnricherOptions {
  std::vector<SiteRule> sites;
  std::vector<IpPrefix> internal_networks;  ///< internal besides the private ranges
};

/// Thread-safe after construction: immutable.
class Enricher {
 public:
  /// \throws ConfigError for a rule without a site name, or more than 65,536 sites.
  explicit Enricher(const EnricherOptions& options = {});

  [[nodiscard]] FlowLabels label(const FlowRecord& flow) const noexcept;
  /// Labels of `flows`, one each, into `labels` (resized).
  void label(std::span<const FlowRecord> flows, std::vector<FlowLabels>& labels) const;
  /// Labels of the flows [first, end) of a batch, with the VRFs it tells of them.
  void label(const FlowBatch& batch, std::size_t first, std::size_t end,
             std::vector<FlowLabels>& labels) const;
  /// The address as an exporter sees it. \param vrf  where it sees it, if it tells.
  [[nodiscard]] Endpoint endpoint(const IpAddress& exporter, const IpAddress& address,
                                  const std::optional<Vrf>& vrf = {}) const noexcept {
    return {site_of(exporter, address, vrf), address};
  }
  [[nodiscard]] bool is_internal(const IpAddress& address) const noexcept;
  [[nodiscard]] const SiteTable& sites() const noexcept { return sites_; }

 private:
  struct CompiledRule {
    IpPrefix exporters;
    IpPrefix addresses;
    std::optional<std::uint32_t> vrf_id;
    std::uint64_t vrf_name = 0;  ///< vrf_name_key(), 0: any
    SiteId site;

    [[nodiscard]] bool is_of_vrf() const noexcept { return vrf_id || vrf_name != 0; }
    [[nodiscard]] bool fits(const Vrf& vrf) const noexcept {
      return (!vrf_id || *vrf_id == vrf.id) && (vrf_name == 0 || vrf_name == vrf.name);
    }
  };

  [[nodiscard]] SiteId site_of(const IpAddress& exporter, const IpAddress& address,
                               const std::optional<Vrf>& vrf) const noexcept;

  std::vector<CompiledRule> rules_;  ///< most specific first
  std::size_t rules_of_vrfs_ = 0;    ///< the first so many
  std::vector<IpPrefix> internal_;
  SiteTable sites_;
};

}  // namespace flowlens
