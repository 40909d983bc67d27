/// \file
/// Who is there and who uses what: the truth that the exported flows hide.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "address.hpp"
#include "dialogue.hpp"

namespace simnet {

/// Part of the network; the traffic of each passes one exporter.
enum class Segment : std::uint8_t { office, dmz, app, data, services };

enum class Tier : std::uint8_t {
  client,
  balancer,
  web,
  app,
  database,
  cache,
  dns,
  mail,
  directory,
  backup,
  monitoring,
  log,
  rpc,
  peer,
  translator,
  scanner,
  proxy,           ///< asks replicas in its own name for who asks it
  virtual_server,  ///< whose address is replaced by that of one of its replicas
  replica,
  equipment  ///< of the kinds in equipment.cpp
};
inline constexpr std::size_t kTierCount = 20;

[[nodiscard]] std::string_view name_of(Segment segment) noexcept;
[[nodiscard]] std::string_view name_of(Tier tier) noexcept;

struct Host {
  std::string name;
  Tier tier = Tier::client;
  Segment segment = Segment::office;
  std::string_view type;  ///< what an inventory calls it; empty where no word fits
  Address ipv4;
  Address ipv6;
  std::uint32_t number = 0;                 ///< within the world; the MAC address is made of it
  std::optional<std::uint32_t> translator;  ///< the host whose address its IPv4 gets outside
  std::vector<std::uint16_t> served;        ///< ports on which it serves: never a client's port
};

struct Range {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// A kind of service and what its conversations look like.
struct Service {
  std::string_view name;
  std::uint8_t protocol = kTcp;
  std::uint16_t port = 0;
  Range rounds;                ///< requests in a conversation
  Range request_octets;        ///< payload
  Range reply_octets;          ///< payload; 0 … 0 where nobody answers
  Range milliseconds;          ///< length of a conversation
  std::uint32_t weight = 1;    ///< how often it is used, compared with others
  bool is_management = false;  ///< polled from the services segment
  Outcome outcome = Outcome::answered;
};

/// Which port a client takes.
enum class ClientPort : std::uint8_t {
  ephemeral,   ///< by its operating system
  privileged,  ///< below 1024, as NFS and rsh clients do
  same,        ///< the service's own
  dhcp         ///< 68
};

/// `client` uses `service` on `server`.
struct Dependency {
  std::uint32_t client = 0;  ///< index of a host
  std::uint32_t server = 0;
  const Service* service = nullptr;
  bool over_ipv6 = false;
  std::uint16_t port = 0;  ///< of the service on this server
  ClientPort client_port = ClientPort::ephemeral;
  bool is_peer = false;     ///< both ends alike, on one port
  bool is_monthly = false;  ///< used once in 30 days, at no other time
  std::uint32_t pair = 0;   ///< not 0: of the two with this number one is used at a time
  bool is_standby = false;  ///< the one of a pair that is used in the second half of the time
  const Service* control = nullptr;    ///< asked first on the same server, for the port
  std::optional<std::uint32_t> front;  ///< the host that the client asks to get to the server
};

/// Somebody tries a port on which nobody listens. Not a dependency.
struct Attempt {
  std::uint32_t client = 0;
  std::uint32_t server = 0;
  std::uint16_t port = 0;
  Outcome outcome = Outcome::unanswered;
};

struct WorldOptions {
  std::uint64_t seed = 1;
  std::uint32_t clients = 16;
  std::uint32_t scale = 1;          ///< multiplies the servers of every tier
  std::uint32_t ipv6_percent = 10;  ///< of dependencies
  std::uint32_t tiers = 3;  ///< 1: web alone; 2: and data; from 3 on application tiers between
  std::uint32_t load_balancers = 1;
  std::uint32_t failover_pairs = 0;       ///< of databases
  std::uint32_t dns_percent = 50;         ///< of servers that ask; clients always do, but for 0
  std::uint32_t monitoring_percent = 50;  ///< of servers that are polled
  std::uint32_t backup_percent = 100;     ///< of data, mail and directory servers
  std::uint32_t proxies = 0;              ///< balancers that pass on, three replicas each
  std::uint32_t virtual_servers = 0;      ///< balancers that translate, three replicas each
  std::uint32_t nat_percent = 0;          ///< of clients behind a translator
  std::uint32_t scanners = 0;
  std::uint32_t peers = 0;              ///< hosts that are client and server to each other
  std::uint32_t high_port_percent = 0;  ///< of the services, on a port from 20000 on
  std::uint32_t low_port_percent = 0;   ///< of the dependencies whose clients take ports below 1024
  std::uint32_t rpc_servers = 0;        ///< MS-RPC: port 135 first, then a dynamic one
  std::uint32_t monthly_jobs = 0;
  std::uint32_t equipment = 0;  ///< sets of printers, cameras, telephones and the like
};

struct World {
  std::vector<Host> hosts;
  std::vector<Dependency> dependencies;  ///< each (client, server, protocol, port) once
  std::vector<Attempt> attempts;

  [[nodiscard]] const Address& client_address(const Dependency& dependency) const;
  [[nodiscard]] const Address& server_address(const Dependency& dependency) const;
  /// Whether the client's address is another one outside.
  [[nodiscard]] bool is_translated(const Dependency& dependency) const;
  /// Whether a proxy passes it on: then it is two conversations, one after the other.
  [[nodiscard]] bool is_passed_on(const Dependency& dependency) const;
  /// The address that the client asks.
  [[nodiscard]] const Address& asked_address(const Dependency& dependency) const;
};

/// The same options give the same world.
[[nodiscard]] World build_world(const WorldOptions& options);

}  // namespace simnet
