#include "daemon.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>
#include <span>
#include <utility>

#include "announce.hpp"
#include "auth/guard.hpp"
#include "auth/setup.hpp"
#include "config/known_network.hpp"
#include "config/roles.hpp"
#include "daemon_options.hpp"
#include "discovery/found.hpp"
#include "discovery/scans.hpp"
#include "exit_deadline.hpp"
#include "flowlens/graph_export.hpp"
#include "flowlens/store.hpp"
#include "http/api.hpp"
#include "http/front.hpp"
#include "http/live.hpp"
#include "http/metrics.hpp"
#include "http/rate_limits.hpp"
#include "http/request_answering.hpp"
#include "http/server.hpp"
#include "http/view.hpp"
#include "live_settings.hpp"
#include "log.hpp"
#include "lookups/dns_asking.hpp"
#include "lookups/lookups.hpp"
#include "notify/channels.hpp"
#include "pipeline/alerting.hpp"
#include "pipeline/announcing.hpp"
#include "pipeline/baseline_watching.hpp"
#include "pipeline/capture_input.hpp"
#include "pipeline/classifying.hpp"
#include "pipeline/data_dir.hpp"
#include "pipeline/flow_keeper.hpp"
#include "pipeline/flow_sender.hpp"
#include "pipeline/grouping.hpp"
#include "pipeline/ingest.hpp"
#include "pipeline/learned_state.hpp"
#include "pipeline/parcel_reading.hpp"
#include "pipeline/periodic.hpp"
#include "pipeline/resolver_thread.hpp"
#include "pipeline/stores.hpp"
#include "report/summary.hpp"
#include "running.hpp"
#include "service.hpp"
#include "service_manager.hpp"
#include "standby.hpp"
#include "stop_signal.hpp"

