#include "world.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "equipment.hpp"
#include "rng.hpp"
#include "services.hpp"

namespace simnet {
namespace {

constexpr std::array<std::uint16_t, 6> kClosedPorts = {22, 23, 445, 3389, 5900, 8443};

struct TierPlan {
  Tier tier;
  Segment segment;
  std::uint32_t count;
};

constexpr std::array<TierPlan, 11> kServerTiers = {{
    {Tier::balancer, Segment::dmz, 1},
    {Tier::web, Segment::dmz, 3},
    {Tier::mail, Segment::dmz, 2},
    {Tier::app, Segment::app, 4},
    {Tier::database, Segment::data, 3},
    {Tier::cache, Segment::data, 2},
    {Tier::dns, Segment::services, 2},
    {Tier::directory, Segment::services, 1},
    {Tier::backup, Segment::services, 1},
    {Tier::monitoring, Segment::services, 2},
    {Tier::log, Segment::services, 1},
}};

class Builder {
 public:
  explicit Builder(const WorldOptions& options) : options_(options), rng_(options.seed) {}

  World build() {
    add_hosts(Tier::client, Segment::office, options_.clients);
    for (const TierPlan& plan : kServerTiers) {
      const bool is_balancer = plan.tier == Tier::balancer;
      const std::uint32_t count = is_balancer ? options_.load_balancers : plan.count;
      add_hosts(plan.tier, plan.segment, count * levels_of(plan.tier) * options_.scale);
    }
    connect_clients();
    connect_applications();
    connect_mail();
    connect_infrastructure();
    connect_failover_pairs();
    connect_rpc();
    connect_peers();
    connect_fronts(Tier::proxy, options_.proxies);
    connect_fronts(Tier::virtual_server, options_.virtual_servers);
    connect_equipment();
    add_monthly_jobs();
    choose_ports();
    drop_doubles();
    add_attempts();
    add_hosts(Tier::scanner, Segment::office, options_.scanners);
    add_translators();
    return std::move(world_);
  }

 private:
  void add_hosts(Tier tier, Segment segment, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      Host host;
      host.name = std::string(name_of(tier)) + std::to_string(i + 1);
      host.tier = tier;
      host.type = asset_type_of(tier);
      host.segment = segment;
      host.number = static_cast<std::uint32_t>(world_.hosts.size());
      // One /16 a segment: 10.10, 10.20, …; hosts count up from .0.10 and skip .0 and .255.
      const std::uint32_t place = 9 + in_segment_[static_cast<std::size_t>(segment)]++;
      const auto net = static_cast<std::uint8_t>(10 * (static_cast<unsigned>(segment) + 1));
      host.ipv4 = Address::ipv4(10, net, static_cast<std::uint8_t>(place / 254),
                                static_cast<std::uint8_t>(place % 254 + 1));
      host.ipv6 = Address::ipv6(net, static_cast<std::uint16_t>(place + 1));
      by_tier_[static_cast<std::size_t>(tier)].push_back(host.number);
      world_.hosts.push_back(host);
    }
  }

  /// How often a tier is there: application servers stand in as many rows as there are tiers more.
  [[nodiscard]] std::uint32_t levels_of(Tier tier) const {
    if (tier == Tier::app) return options_.tiers > 2 ? options_.tiers - 2 : 0;
    if (tier == Tier::database || tier == Tier::cache) return options_.tiers > 1 ? 1 : 0;
    return 1;
  }

  [[nodiscard]] const HostIndexes& all(Tier tier) const {
    return by_tier_[static_cast<std::size_t>(tier)];
  }

  std::uint32_t one_of(const HostIndexes& hosts) { return hosts[rng_.below(hosts.size())]; }

  void use(std::uint32_t client, std::uint32_t server, const Service& service) {
    if (client == server) return;
    const bool over_ipv6 = rng_.percent(options_.ipv6_percent);
    Dependency dependency;
    dependency.client = client;
    dependency.server = server;
    dependency.service = &service;
    dependency.over_ipv6 = over_ipv6;
    dependency.port = service.port;
    world_.dependencies.push_back(dependency);
  }

  void use_each(std::uint32_t client, const HostIndexes& servers, const Service& service) {
    for (const std::uint32_t server : servers) use(client, server, service);
  }

  void connect_clients() {
    for (const std::uint32_t client : all(Tier::client)) {
      const Tier front = options_.load_balancers > 0 ? Tier::balancer : Tier::web;
      use(client, one_of(all(front)), kHttps);
      if (options_.dns_percent > 0) use(client, one_of(all(Tier::dns)), kDns);
      if (rng_.percent(50)) use(client, one_of(all(Tier::mail)), kImaps);
      if (rng_.percent(40)) use(client, one_of(all(Tier::mail)), kSubmission);
      if (rng_.percent(25)) use(client, one_of(all(Tier::directory)), kLdap);
    }
  }

