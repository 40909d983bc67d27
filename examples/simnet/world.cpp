#include "world.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "rng.hpp"

namespace simnet {
namespace {

// Names are IANA's where IANA has one that people use.
constexpr Service kHttps{"https", kTcp, 443, {1, 8}, {300, 1500}, {500, 60000}, {20, 15000}, 6};
constexpr Service kHttp{"http", kTcp, 80, {1, 4}, {200, 900}, {300, 20000}, {10, 5000}, 2};
constexpr Service kHttpAlt{"http-alt",  kTcp,         8080,       {2, 20},
                           {300, 4000}, {400, 30000}, {20, 8000}, 6};
constexpr Service kPostgres{"postgresql", kTcp,        5432,         {300, 1200},
                            {80, 400},    {100, 6000}, {500, 20000}, 4};
constexpr Service kMysql{"mysql", kTcp, 3306, {300, 1000}, {80, 400}, {100, 5000}, {500, 20000}, 3};
constexpr Service kRedis{"redis", kTcp, 6379, {300, 1500}, {40, 200}, {10, 2000}, {200, 15000}, 4};
constexpr Service kMemcache{"memcache", kTcp,       11211,        {300, 1500},
                            {30, 120},  {20, 4000}, {200, 15000}, 3};
constexpr Service kDns{"domain", kUdp, 53, {1, 1}, {28, 60}, {60, 400}, {1, 80}, 4};
constexpr Service kNtp{"ntp", kUdp, 123, {1, 1}, {48, 48}, {48, 48}, {1, 60}, 1};
constexpr Service kSmtp{"smtp", kTcp, 25, {4, 8}, {60, 20000}, {30, 120}, {100, 6000}, 1};
constexpr Service kSubmission{"submission", kTcp,      587,         {5, 9},
                              {60, 30000},  {30, 200}, {200, 8000}, 1};
constexpr Service kImaps{"imaps", kTcp, 993, {4, 30}, {60, 200}, {80, 20000}, {500, 25000}, 2};
constexpr Service kLdap{"ldap", kTcp, 389, {2, 6}, {60, 300}, {100, 3000}, {5, 800}, 1};
constexpr Service kRsync{"rsync",         kTcp,          873, {3, 12}, {100, 2000},
                         {50000, 300000}, {2000, 25000}, 1,   true};
constexpr Service kNdmp{"ndmp",           kTcp,          10000, {4, 20}, {100, 500},
                        {100000, 500000}, {3000, 28000}, 1,     true};
constexpr Service kZabbix{"zabbix-agent", kTcp,     10050, {1, 3}, {30, 80},
                          {20, 400},      {2, 200}, 2,     true};
constexpr Service kNodeExporter{"node-exporter", kTcp,      9100, {1, 2}, {150, 300},
                                {20000, 90000},  {10, 400}, 2,    true};
constexpr Service kSyslog{"syslog", kUdp,      514, {1, 12}, {80, 600},
                          {0, 0},   {1, 5000}, 2,   false,   Outcome::one_way};

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

using HostIndexes = std::vector<std::uint32_t>;

class Builder {
 public:
  explicit Builder(const WorldOptions& options) : options_(options), rng_(options.seed) {}

  World build() {
    add_hosts(Tier::client, Segment::office, options_.clients);
    for (const TierPlan& plan : kServerTiers) {
      add_hosts(plan.tier, plan.segment, plan.count * options_.scale);
    }
    connect_clients();
    connect_applications();
    connect_mail();
    connect_infrastructure();
    drop_doubles();
    add_attempts();
    return std::move(world_);
  }

 private:
  void add_hosts(Tier tier, Segment segment, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      Host host;
      host.name = std::string(name_of(tier)) + std::to_string(i + 1);
      host.tier = tier;
      host.segment = segment;
      host.number = static_cast<std::uint32_t>(world_.hosts.size());
      // One /16 a segment: 10.10, 10.20, …; hosts count up from .0.10 and skip .0 and .255.
      const std::uint32_t place = 9 + in_segment_[static_cast<std::size_t>(segment)]++;
      const auto net = static_cast<std::uint8_t>(10 * (static_cast<unsigned>(segment) + 1));
      host.ipv4 = Address::ipv4(10, net, static_cast<std::uint8_t>(place / 254),
                                static_cast<std::uint8_t>(place % 254 + 1));
      host.ipv6 = Address::ipv6(net, static_cast<std::uint16_t>(place + 1));
      world_.hosts.push_back(host);
    }
  }