namespace flowlensd {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMaxExporters = 65'536;
// After a crash, data of a template learned later than this waits until it is announced again.
constexpr std::chrono::seconds kSaveStateEvery{5};
constexpr std::chrono::minutes kSaveLearnedEvery{15};  // some 100 MB at its bounds
constexpr std::chrono::hours kWatchInterval{1};        // the map's hours tell what is new
constexpr std::chrono::seconds kGroupInterval{15};
constexpr std::chrono::seconds kGeoInterval{5};  // between looks for new files
constexpr milliseconds kExplainWait{2'000};
constexpr milliseconds kStoreGrace{20'000};
constexpr milliseconds kFlowGrace{5'000};
constexpr milliseconds kShutDownLimit{60'000};  // systemd kills after 90 s

}  // namespace

struct Daemon::Parts {
  const Settings settings;  ///< as of the start
  const Roles roles;
  const RunOptions options;
  Configuration configuration;
  StopSignal stop;
  ServiceManager manager;
  Life life;
  http::Metrics metrics;
  std::unique_ptr<DataDir> dir;
  std::unique_ptr<LeaseKeeper> lease;  ///< null: nobody else could write
  const KnownNetwork known;
  Geo geo;
  const ResolverOptions resolver_settings;
  Resolver resolver;
  Stores stores;
  Classifier classifier;
  Channels channels;
  Alerting alerting;
  std::unique_ptr<StoreThread> store;
  std::unique_ptr<FlowKeeper> flow_keeper;  ///< null: single flows are not kept
  std::unique_ptr<Announcing> announcing;   ///< null: nobody can follow
  std::unique_ptr<FlowSender> flow_sender;  ///< null: flows are not sent on
  MapWriter writer;
  FlowChannel channel;
  Accounts accounts;
  std::unique_ptr<Ingest> ingest;
  std::atomic<bool> is_receiving{false};
  std::atomic<bool> has_gateway_changed{false};  ///< since it was saved
  ResolverThread resolver_thread;
  std::unique_ptr<ParcelReading> parcels;  ///< null: flows come by memory
  Classifying classifying;
  Lookups lookups;
  std::optional<LearnedState> changes_learned;  ///< none: nothing is kept, or watched
  std::optional<LearnedState> routes_learned;   ///< none: nothing is kept
  SinglePointWatch single_points;
  Periodic watching;
  Periodic geo_watch;
  Grouping grouping;
  BaselineShelf baselines;
  BaselineWatching baseline_watching;
  std::unique_ptr<DnsAsking> dns;  ///< null: nobody is asked for names
  Tasks tasks;
  Scans scans;
  http::LiveUpdates live;
  http::RateLimits rate_limits;
  std::unique_ptr<AuthStore> users;
  AuditLog audit;
  Access access;
  Service service;
  http::Router router;
  http::Router unserved;                       ///< for `requests`, where the API is not served here
  std::unique_ptr<RequestAnswering> requests;  ///< null: nobody can follow
  std::unique_ptr<http::Front> front;
  std::unique_ptr<http::Server> server;

  Parts(const Loaded& loaded, Configuration::Read read);

  [[nodiscard]] bool has_input() const { return !options.inputs.empty(); }
  [[nodiscard]] bool serves() const { return !has_input() || options.serve; }
  [[nodiscard]] bool pushes() const {
    return serves() && roles.has(Role::api) && settings.websocket_enabled;
  }
  /// Empty: nothing is kept.
  [[nodiscard]] std::filesystem::path data_folder() const {
    return dir ? dir->path() : std::filesystem::path{};
  }
  FatalHandler fatal() {
    return [this](const std::string& why) { stop.fail(why); };
  }

  /// Takes what a look at the map has found to have changed.
  Grouping::Tell tell_changes() {
    if (!settings.changes_enabled) return {};
    return [this](const std::vector<ChangeEvent>& events) { resolver.graph().apply(events); };
  }

  std::unique_ptr<StoreThread> make_store_thread();
  std::unique_ptr<DnsAsking> make_dns();
  Service make_service();
  void make_ingest();
  void make_server();
  void make_requests();
  http::Response answer(http::Request request);
  void open_doors();
  void save_states();
  void make_learned();
  void save_learned() const;
  void take_revision(const Revision& revision);
  void announce() const;

  void reload();
  void tell_manager();
  [[nodiscard]] std::string status_text() const;

  bool read_input();
  bool write_export() const;
  void serve();
  bool shut_down();
};

Daemon::Parts::Parts(const Loaded& loaded, Configuration::Read read)
    : settings(loaded.settings),
      roles(parse_roles(settings.roles)),
      options(loaded.run),
      configuration(loaded, std::move(read)),
      dir(settings.data_dir.empty() ? nullptr : std::make_unique<DataDir>(settings.data_dir)),
      lease(take_turn({settings, life, stop, manager}, dir.get(), serves())),
      known(read_known_network(settings.network_file)),
      geo(settings),
      resolver_settings(resolver_options(settings, known, geo)),
      resolver(resolver_settings),
      stores(open_stores(settings, dir.get(), stop, resolver.graph())),
      classifier(classifier_options(settings, resolver.gateways())),
      channels(settings),
      alerting(
          alert_options(default_channels(settings, channels)), resolver.graph(),
          classifier.options().networks, std::move(stores.alerts),
          [this](const AlertNotice& notice) { channels.tell(notice); }, fatal()),
      store(make_store_thread()),
      flow_keeper(stores.flows ? std::make_unique<FlowKeeper>(std::move(stores.flows),
                                                              flow_keeper_options(settings))
                               : nullptr),
      announcing(stores.announcer
                     ? std::make_unique<Announcing>(std::move(stores.announcer), fatal())
                     : nullptr),
      flow_sender(settings.forward_host.empty() || !serves()
                      ? nullptr
                      : std::make_unique<FlowSender>(flow_sender_options(settings))),
      writer(resolver, store.get(), stores.earlier, stores.term.epoch,
             {[this](double s) { metrics.observe_latency(s); },
              [this](double s) { metrics.observe_flush(s); },
              [this](const Revision& revision) { take_revision(revision); },
              [this](const std::vector<FlowRecord>& flows) {
                if (flow_keeper) flow_keeper->offer(flows);
                if (flow_sender) flow_sender->offer(flows);
              },
              [this](std::shared_ptr<const Revision> revision) {
                if (announcing) announcing->offer(std::move(revision));
              }}),
      channel(settings.queue_max_size),
      // Captures have decoders of their own: their exporters' templates are of another time.
      accounts((has_input() ? worker_count(settings) : 0) +
                   (serves() ? ingest_options(settings).feeds() : 0),
               kMaxExporters, random_key()),
      resolver_thread(writer, channel, flush_interval(settings),
                      stores.parcels ? TimeSource::parcels : TimeSource::clock, fatal()),
      parcels(stores.parcels ? std::make_unique<ParcelReading>(std::move(stores.parcels), channel,
                                                               stores.term.input_position, fatal())
                             : nullptr),
      classifying(
          classifier, resolver.graph(),
          [this](const Fact& fact) { return resolver.add(std::span{&fact, 1}) == 1; },
          milliseconds(settings.classification_poll_ms), fatal()),
      lookups(settings, resolver),
      watching(
          "the search for single points of failure", kWatchInterval,
          [this](Timestamp now) {
            resolver.graph().apply(single_points.look(resolver.graph(), now));
          },
          fatal()),
      geo_watch(
          "the look for new GeoIP files", kGeoInterval, [this](Timestamp) { geo.reload(); },
          fatal()),
      grouping({}, resolver.graph(), std::move(stores.applications), tell_changes(), kGroupInterval,
               fatal()),
      baselines(dir ? dir->path() / "baselines" : std::filesystem::path{}),
      baseline_watching(baseline_watch_options(settings), resolver.graph(), baselines,
                        tell_changes(), kWatchInterval, fatal()),
      dns(make_dns()),
      scans(tasks, [this](const Scan& scan) { tell_found(scan, resolver.graph()); }),
      live(live_options(life, stores.term), resolver.graph().sites(), &geo, fatal()),
      rate_limits(http::rate_limit_options(settings, settings.auth_enabled)),
      users(open_auth_store(settings, data_folder())),
      audit(*users, audit_options(settings)),
      access(access_options(settings, data_folder()), *users, audit),
      service(make_service()) {
  alerting.watch([this](const AlertChanges& changes) {
    if (pushes()) live.publish(changes);
  });
  make_learned();
  resolver.begin(stores.term.epoch, stores.term.last_revision);
  // There is room for all.
  for (const Listener& listener : known.listeners) static_cast<void>(resolver.list(listener));
  if (!serves()) return;
  make_ingest();
  make_server();
  make_requests();
  follow_settings(configuration, {store.get(), ingest.get(), &classifier, server.get(), &geo});
}

std::unique_ptr<StoreThread> Daemon::Parts::make_store_thread() {
  if (!stores.map) return nullptr;
  return std::make_unique<StoreThread>(
      std::move(stores.map), retention_of(settings), fatal(),
      [this](const Revision& r, double s) {
        metrics.observe_store(r, s, stores.postgres != nullptr);
      },
      std::move(stores.spool));
}

/// What captures say goes out as it is: names are of now.
std::unique_ptr<DnsAsking> Daemon::Parts::make_dns() {
  if (!settings.dns_enabled || !serves()) return nullptr;
  DnsAskingOptions o = dns_asking_options(settings);
  o.hash_key = random_key();
  auto asking = std::make_unique<DnsAsking>(
      o, resolver.graph(),
      [this](std::span<const Fact> facts) { static_cast<void>(lookups.door().tell(facts)); },
      fatal());
  lookups.show([&asking = *asking] { return asking.status(); });
  return asking;
}

Service Daemon::Parts::make_service() {
  const auto receiver = [this] {
    ReceiverView view;
    view.is_receiving = is_receiving;
    if (!ingest) return view;
    view.counters = ingest->counters();
    view.granted_buffer_octets = ingest->granted_buffer_octets();
    view.streams = ingest->streams();
    view.watched = ingest->watched();
    return view;
  };
  const auto explain = [this](const IpAddress& exporter) -> std::optional<ExporterExplanation> {
    if (!ingest) return std::nullopt;
    return ingest->explain(exporter, std::chrono::system_clock::now(), kExplainWait);
  };
  Service s{settings,    life,     resolver.graph(), accounts,          writer,         channel,
            store.get(), receiver, explain,          resolver_settings, ParserOptions{}};
  s.tell = [this](const Fact& fact) { return resolver.add(std::span{&fact, 1}) == 1; };
  s.lookups = &lookups;
  s.classifier = &classifier;
  s.alerting = &alerting;
  s.geo = &geo;
  s.traffic = stores.traffic.get();
  s.gateways = &resolver.gateways();
  s.grouping = &grouping;
  s.dns = dns.get();
  s.baselines = &baselines;
  s.channels = &channels;
  s.default_channels = default_channels(settings, channels);
  s.map = &resolver.graph();
  s.scans = &scans;
  s.tasks = &tasks;
  s.live = &live;
  s.rate_limits = &rate_limits;
  s.access = &access;
  s.users = users.get();
  s.audit = &audit;
  s.flow_archive = stores.flow_archive.get();
  s.flow_keeper = flow_keeper.get();
  s.announcing = announcing.get();
  s.flow_sender = flow_sender.get();
  s.configuration = &configuration;
  s.postgres = stores.postgres.get();
  s.parcels = parcels.get();
  return s;
}

void Daemon::Parts::make_ingest() {
  if (!roles.has(Role::ingest)) return;
  IngestOptions o = ingest_options(settings);
  o.first_account = has_input() ? worker_count(settings) : 0;
  if (o.feeds() == 0) {
    log::warning("ingest", "all ports are 0 and no folder is watched: nothing will be received");
    return;
  }
  ingest = std::make_unique<Ingest>(o, channel, accounts, fatal());
  if (dir) load_decoder_states(*ingest, dir->decoder_state());
}

void Daemon::Parts::make_server() {
  http::Server::Handle handle = [this](http::Request r) { return answer(std::move(r)); };
  http::ServerOptions o = metrics_server_options(settings);
  if (roles.has(Role::api)) {
    o = server_options(settings, live);
    http::add_routes(router, service);
    front = std::make_unique<http::Front>(cors_of(settings), o.trusted_proxies, std::move(handle));
    handle = [this](http::Request r) { return front->handle(std::move(r)); };
  } else {
    http::add_health_routes(router, service);
  }
  http::add_metrics_routes(router, service, metrics, [this] { return server->counters(); });
  router.set_view([this] { return http::shown_dependencies(*service.current_settings()); });
  router.set_guard(http::limited(make_guard(access), rate_limits));
  router.set_witness(make_witness(audit, access));
  server = std::make_unique<http::Server>(
      o, std::move(handle),
      [this](const std::string& method, const http::Response& r, double seconds) {
        metrics.observe_request(method, r, seconds);
      });
}

/// What other processes let pass, and cannot answer.
void Daemon::Parts::make_requests() {
  if (!stores.requests) return;
  if (!roles.has(Role::api)) http::add_resolver_routes(unserved, service);
  requests = std::make_unique<RequestAnswering>(
      std::move(stores.requests), std::move(stores.answers),
      roles.has(Role::api) ? router : unserved, resolver.graph(), writer,
      [this] { resolver_thread.flush_soon(); }, fatal());
  service.requests = requests.get();
}

/// What people say of the map is in a revision at once, and does not wait for the next flush.
http::Response Daemon::Parts::answer(http::Request request) {
  const bool may_write = request.method != "GET" && request.method != "HEAD";
  const std::uint64_t said = resolver.graph().counters().said;
  http::Response response = router.handle(std::move(request));
  if (may_write && resolver.graph().counters().said != said) resolver_thread.flush_soon();
  return response;
}

/// The first administrator is made before anybody can knock.
void Daemon::Parts::open_doors() {
  if (settings.auth_enabled && roles.has(Role::api)) {
    if (const auto admin = make_first_admin(*users, access)) show_first_admin(*admin);
  }
  audit.start();
  server->start();
}

void Daemon::Parts::save_states() {
  if (dir && ingest) save_decoder_states(*ingest, dir->decoder_state());
}

/// What is usual, and which routers lead where: without their files the map's hours tell the rhythms, and
/// all else is learned anew.
void Daemon::Parts::make_learned() {
  if (!dir) return;
  if (settings.changes_enabled) {
    changes_learned.emplace(
        "changes", dir->change_state(),
        [this](std::span<const std::byte> state) { return resolver.load_changes(state); },
        [this] { return writer.save_changes(); });
    changes_learned->load();
  }
  routes_learned.emplace(
      "gateways", dir->gateway_state(),
      [this](std::span<const std::byte> state) { return resolver.load_gateways(state); },
      [this] { return resolver.gateways().save(); });
  routes_learned->load();
}

void Daemon::Parts::save_learned() const {
  if (changes_learned) changes_learned->save();
  if (routes_learned) routes_learned->save();
}

void Daemon::Parts::take_revision(const Revision& revision) {
  const auto is_of_gateway = [](const ChangeEvent& e) {
    return e.type == ChangeType::gateway_changed;
  };
  const auto& events = revision.events;
  if (std::any_of(events.begin(), events.end(), is_of_gateway)) has_gateway_changed = true;
  alerting.submit(events);
  if (dns) dns->follow(revision);
  if (pushes()) live.publish(revision);
}

void Daemon::Parts::announce() const {
  if (ingest) {
    announce_receiving(settings, *ingest);
  }
  if (server && !roles.has(Role::api)) {
    announce_health(settings, server->port());
  } else if (server) {
    announce_api(settings, server->port());
  }
  log::info("daemon", dir ? "keeping the map" : "the map lives in memory only",
            {{"data_dir", dir ? dir->path().string() : ""},
             {"roles", settings.roles},
             {"version", kVersion}});
}

bool Daemon::Parts::read_input() {
  CaptureOptions o;
  o.files = options.inputs;
  o.workers = worker_count(settings);
  o.reader.content = options.input_kind;
  for (const auto port : {settings.netflow_port, settings.ipfix_port, settings.sflow_port}) {
    o.reader.exporter_ports.push_back(static_cast<std::uint16_t>(port));
  }
  lookups.ask_all();
  const auto begin = steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(steady_clock::now() - begin).count();
  };
  const CaptureReport report =
      read_captures(o, writer, accounts, stop.flag(), [&](const CaptureReport& r) {
        print_progress(r, elapsed());
        stop.wait(milliseconds{0});
      });
  // What the captures showed is judged as of their end, and is part of the map that goes out.
  const Timestamp end = writer.view().flushed;
  if (classifying.look(end) > 0) writer.flush(end, kStoreGrace);
  if (dir || serves()) alerting.look(end);
  // Where the map goes to standard output, the words for people do not.
  print_summary(options.export_path == "-" ? std::cerr : std::cout, report, service, elapsed());
  const bool is_whole = std::all_of(report.files.begin(), report.files.end(),
                                    [](const InputFile& f) { return f.problem.empty(); });
  return write_export() && is_whole;
}

bool Daemon::Parts::write_export() const {
  if (options.export_path.empty()) return true;
  if (options.export_path == "-") {
    write_graph(resolver.graph(), options.export_format, std::cout);
    std::cout.flush();
    return std::cout.good();
  }
  std::ofstream out(options.export_path, std::ios::binary | std::ios::trunc);
  if (out) write_graph(resolver.graph(), options.export_format, out);
  out.close();
  if (!out) {
    throw IoError(options.export_path +
                  ": the map cannot be written there: " + std::strerror(errno));
  }
  return true;
}

void Daemon::Parts::serve() {
  life.enter(Life::Stage::serving);
  resolver_thread.start();
  if (parcels) parcels->start();
  if (ingest) {
    ingest->start();
    is_receiving = true;
  }
  if (flow_keeper) flow_keeper->start();
  if (flow_sender) flow_sender->start();
  classifying.start();
  lookups.start();
  if (!geo.empty()) geo_watch.start();
  if (dns) dns->start();
  if (settings.changes_enabled) {
    watching.start();
    baseline_watching.start();
  }
  grouping.start();
  alerting.start();
  if (announcing) announcing->start();
  if (requests) requests->start();
  manager.ready(status_text());
  auto next_save = steady_clock::now() + kSaveStateEvery;
  auto next_save_of_learned = steady_clock::now() + kSaveLearnedEvery;
  while (!stop.wait(round_time(manager))) {
    if (stop.take_reload()) reload();
    tell_manager();
    // What was told is saved at once, lest a crash has it told again.
    if (has_gateway_changed.exchange(false) && routes_learned) routes_learned->save();
    if (steady_clock::now() >= next_save_of_learned) {
      save_learned();
      next_save_of_learned = steady_clock::now() + kSaveLearnedEvery;
    }
    if (steady_clock::now() < next_save) continue;
    save_states();
    manager.status(status_text());
    next_save = steady_clock::now() + kSaveStateEvery;
  }
}

/// Settings, rules: all that can change while the daemon runs; what is wrong changes nothing.
void Daemon::Parts::reload() {
  manager.reloading();
  reload_settings(configuration);
  manager.ready(status_text());
}

/// The watchdog is fed only while those who do the work still move.
void Daemon::Parts::tell_manager() {
  const auto limit = manager.watchdog();
  if (limit == limit.zero()) return;
  server->ask_sign();
  if (resolver_thread.silent_for() > limit || server->silent_for() > limit) {
    log::error("daemon", "a part does not move any more: the watchdog is not fed",
               {{"part", resolver_thread.silent_for() > limit ? "resolver" : "api"}});
    return;
  }
  manager.alive();
}

std::string Daemon::Parts::status_text() const {
  const MapView map = writer.view();
  return "serving: " + std::to_string(map.graph.assets) + " assets, " +
         std::to_string(map.graph.dependencies) + " dependencies, revision " +
         std::to_string(map.revision);
}

/// \return false if something could not be kept.
bool Daemon::Parts::shut_down() {
  const ExitDeadline deadline{kShutDownLimit};
  const std::string failure = stop.failure();
  life.enter(failure.empty() ? Life::Stage::stopping : Life::Stage::failed);
  manager.stopping(failure.empty() ? "stopping" : failure);
  is_receiving = false;
  if (requests) requests->stop();
  // After a failure nobody may take from the channel any more: let no worker wait for room.
  if (!failure.empty()) channel.close();
  if (ingest) ingest->stop();
  if (parcels) parcels->stop();
  classifying.stop();
  lookups.stop();
  watching.stop();
  geo_watch.stop();
  if (dns) dns->stop();
  baseline_watching.stop();
  grouping.stop();
  tasks.stop();
  channel.close();
  resolver_thread.finish();
  if (announcing) announcing->stop();
  if (flow_keeper) flow_keeper->finish(kFlowGrace);
  if (flow_sender) flow_sender->finish(kFlowGrace);
  alerting.stop();
  channels.stop();
  save_states();
  save_learned();
  const bool is_written = !store || store->finish(kStoreGrace);
  if (!is_written) {
    log::error("store", "the last revision could not be written",
               {{"reason", store->view().problem}});
  } else if (store && store->view().waiting > 0) {
    log::warning("store", "revisions wait on disk; the next start writes them",
                 {{"revisions", store->view().waiting}, {"reason", store->view().problem}});
  }
  live.stop();
  if (server) server->stop();
  audit.stop();
  if (!failure.empty()) log::error("daemon", failure);
  if (lease && is_written && failure.empty()) lease->release();
  return is_written && failure.empty();
}

Daemon::Daemon(const Loaded& loaded, Configuration::Read read)
    : parts_(std::make_unique<Parts>(loaded, std::move(read))) {}
Daemon::~Daemon() = default;

int Daemon::run() {
  Parts& p = *parts_;
  if (p.serves()) p.announce();
  if (p.store) p.store->start();
  p.live.start();
  if (p.server) p.open_doors();
  bool is_good = true;
  if (p.has_input()) {
    p.life.enter(Life::Stage::reading_captures);
    is_good = p.read_input();
  }
  if (p.serves()) p.serve();
  is_good = p.shut_down() && is_good;
  if (p.serves()) log::info("daemon", is_good ? "stopped" : "stopped after a failure");
  log::flush();
  return is_good ? 0 : 1;
}

}  // namespace flowlensd
