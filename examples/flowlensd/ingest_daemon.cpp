#include "ingest_daemon.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "config/roles.hpp"
#include "daemon_options.hpp"
#include "exit_deadline.hpp"
#include "flowlens/parcel_store.hpp"
#include "http/ingest_routes.hpp"
#include "http/server.hpp"
#include "live_settings.hpp"
#include "log.hpp"
#include "pipeline/data_dir.hpp"
#include "pipeline/ingest.hpp"
#include "pipeline/parcel_sending.hpp"
#include "pipeline/stores.hpp"
#include "running.hpp"
#include "stop_signal.hpp"

namespace flowlensd {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMaxExporters = 65'536;
constexpr std::chrono::seconds kSaveStateEvery{5};
constexpr milliseconds kSendGrace{20'000};
constexpr milliseconds kShutDownLimit{60'000};  // systemd kills after 90 s

Id random_id() {
  std::random_device device;
  Id id;
  for (std::uint8_t& octet : id.octets) octet = static_cast<std::uint8_t>(device());
  return id;
}

std::unique_ptr<ParcelWriter> open_writer(const Settings& settings) {
  PostgresStoreOptions options;
  options.connection = postgres_connection(settings);
  try {
    return make_postgres_parcel_writer(options, random_id(), settings.channel_max_octets);
  } catch (const ConfigError& e) {
    throw ConfigError(std::string{"database.url (DATABASE_URL): "} + e.what());
  }
}

}  // namespace

struct IngestDaemon::Parts {
  const Settings settings;  ///< as of the start
  Configuration configuration;
  StopSignal stop;
  ServiceManager manager;
  Life life;
  DataDir dir;
  FlowChannel channel;
  Accounts accounts;
  std::unique_ptr<Ingest> ingest;
  std::atomic<bool> is_receiving{false};
  ParcelSending sending;
  http::IngestService service;
  http::Router router;
  std::unique_ptr<http::Server> server;

  Parts(const Loaded& loaded, Configuration::Read read);

  http::IngestService make_service();
  void make_server();
  void serve();
  void reload();
  void tell_manager();
  [[nodiscard]] std::string status_text() const;
  bool shut_down();
};

IngestDaemon::Parts::Parts(const Loaded& loaded, Configuration::Read read)
    : settings(loaded.settings),
      configuration(loaded, std::move(read)),
      dir(settings.data_dir),
      channel(settings.queue_max_size),
      accounts(ingest_options(settings).feeds(), kMaxExporters, random_key()),
      sending(channel, open_writer(settings)),
      service(make_service()) {
  const IngestOptions o = ingest_options(settings);
  if (o.feeds() == 0) {
    throw ConfigError(
        "all ports are 0, so this process with the role ingest would do nothing; give "
        "INGESTION_NETFLOW_PORT, INGESTION_IPFIX_PORT, INGESTION_SFLOW_PORT, "
        "INGESTION_IPFIX_TCP_PORT or INGESTION_IPFIX_TLS_PORT, or a folder to watch");
  }
  ingest = std::make_unique<Ingest>(o, channel, accounts,
                                    [this](const std::string& why) { stop.fail(why); });
  load_decoder_states(*ingest, dir.decoder_state());
  make_server();
  follow_settings(configuration, {nullptr, ingest.get(), nullptr, server.get(), nullptr});
}

http::IngestService IngestDaemon::Parts::make_service() {
  return {life,
          accounts,
          channel,
          sending,
          [this] {
            ReceiverView view;
            view.is_receiving = is_receiving;
            view.counters = ingest->counters();
            view.granted_buffer_octets = ingest->granted_buffer_octets();
            view.streams = ingest->streams();
            view.watched = ingest->watched();
            return view;
          },
          [this] {
            const auto loaded = configuration.current();
            return std::shared_ptr<const Settings>(loaded, &loaded->settings);
          },
          [this] { return server->counters(); }};
}

void IngestDaemon::Parts::make_server() {
  http::add_ingest_routes(router, service, settings.api_metrics_open);
  server = std::make_unique<http::Server>(
      metrics_server_options(settings),
      [this](http::Request r) { return router.handle(std::move(r)); },
      [](const std::string&, const http::Response&, double) {});
}

void IngestDaemon::Parts::serve() {
  life.enter(Life::Stage::serving);
  sending.start();
  ingest->start();
  is_receiving = true;
  manager.ready(status_text());
  auto next_save = steady_clock::now() + kSaveStateEvery;
  while (!stop.wait(round_time(manager))) {
    if (stop.take_reload()) reload();
    tell_manager();
    if (steady_clock::now() < next_save) continue;
    save_decoder_states(*ingest, dir.decoder_state());
    manager.status(status_text());
    next_save = steady_clock::now() + kSaveStateEvery;
  }
}

void IngestDaemon::Parts::reload() {
  manager.reloading();
  reload_settings(configuration);
  manager.ready(status_text());
}

/// A database that does not answer is no reason to be restarted: the queue holds what comes.
void IngestDaemon::Parts::tell_manager() {
  const auto limit = manager.watchdog();
  if (limit == limit.zero()) return;
  server->ask_sign();
  if (server->silent_for() > limit) {
    log::error("daemon", "a part does not move any more: the watchdog is not fed",
               {{"part", "api"}});
    return;
  }
  manager.alive();
}

std::string IngestDaemon::Parts::status_text() const {
  const ParcelSendingView view = sending.view();
  std::string text = "receiving: " + std::to_string(view.flows) + " flows handed over, " +
                     std::to_string(channel.depth() + view.in_hand) + " wait";
  if (!view.problem.empty()) text += "; the database does not take them";
  return text;
}

/// \return false if flows were lost.
bool IngestDaemon::Parts::shut_down() {
  const ExitDeadline deadline{kShutDownLimit};
  const std::string failure = stop.failure();
  life.enter(failure.empty() ? Life::Stage::stopping : Life::Stage::failed);
  manager.stopping(failure.empty() ? "stopping" : failure);
  is_receiving = false;
  channel.close();  // so that no worker waits for room that a database that is away does not make
  ingest->stop();
  const std::uint64_t lost = sending.finish(kSendGrace);
  if (lost > 0) {
    log::error("channel", "the database did not take the last flows; they are lost",
               {{"flows", lost}, {"reason", sending.view().problem}});
  }
  save_decoder_states(*ingest, dir.decoder_state());
  server->stop();
  if (!failure.empty()) log::error("daemon", failure);
  return lost == 0 && failure.empty();
}

IngestDaemon::IngestDaemon(const Loaded& loaded, Configuration::Read read)
    : parts_(std::make_unique<Parts>(loaded, std::move(read))) {}
IngestDaemon::~IngestDaemon() = default;

int IngestDaemon::run() {
  Parts& p = *parts_;
  announce_receiving(p.settings, *p.ingest);
  announce_health(p.settings, p.server->port());
  log::info(
      "daemon", "handing flows on by PostgreSQL",
      {{"data_dir", p.dir.path().string()}, {"roles", p.settings.roles}, {"version", kVersion}});
  p.server->start();
  p.serve();
  const bool is_good = p.shut_down();
  log::info("daemon", is_good ? "stopped" : "stopped after a failure");
  log::flush();
  return is_good ? 0 : 1;
}

}  // namespace flowlensd