  void connect_applications() {
    const HostIndexes databases = all(Tier::database);
    const HostIndexes caches = all(Tier::cache);
    for (const std::uint32_t balancer : all(Tier::balancer)) {
      use_each(balancer, all(Tier::web), kHttp);
    }
    // The rows before the data: web servers, then each row of application servers.
    std::vector<HostIndexes> rows = {all(Tier::web)};
    const HostIndexes applications = all(Tier::app);
    const std::uint32_t levels = levels_of(Tier::app);
    for (std::uint32_t i = 0; i < levels; ++i) {
      const auto length = static_cast<std::ptrdiff_t>(applications.size() / levels);
      const auto begin = applications.begin() + length * i;
      rows.emplace_back(begin, begin + length);
    }
    for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
      for (const std::uint32_t caller : rows[i]) {
        for (const std::uint32_t called : rows[i + 1]) {
          if (options_.scale == 1 || rng_.percent(100 / options_.scale + 1)) {
            use(caller, called, kHttpAlt);
          }
        }
      }
    }
    if (databases.empty()) return;
    // Database 0, 3, … are PostgreSQL primaries, 1, 4, … their replicas, 2, 5, … MySQL;
    // cache 0, 2, … Redis, 1, 3, … memcached.
    for (const std::uint32_t app : rows.back()) {
      const std::size_t group = rng_.below(options_.scale);
      use(app, databases[group * 3], kPostgres);
      if (rng_.percent(50)) use(app, databases[group * 3 + 1], kPostgres);
      if (rng_.percent(50)) use(app, databases[group * 3 + 2], kMysql);
      use(app, caches[group * 2], kRedis);
      if (rng_.percent(60)) use(app, caches[group * 2 + 1], kMemcache);
      use(app, one_of(all(Tier::directory)), kLdap);
    }
    for (std::size_t i = 0; i + 1 < databases.size(); i += 3) {
      use(databases[i + 1], databases[i], kPostgres);
    }
  }

  void connect_mail() {
    const HostIndexes mail = all(Tier::mail);
    const HostIndexes applications = all(Tier::app);
    use((applications.empty() ? all(Tier::web) : applications).front(), mail.front(), kSmtp);
    for (std::size_t i = 1; i < mail.size(); ++i) use(mail[i - 1], mail[i], kSmtp);
    for (const std::uint32_t server : mail) use(server, one_of(all(Tier::directory)), kLdap);
  }

  void connect_infrastructure() {
    const HostIndexes monitoring = all(Tier::monitoring);
    const HostIndexes backup = all(Tier::backup);
    for (const Host& host : world_.hosts) {
      if (host.tier == Tier::client) continue;
      if (host.tier != Tier::dns && rng_.percent(options_.dns_percent))
        use(host.number, one_of(all(Tier::dns)), kDns);
      if (rng_.percent(30)) use(host.number, all(Tier::dns).front(), kNtp);
      if (rng_.percent(40)) use(host.number, one_of(all(Tier::log)), kSyslog);
      if (rng_.percent(options_.monitoring_percent)) use(monitoring[0], host.number, kZabbix);
      if (rng_.percent(options_.monitoring_percent * 7 / 10)) {
        use(monitoring[1], host.number, kNodeExporter);
      }
      if (host.tier == Tier::database && is_backed_up()) use(one_of(backup), host.number, kNdmp);
      const bool is_other = host.tier == Tier::mail || host.tier == Tier::directory;
      if (is_other && is_backed_up()) use(one_of(backup), host.number, kRsync);
    }
  }

  bool is_backed_up() {
    return options_.backup_percent >= 100 || rng_.percent(options_.backup_percent);
  }

  /// Some servers use the active one of two databases, and its standby after a failure.
  void connect_failover_pairs() {
    HostIndexes users = all(Tier::app);
    if (users.empty()) users = all(Tier::web);
    for (std::uint32_t i = 0; i < options_.failover_pairs; ++i) {
      const std::size_t first = world_.hosts.size();
      add_hosts(Tier::database, Segment::data, 2);
      for (const std::uint32_t user : users) {
        ++pairs_;
        for (const std::size_t which : {std::size_t{0}, std::size_t{1}}) {
          use(user, world_.hosts[first + which].number, kPostgres);
          world_.dependencies.back().pair = pairs_;
          world_.dependencies.back().is_standby = which == 1;
        }
      }
    }
  }

