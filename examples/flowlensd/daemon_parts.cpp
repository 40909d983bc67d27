#include "daemon_parts.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "daemon_options.hpp"
#include "discovery/found.hpp"
#include "http/api.hpp"
#include "http/view.hpp"
#include "live_settings.hpp"
#include "log.hpp"
#include "running.hpp"
#include "standby.hpp"

namespace flowlensd {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxExporters = 65'536;
constexpr std::chrono::hours kWatchInterval{1};  // the map's hours tell what is new
constexpr std::chrono::seconds kGroupInterval{15};
constexpr std::chrono::seconds kGeoInterval{5};  // between looks for new files
constexpr milliseconds kExplainWait{2'000};

}  // namespace

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
          [this](const Fact& fact) {
            return resolver.add(std::span{&fact, 1}) == 1;
          },
          milliseconds(settings.classification_poll_ms), fatal()),
      lookups(settings, resolver,
              [this] {
                std::vector<IpAddress> heard;
                for (const ExporterAccount& row : accounts.exporters())
                  heard.push_back(row.address);
                return heard;
              }),
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

}  // namespace flowlensd
