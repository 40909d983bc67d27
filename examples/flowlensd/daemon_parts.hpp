/// \file
/// What a Daemon is made of, in the order in which it is made; daemon_parts.cpp makes it, daemon.cpp runs it.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "auth/guard.hpp"
#include "auth/setup.hpp"
#include "config/configuration.hpp"
#include "config/known_network.hpp"
#include "config/roles.hpp"
#include "daemon.hpp"
#include "discovery/scans.hpp"
#include "flowlens/classifier.hpp"
#include "flowlens/resolver.hpp"
#include "flowlens/single_point_watch.hpp"
#include "http/front.hpp"
#include "http/live.hpp"
#include "http/metrics.hpp"
#include "http/rate_limits.hpp"
#include "http/request_answering.hpp"
#include "http/server.hpp"
#include "lookups/dns_asking.hpp"
#include "lookups/lookups.hpp"
#include "notify/channels.hpp"
#include "pipeline/accounts.hpp"
#include "pipeline/alerting.hpp"
#include "pipeline/announcing.hpp"
#include "pipeline/baseline_watching.hpp"
#include "pipeline/classifying.hpp"
#include "pipeline/data_dir.hpp"
#include "pipeline/flow_keeper.hpp"
#include "pipeline/flow_sender.hpp"
#include "pipeline/grouping.hpp"
#include "pipeline/ingest.hpp"
#include "pipeline/learned_state.hpp"
#include "pipeline/lease_keeper.hpp"
#include "pipeline/parcel_reading.hpp"
#include "pipeline/periodic.hpp"
#include "pipeline/resolver_thread.hpp"
#include "pipeline/stores.hpp"
#include "service.hpp"
#include "service_manager.hpp"
#include "stop_signal.hpp"

namespace flowlensd {

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

}  // namespace flowlensd