  /// A dynamic port stays while its server runs.
  void connect_rpc() {
    add_hosts(Tier::rpc, Segment::services, options_.rpc_servers);
    for (const std::uint32_t server : all(Tier::rpc)) {
      const auto port = static_cast<std::uint16_t>(rng_.range(49152, 65535));
      for (const std::uint32_t client : all(Tier::client)) {
        if (rng_.percent(50)) continue;
        use(client, server, kRpcMapper);
        use(client, server, kRpcDynamic);
        Dependency& dynamic = world_.dependencies.back();
        dynamic.port = port;
        dynamic.control = &kRpcMapper;
        dynamic.over_ipv6 = world_.dependencies[world_.dependencies.size() - 2].over_ipv6;
      }
    }
  }

  /// Each gossips with its neighbour, both on one port, and fetches from some others on a port that
  /// each drew for itself.
  void connect_peers() {
    add_hosts(Tier::peer, Segment::office, options_.peers);
    const HostIndexes peers = all(Tier::peer);
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      ports.push_back(static_cast<std::uint16_t>(rng_.range(1024, 65535)));
    }
    for (std::size_t i = 0; i + 1 < peers.size(); ++i) {
      use(peers[i], peers[i + 1], kGossip);
      world_.dependencies.back().client_port = ClientPort::same;
      world_.dependencies.back().is_peer = true;
      for (std::size_t j = 0; j < std::min<std::size_t>(peers.size(), 4); ++j) {
        const std::size_t other = rng_.below(peers.size());
        if (other == i) continue;
        use(peers[i], peers[other], kShare);
        world_.dependencies.back().port = ports[other];
      }
    }
  }

  /// Every client gets to each replica of each front sooner or later.
  void connect_fronts(Tier tier, std::uint32_t fronts) {
    constexpr std::uint32_t kReplicasEach = 3;
    for (std::uint32_t i = 0; i < fronts; ++i) {
      const auto front = static_cast<std::uint32_t>(world_.hosts.size());
      add_hosts(tier, Segment::dmz, 1);
      world_.hosts[front].served.push_back(kHttps.port);
      add_hosts(Tier::replica, Segment::data, kReplicasEach);
      for (const std::uint32_t client : all(Tier::client)) {
        for (std::uint32_t replica = front + 1; replica <= front + kReplicasEach; ++replica) {
          use(client, replica, kHttpAlt);
          world_.dependencies.back().front = front;
        }
      }
    }
  }

  void connect_equipment() {
    const auto add = [this](std::string_view name, std::string_view type, Segment segment,
                            std::uint32_t count) {
      HostIndexes added;
      for (std::uint32_t i = 0; i < count; ++i) {
        add_hosts(Tier::equipment, segment, 1);
        Host& host = world_.hosts.back();
        host.name = std::string(name) + std::to_string(i + 1);
        host.type = type;
        added.push_back(host.number);
      }
      return added;
    };
    const auto connect = [this](std::uint32_t client, std::uint32_t server,
                                const Service& service) { use(client, server, service); };
    const auto ask_for_address = [this](std::uint32_t client, std::uint32_t server) {
      use(client, server, kDhcp);
      world_.dependencies.back().client_port = ClientPort::dhcp;
      world_.dependencies.back().over_ipv6 = false;
    };
    const auto hosts_of = [this](Tier tier) -> const HostIndexes& { return all(tier); };
    add_equipment({add, connect, ask_for_address, hosts_of, rng_}, options_.equipment);
  }

  void add_monthly_jobs() {
    const HostIndexes backup = all(Tier::backup);
    HostIndexes workers;
    for (const Host& host : world_.hosts) {
      if (host.tier != Tier::client && host.tier != Tier::backup) workers.push_back(host.number);
    }
    for (std::uint32_t i = 0; i < options_.monthly_jobs; ++i) {
      use(one_of(workers), one_of(backup), kMonthly);
      world_.dependencies.back().is_monthly = true;
      world_.dependencies.back().port = static_cast<std::uint16_t>(8800 + i);
    }
  }

  /// Moves services to high ports, the same for all who use one of a server, and clients to low
  /// ports; then notes who serves where.
  void choose_ports() {
    std::map<std::pair<std::uint32_t, const Service*>, std::uint16_t> moved;
    for (Dependency& dependency : world_.dependencies) {
      const Service& service = *dependency.service;
      const bool may_move =
          service.protocol == kTcp && service.port != 0 && service.weight != 0 && !dependency.front;
      if (options_.high_port_percent > 0 && may_move) {
        const auto [found, is_new] = moved.try_emplace({dependency.server, &service}, service.port);
        if (is_new && rng_.percent(options_.high_port_percent)) {
          found->second = static_cast<std::uint16_t>(rng_.range(20000, 65535));
        }
        dependency.port = found->second;
      }
      const bool may_bind = service.protocol == kTcp && !dependency.is_peer;
      if (options_.low_port_percent > 0 && may_bind && rng_.percent(options_.low_port_percent)) {
        dependency.client_port = ClientPort::privileged;
      }
    }
    for (const Dependency& dependency : world_.dependencies) {
      world_.hosts[dependency.server].served.push_back(dependency.port);
      if (dependency.is_peer) world_.hosts[dependency.client].served.push_back(dependency.port);
    }
  }

  /// Fifty clients share one address outside, as that of an office.
  void add_translators() {
    if (options_.nat_percent == 0) return;
    constexpr std::uint32_t kClientsEach = 50;
    HostIndexes inside;
    for (const std::uint32_t client : all(Tier::client)) {
      if (rng_.percent(options_.nat_percent)) inside.push_back(client);
    }
    const auto count =
        static_cast<std::uint32_t>((inside.size() + kClientsEach - 1) / kClientsEach);
    const auto first = static_cast<std::uint32_t>(world_.hosts.size());
    add_hosts(Tier::translator, Segment::dmz, count);
    for (std::size_t i = 0; i < inside.size(); ++i) {
      world_.hosts[inside[i]].translator = first + static_cast<std::uint32_t>(i) / kClientsEach;
    }
  }

  void drop_doubles() {
    std::vector<Dependency>& all = world_.dependencies;
    const auto key = [](const Dependency& d) {
      return std::tuple(d.client, d.server, d.service->protocol, d.port);
    };
    std::stable_sort(all.begin(), all.end(),
                     [&](const auto& a, const auto& b) { return key(a) < key(b); });
    all.erase(std::unique(all.begin(), all.end(),
                          [&](const auto& a, const auto& b) { return key(a) == key(b); }),
              all.end());
  }

  void add_attempts() {
    const HostIndexes clients = all(Tier::client);
    HostIndexes servers;
    for (const Host& host : world_.hosts) {
      if (host.tier != Tier::client) servers.push_back(host.number);
    }
    if (clients.empty()) return;
    for (std::size_t i = 0; i < 8; ++i) {
      Attempt attempt;
      attempt.client = one_of(clients);
      attempt.server = one_of(servers);
      attempt.port = kClosedPorts[i % kClosedPorts.size()];
      attempt.outcome = i % 3 == 2 ? Outcome::refused : Outcome::unanswered;
      const bool known =
          std::any_of(world_.attempts.begin(), world_.attempts.end(), [&](const Attempt& other) {
            return other.client == attempt.client && other.server == attempt.server &&
                   other.port == attempt.port;
          });
      if (!known) world_.attempts.push_back(attempt);
    }
  }

  WorldOptions options_;
  Rng rng_;
  World world_;
  std::array<HostIndexes, kTierCount> by_tier_;
  std::uint32_t pairs_ = 0;
  std::array<std::uint32_t, 5> in_segment_{};
};

}  // namespace

