#include "daemon.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <utility>

#include "announce.hpp"
#include "daemon_options.hpp"
#include "daemon_parts.hpp"
#include "exit_deadline.hpp"
#include "flowlens/graph_export.hpp"
#include "flowlens/store.hpp"
#include "live_settings.hpp"
#include "log.hpp"
#include "pipeline/capture_input.hpp"
#include "report/summary.hpp"
#include "running.hpp"

namespace flowlensd {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// After a crash, data of a template learned later than this waits until it is announced again.
constexpr std::chrono::seconds kSaveStateEvery{5};
constexpr std::chrono::minutes kSaveLearnedEvery{15};  // some 100 MB at its bounds
constexpr milliseconds kStoreGrace{20'000};
constexpr milliseconds kFlowGrace{5'000};
constexpr milliseconds kShutDownLimit{60'000};  // systemd kills after 90 s

}  // namespace

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
