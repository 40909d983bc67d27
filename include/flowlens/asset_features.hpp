/// \file
/// classify: what an asset does, in figures: the services it gives and takes, with whom, when, how much.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/asset_type.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/field_table.hpp"
#include "flowlens/hour_bitmap.hpp"
#include "flowlens/intermediary.hpp"

namespace flowlens {

/// What a service is for. Several ports may be of one kind, as 389, 636 and 3268 are `ldap`.
enum class ServiceKind : std::uint8_t {
  other,  ///< a port that says nothing
  web,
  web_alt,  ///< ports that application servers and consoles use
  database,
  cache,
  dns,
  ldap,
  kerberos,
  smtp,
  mail_access,  ///< submission, POP, IMAP
  message_queue,
  mqtt,
  file_share,
  block_storage,
  backup,
  agent,  ///< is asked by monitoring
  snmp,
  monitoring,  ///< is told by what it monitors
  log,
  flow_export,
  proxy,
  vpn,
  sip,
  print,
  camera,
  iot,  ///< CoAP, Modbus, BACnet and their like
  hypervisor,
  container_host,
  routing,
  aaa,  ///< RADIUS, TACACS+
  shell,
  desktop,
  ntp,
  dhcp,
  tftp,
  rpc,
  discovery,
  management,
};
inline constexpr std::size_t kServiceKindCount = 38;
/// `message_queue`
[[nodiscard]] std::string_view to_string(ServiceKind k) noexcept;
[[nodiscard]] std::optional<ServiceKind> parse_service_kind(std::string_view name) noexcept;

/// \param protocol  IANA protocol number.
/// \param to_server  share of the octets that go to the server: TCP 9100 is a printer's where clients
///   send, and an exporter of metrics where they fetch.
[[nodiscard]] ServiceKind service_kind(std::uint8_t protocol, std::uint16_t port,
                                       double to_server) noexcept;

/// One kind of service that an asset gives or takes. Octets and flows are those of its dependencies.
struct ServiceUse {
  ServiceKind kind = ServiceKind::other;
  std::uint8_t protocol = 0;  ///< of the port with most flows
  std::uint16_t port = 0;     ///< the same
  std::uint32_t ports = 0;    ///< different ones
  std::uint32_t peers = 0;    ///< assets at the other end
  std::uint64_t flows = 0;
  std::uint64_t octets_to_server = 0;  ///< estimated, as all octets here
  std::uint64_t octets_to_client = 0;
  unsigned active_hours = 0;
};

/// What an asset has done in an observation span.
struct AssetFeatures {
  bool is_internal = false;
  std::vector<ServiceUse> serves;  ///< by kind, ascending
  std::vector<ServiceUse> uses;    ///< the same
  std::uint32_t clients = 0;       ///< assets that use it
  std::uint32_t servers = 0;       ///< assets that it uses
  std::uint32_t external_clients = 0;
  std::uint32_t external_servers = 0;
  std::uint32_t served_ports = 0;
  std::uint32_t used_ports = 0;
  std::uint64_t flows = 0;
  std::uint64_t octets_sent = 0;
  std::uint64_t octets_received = 0;
  std::uint64_t group_flows = 0;     ///< to multicast and broadcast addresses
  unsigned active_hours = 0;         ///< with traffic
  unsigned observed_hours = 0;       ///< from its first to its last active hour, in the span
  std::uint32_t known_clients = 0;   ///< of `clients`, whose type is known
  std::uint32_t people_clients = 0;  ///< of those, whose type is a client's (is_client_type())
  AssetTypes client_types;
  AssetTypes server_types;
  std::optional<IntermediaryKind> intermediary;  ///< found, or said by people, to be one
  bool is_gateway = false;                       ///< routers send on to it, as next hops tell
};

/// The types of other assets, as known before. \return unknown for an asset it does not know.
using TypeOf = std::function<AssetType(const Id& asset)>;

/// Adds up the dependencies of one asset. Thread-compatible.
class AssetFeatureBuilder {
 public:
  /// \param span  hours to look at: dependencies without traffic in it do not count.
  AssetFeatureBuilder(const AssetRow& asset, HourSpan span, TypeOf type_of);
  ~AssetFeatureBuilder();

  /// Dependencies whose direction is not known, or rather not than so, count as traffic only.
  void add(const DependencyRow& row);
  /// What was added. Call it once.
  [[nodiscard]] AssetFeatures take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a rule looks at: the asset, and the service that the rule names.
struct RuleSubject {
  const AssetFeatures* asset = nullptr;
  const ServiceUse* service = nullptr;  ///< null: the rule names none
};
/// What a rule's condition can ask. docs/classification.md lists them.
[[nodiscard]] const FieldTableOf<RuleSubject>& rule_fields() noexcept;

}  // namespace flowlens