std::string_view name_of(Segment segment) noexcept {
  constexpr std::array<std::string_view, 5> kNames = {"office", "dmz", "app", "data", "services"};
  return kNames[static_cast<std::size_t>(segment)];
}

std::string_view name_of(Tier tier) noexcept {
  constexpr std::array<std::string_view, kTierCount> kNames = {
      "client",  "balancer", "web",        "app",     "database",   "cache",
      "dns",     "mail",     "directory",  "backup",  "monitoring", "log",
      "rpc",     "peer",     "translator", "scanner", "proxy",      "virtual-server",
      "replica", "equipment"};
  return kNames[static_cast<std::size_t>(tier)];
}

const Address& World::client_address(const Dependency& dependency) const {
  const Host& host = hosts[dependency.client];
  return dependency.over_ipv6 ? host.ipv6 : host.ipv4;
}

const Address& World::server_address(const Dependency& dependency) const {
  const Host& host = hosts[dependency.server];
  return dependency.over_ipv6 ? host.ipv6 : host.ipv4;
}

bool World::is_translated(const Dependency& dependency) const {
  return !dependency.over_ipv6 && hosts[dependency.client].translator.has_value();
}

bool World::is_passed_on(const Dependency& dependency) const {
  return dependency.front && hosts[*dependency.front].tier == Tier::proxy;
}

const Address& World::asked_address(const Dependency& dependency) const {
  const Host& host = hosts[dependency.front.value_or(dependency.server)];
  return dependency.over_ipv6 ? host.ipv6 : host.ipv4;
}

World build_world(const WorldOptions& options) { return Builder(options).build(); }

}  // namespace simnet
