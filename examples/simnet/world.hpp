/// \file
/// Who is there and who uses what: the truth that the exported flows hide.
#pragma once

#include <cstdint>
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
  log
};

[[nodiscard]] std::string_view name_of(Segment segment) noexcept;
[[nodiscard]] std::string_view name_of(Tier tier) noexcept;

struct Host {
  std::string name;
  Tier tier = Tier::client;
  Segment segment = Segment::office;
  Address ipv4;
  Address ipv6;
  std::uint32_t number = 0;  ///< within the world; the MAC address is made of it
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

/// `client` uses `service` on `server`.
struct Dependency {
  std::uint32_t client = 0;  ///< index of a host
  std::uint32_t server = 0;
  const Service* service = nullptr;
  bool over_ipv6 = false;
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
};

struct World {
  std::vector<Host> hosts;
  std::vector<Dependency> dependencies;  ///< each (client, server, protocol, port) once
  std::vector<Attempt> attempts;

  [[nodiscard]] const Address& client_address(const Dependency& dependency) const;
  [[nodiscard]] const Address& server_address(const Dependency& dependency) const;
};

/// The same options give the same world.
[[nodiscard]] World build_world(const WorldOptions& options);

}  // namespace simnet