  [[nodiscard]] HostIndexes all(Tier tier) const {
    HostIndexes found;
    for (const Host& host : world_.hosts) {
      if (host.tier == tier) found.push_back(host.number);
    }
    return found;
  }

  std::uint32_t one_of(const HostIndexes& hosts) { return hosts[rng_.below(hosts.size())]; }

  void use(std::uint32_t client, std::uint32_t server, const Service& service) {
    if (client == server) return;
    const bool over_ipv6 = rng_.percent(options_.ipv6_percent);
    world_.dependencies.push_back({client, server, &service, over_ipv6});
  }

  void use_each(std::uint32_t client, const HostIndexes& servers, const Service& service) {
    for (const std::uint32_t server : servers) use(client, server, service);
  }

  void connect_clients() {
    for (const std::uint32_t client : all(Tier::client)) {
      use(client, one_of(all(Tier::balancer)), kHttps);
      use(client, one_of(all(Tier::dns)), kDns);
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
    for (const std::uint32_t web : all(Tier::web)) {
      for (const std::uint32_t app : all(Tier::app)) {
        if (options_.scale == 1 || rng_.percent(100 / options_.scale + 1)) use(web, app, kHttpAlt);
      }
    }
    // Database 0, 3, … are PostgreSQL primaries, 1, 4, … their replicas, 2, 5, … MySQL;
    // cache 0, 2, … Redis, 1, 3, … memcached.
    for (const std::uint32_t app : all(Tier::app)) {
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
    use(all(Tier::app).front(), mail.front(), kSmtp);
    for (std::size_t i = 1; i < mail.size(); ++i) use(mail[i - 1], mail[i], kSmtp);
    for (const std::uint32_t server : mail) use(server, one_of(all(Tier::directory)), kLdap);
  }

  void connect_infrastructure() {
    const HostIndexes monitoring = all(Tier::monitoring);
    const HostIndexes backup = all(Tier::backup);
    for (const Host& host : world_.hosts) {
      if (host.tier == Tier::client) continue;
      if (host.tier != Tier::dns && rng_.percent(50))
        use(host.number, one_of(all(Tier::dns)), kDns);
      if (rng_.percent(30)) use(host.number, all(Tier::dns).front(), kNtp);
      if (rng_.percent(40)) use(host.number, one_of(all(Tier::log)), kSyslog);
      if (rng_.percent(50)) use(monitoring[0], host.number, kZabbix);
      if (rng_.percent(35)) use(monitoring[1], host.number, kNodeExporter);
      if (host.tier == Tier::database) use(one_of(backup), host.number, kNdmp);
      if (host.tier == Tier::mail || host.tier == Tier::directory) {
        use(one_of(backup), host.number, kRsync);
      }
    }
  }

  void drop_doubles() {
    std::vector<Dependency>& all = world_.dependencies;
    const auto key = [](const Dependency& d) {
      return std::tuple(d.client, d.server, d.service->port);
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
  std::array<std::uint32_t, 5> in_segment_{};
};

}  // namespace

std::string_view name_of(Segment segment) noexcept {
  constexpr std::array<std::string_view, 5> kNames = {"office", "dmz", "app", "data", "services"};
  return kNames[static_cast<std::size_t>(segment)];
}

std::string_view name_of(Tier tier) noexcept {
  constexpr std::array<std::string_view, 12> kNames = {
      "client", "balancer", "web",       "app",    "database",   "cache",
      "dns",    "mail",     "directory", "backup", "monitoring", "log"};
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

World build_world(const WorldOptions& options) { return Builder(options).build(); }

}  // namespace simnet
