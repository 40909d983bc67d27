#include "api_daemon.hpp"

#include <mutex>
#include <string>
#include <utility>

#include "announce.hpp"
#include "auth/guard.hpp"
#include "auth/setup.hpp"
#include "config/known_network.hpp"
#include "daemon_options.hpp"
#include "exit_deadline.hpp"
#include "flowlens/resolver_lease.hpp"
#include "flowlens/revision_feed.hpp"
#include "http/api.hpp"
#include "http/forwarding.hpp"
#include "http/front.hpp"
#include "http/live.hpp"
#include "http/metrics.hpp"
#include "http/rate_limits.hpp"
#include "http/server.hpp"
#include "http/view.hpp"
#include "live_settings.hpp"
#include "log.hpp"
#include "pipeline/follower.hpp"
#include "pipeline/grouping.hpp"
#include "pipeline/periodic.hpp"
#include "pipeline/stores.hpp"
#include "running.hpp"
#include "service.hpp"
#include "service_manager.hpp"
#include "stop_signal.hpp"

namespace flowlensd {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kLoadPatience{
    30};  // for a Resolver that is started together with us
constexpr milliseconds kLoadPause{500};
constexpr std::chrono::seconds kReadApplications{15};  // as often as they are looked for
constexpr std::chrono::seconds kLookAtLease{1};
constexpr std::chrono::seconds kGeoInterval{5};  // between looks for new files
constexpr double kSilent = 5;  // seconds, after which a standby would have taken over
constexpr milliseconds kShutDownLimit{30'000};

/// A token of one process is known to all.
AccessOptions shared_access(const Settings& settings) {
  const bool has_key = [&] {
    for (const std::string* key : {&settings.auth_secret_key, &settings.jwt_secret}) {
      if (!key->empty()) return !is_placeholder_secret(*key);
    }
    return false;
  }();
  if (settings.auth_enabled && !has_key) {
    throw ConfigError(
        "roles: api without resolve needs AUTH_SECRET_KEY (or JWT_SECRET), the same one for all "
        "processes, which signs access tokens; `openssl rand -base64 48` makes one");
  }
  return access_options(settings, {});
}

/// Says what /health says of the process that writes.
class LeaseWatch {
 public:
  explicit LeaseWatch(std::unique_ptr<ResolverLease> lease) : lease_(std::move(lease)) {}

  /// By one thread.
  void look() {
    try {
      const LeaseView view = lease_->look();
      const std::lock_guard lock(mutex_);
      view_ = view;
      problem_.clear();
    } catch (const Error& e) {
      const std::lock_guard lock(mutex_);
      problem_ = e.what();
    }
  }
  [[nodiscard]] std::string check() const {
    const std::lock_guard lock(mutex_);
    if (!problem_.empty()) return "not_known: " + problem_;
    if (view_.holder.empty()) return "none: no flowlensd writes the map";
    if (view_.silent_seconds <= kSilent) return "ok";
    return "silent: " + view_.holder.substr(0, view_.holder.find('/')) + ", for " +
           std::to_string(static_cast<std::uint64_t>(view_.silent_seconds)) + " s";
  }

 private:
  const std::unique_ptr<ResolverLease> lease_;
  mutable std::mutex mutex_;
  LeaseView view_;
  std::string problem_;
};

/// Rows of a feed lack what the map knows of them besides; as far as rows are told one by one, they get it.
void complete(Revision& revision, const DependencyGraph& graph) {
  const std::size_t most = http::LiveOptions{}.max_rows;
  const auto look_up = [&](auto& rows, auto row_of) {
    if (rows.size() > most) return;
    for (auto& row : rows) {
      if (auto now = row_of(row.id); now && now->id == row.id) row = *std::move(now);
    }
  };
  look_up(revision.assets, [&](const Id& id) { return graph.asset(id); });
  look_up(revision.dependencies, [&](const Id& id) { return graph.dependency(id); });
}

}  // namespace

struct ApiDaemon::Parts {
  const Settings settings;  ///< as of the start
  Configuration configuration;
  StopSignal stop;
  ServiceManager manager;
  Life life;
  http::Metrics metrics;
  const KnownNetwork known;
  Geo geo;
  const ResolverOptions resolver_settings;
  const AccessOptions access_settings;
  DependencyGraph graph;
  const PostgresStoreOptions database;
  Follower follower;
  const FeedPosition begun;
  Forwarding forwarding;
  LeaseWatch lease;
  Periodic watching;
  Periodic geo_watch;
  Grouping grouping;
  Periodic reading_applications;
  TrafficArchive traffic;
  FlowArchive flows;
  // Of the process that writes; here nobody fills them.
  Accounts accounts{1, 1, 0};
  FlowChannel channel{1};
  http::LiveUpdates live;
  http::RateLimits rate_limits;
  AuthStore users;
  AuditLog audit;
  Access access;
  Service service;
  http::Router router;
  std::unique_ptr<http::Front> front;
  std::unique_ptr<http::Server> server;

  Parts(const Loaded& loaded, Configuration::Read read);

  FatalHandler fatal() {
    return [this](const std::string& why) { stop.fail(why); };
  }
  FeedPosition load_patiently();
  void take(Revision revision, bool is_after_gap);
  Service make_service();
  void make_server();
  void read_applications();

  void open_doors();
  void serve();
  void reload();
  void tell_manager();
  bool shut_down();
};

ApiDaemon::Parts::Parts(const Loaded& loaded, Configuration::Read read)
    : settings(loaded.settings),
      configuration(loaded, std::move(read)),
      known(read_known_network(settings.network_file)),
      geo(settings),
      resolver_settings(resolver_options(settings, known, geo)),
      access_settings(shared_access(settings)),
      graph(resolver_settings.graph, Enricher(known.enricher).sites()),
      database(postgres_options(settings, graph.sites())),
      follower(
          make_postgres_revision_feed(database), graph, resolver_settings.graph,
          [this](Revision r, bool is_after_gap) { take(std::move(r), is_after_gap); }, fatal()),
      begun(load_patiently()),
      forwarding(make_postgres_request_sender(database), make_postgres_request_sender(database),
                 [this](std::uint64_t revision, milliseconds patience) {
                   return follower.wait_for(revision, patience);
                 }),
      lease(make_postgres_resolver_lease(database)),
      watching(
          "the look at the lease", kLookAtLease, [this](Timestamp) { lease.look(); }, fatal()),
      geo_watch(
          "the look for new GeoIP files", kGeoInterval, [this](Timestamp) { geo.reload(); },
          fatal()),
      grouping({}, graph, make_postgres_application_store(database, begun.epoch), {},
               kReadApplications, fatal()),
      reading_applications(
          "the look at applications", kReadApplications, [this](Timestamp) { read_applications(); },
          fatal()),
      traffic([this] { return make_postgres_traffic_reader(database); }, reader_options(settings)),
      flows([this] { return make_postgres_flow_reader(database); }, reader_options(settings)),
      live(live_options(life, {begun.epoch, begun.revision, {}}), graph.sites(), &geo, fatal()),
      rate_limits(http::rate_limit_options(settings, settings.auth_enabled)),
      users(sql::open_postgres(database.connection)),
      audit(users, audit_options(settings)),
      access(access_settings, users, audit),
      service(make_service()) {
  make_server();
  follow_settings(configuration, {nullptr, nullptr, nullptr, server.get(), &geo});
}

/// The database, or the first Resolver, may need longer to start than this process.
FeedPosition ApiDaemon::Parts::load_patiently() {
  const auto give_up_at = steady_clock::now() + kLoadPatience;
  for (bool is_first = true;; is_first = false) {
    try {
      follower.load();
      break;
    } catch (const IoError& e) {
      if (steady_clock::now() >= give_up_at || stop.wait(kLoadPause)) throw;
      if (is_first) {
        log::warning("follower", "the map cannot be read yet; trying again",
                     {{"reason", e.what()}});
      }
    }
  }
  const GraphCounters counters = graph.counters();
  const FeedPosition at = follower.status().at;
  log::info("follower", "the map is loaded",
            {{"epoch", at.epoch.value},
             {"revision", at.revision},
             {"assets", counters.assets},
             {"dependencies", counters.dependencies}});
  return at;
}

void ApiDaemon::Parts::take(Revision revision, bool is_after_gap) {
  if (!settings.websocket_enabled) return;
  complete(revision, graph);
  if (is_after_gap) {
    live.publish_after_gap(revision);
  } else {
    live.publish(revision);
  }
}

void ApiDaemon::Parts::read_applications() {
  try {
    grouping.read_again();
  } catch (const IoError& e) {
    log::warning("follower", "applications cannot be read; those read before stay",
                 {{"reason", e.what()}});
  }
}

Service ApiDaemon::Parts::make_service() {
  Service s{settings, life, graph, accounts,          follower,       channel,
            nullptr,  {},   {},    resolver_settings, ParserOptions{}};
  s.geo = &geo;
  s.traffic = &traffic;
  s.flow_archive = &flows;
  s.grouping = &grouping;
  s.live = &live;
  s.rate_limits = &rate_limits;
  s.access = &access;
  s.users = &users;
  s.audit = &audit;
  s.configuration = &configuration;
  s.postgres = database.activity.get();
  s.follower = &follower;
  s.forwarding = &forwarding;
  s.resolver_check = [this] { return lease.check(); };
  return s;
}

void ApiDaemon::Parts::make_server() {
  http::add_routes(router, service);
  http::add_metrics_routes(router, service, metrics, [this] { return server->counters(); });
  router.set_view([this] { return http::shown_dependencies(*service.current_settings()); });
  router.set_guard(http::limited(make_guard(access), rate_limits));
  router.set_witness(make_witness(audit, access));
  router.set_forward([this](const http::Request& r) { return forwarding.forward(r); });
  http::ServerOptions o = server_options(settings, live);
  // Who waits for the Resolver keeps nobody from reading.
  o.handler_threads += ForwardingOptions{}.max_waiting;
  front = std::make_unique<http::Front>(
      cors_of(settings), o.trusted_proxies,
      [this](http::Request r) { return router.handle(std::move(r)); });
  server = std::make_unique<http::Server>(
      o, [this](http::Request r) { return front->handle(std::move(r)); },
      [this](const std::string& method, const http::Response& r, double seconds) {
        metrics.observe_request(method, r, seconds);
      });
}

/// The first administrator is made before anybody can knock.
void ApiDaemon::Parts::open_doors() {
  if (settings.auth_enabled) {
    if (const auto admin = make_first_admin(users, access)) show_first_admin(*admin);
  }
  audit.start();
  server->start();
}

void ApiDaemon::Parts::serve() {
  life.enter(Life::Stage::serving);
  follower.start();
  forwarding.start();
  watching.start();
  if (!geo.empty()) geo_watch.start();
  reading_applications.start();
  manager.ready("following");
  while (!stop.wait(round_time(manager))) {
    if (stop.take_reload()) reload();
    tell_manager();
  }
}

void ApiDaemon::Parts::reload() {
  manager.reloading();
  reload_settings(configuration);
  manager.ready("following");
}

/// The watchdog is fed only while the API still moves.
void ApiDaemon::Parts::tell_manager() {
  const auto limit = manager.watchdog();
  if (limit == limit.zero()) return;
  server->ask_sign();
  if (server->silent_for() <= limit) return manager.alive();
  log::error("daemon", "a part does not move any more: the watchdog is not fed", {{"part", "api"}});
}

bool ApiDaemon::Parts::shut_down() {
  const ExitDeadline deadline{kShutDownLimit};
  const std::string failure = stop.failure();
  life.enter(failure.empty() ? Life::Stage::stopping : Life::Stage::failed);
  manager.stopping(failure.empty() ? "stopping" : failure);
  watching.stop();
  geo_watch.stop();
  reading_applications.stop();
  forwarding.stop();
  follower.stop();
  live.stop();
  server->stop();
  audit.stop();
  if (!failure.empty()) log::error("daemon", failure);
  return failure.empty();
}

ApiDaemon::ApiDaemon(const Loaded& loaded, Configuration::Read read)
    : parts_(std::make_unique<Parts>(loaded, std::move(read))) {}
ApiDaemon::~ApiDaemon() = default;

int ApiDaemon::run() {
  Parts& p = *parts_;
  announce_api(p.settings, p.server->port());
  log::info("daemon", "following the map", {{"roles", p.settings.roles}, {"version", kVersion}});
  p.live.start();
  p.open_doors();
  p.serve();
  const bool is_good = p.shut_down();
  log::info("daemon", is_good ? "stopped" : "stopped after a failure");
  log::flush();
  return is_good ? 0 : 1;
}

}  // namespace flowlensd
