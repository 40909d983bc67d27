/// \file
/// What the API asks the running service; one place where its parts meet.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "flowlens/postgres_store.hpp"
#include "flowlens/udp_receiver.hpp"
#include "library.hpp"
#include "pipeline/accounts.hpp"
#include "pipeline/flow_channel.hpp"
#include "pipeline/geo.hpp"
#include "pipeline/ingest_view.hpp"
#include "pipeline/map_writer.hpp"
#include "pipeline/store_thread.hpp"
#include "pipeline/traffic_archive.hpp"

namespace flowlensd {

/// Where the daemon is in its life. Thread-safe.
class Life {
 public:
  enum class Stage { starting, reading_captures, serving, stopping, failed };

  void enter(Stage stage) noexcept { stage_ = stage; }
  [[nodiscard]] Stage stage() const noexcept { return stage_; }
  [[nodiscard]] double uptime_seconds() const noexcept {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  }
  [[nodiscard]] Timestamp begun() const noexcept { return begun_at_; }

 private:
  std::atomic<Stage> stage_{Stage::starting};
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  const Timestamp begun_at_ = std::chrono::system_clock::now();
};

/// The socket side, as far as it is known.
struct ReceiverView {
  bool is_receiving = false;
  UdpReceiverCounters counters;
  std::size_t granted_buffer_octets = 0;
  std::optional<StreamsView> streams;  ///< nothing: no port for TCP or TLS
  std::vector<WatchedDirectory> watched;
};

namespace http {
class LiveUpdates;
class RateLimits;
}  // namespace http
class Access;
class Alerting;
class Announcing;
class AuditLog;
class AuthStore;
class BaselineShelf;
class Channels;
class Configuration;
class DnsAsking;
class FlowArchive;
class FlowKeeper;
class FlowSender;
class Follower;
class Forwarding;
class Grouping;
class Lookups;
class ParcelReading;
class RequestAnswering;
class Scans;
class Tasks;

/// References to the parts, valid as long as the daemon. All of it may be used by any thread.
struct Service {
  const Settings& settings;
  const Life& life;
  const DependencyGraph& graph;
  const Accounts& accounts;
  const MapSource& writer;
  const FlowChannel& channel;
  const StoreThread* store;  ///< null: in memory only
  std::function<ReceiverView()> receiver;
  /// Nothing if no decoder answers in time.
  std::function<std::optional<ExporterExplanation>(const IpAddress&)> explain;
  ResolverOptions resolver_options;
  ParserOptions parser_options;
  /// Gives the map a fact. \return false if it changes nothing.
  std::function<bool(const Fact&)> tell{};
  const Classifier* classifier = nullptr;
  Alerting* alerting = nullptr;             ///< thread-safe
  const Geo* geo = nullptr;                 ///< null: nothing is told
  const TrafficArchive* traffic = nullptr;  ///< null: nothing is kept
  const Gateways* gateways = nullptr;
  Grouping* grouping = nullptr;        ///< thread-safe
  const Lookups* lookups = nullptr;    ///< null: this process looks nothing up; thread-safe
  BaselineShelf* baselines = nullptr;  ///< thread-safe
  const Channels* channels = nullptr;
  std::vector<std::string> default_channels{"log"};  ///< of rules that name none
  DependencyGraph* map = nullptr;           ///< for what people put in, take out and write on it
  Scans* scans = nullptr;                   ///< thread-safe
  Tasks* tasks = nullptr;                   ///< thread-safe
  const http::LiveUpdates* live = nullptr;  ///< thread-safe, as is the next
  const http::RateLimits* rate_limits = nullptr;
  Access* access = nullptr;                    ///< thread-safe; null: nobody asks who is there
  AuthStore* users = nullptr;                  ///< thread-safe
  AuditLog* audit = nullptr;                   ///< thread-safe
  const FlowArchive* flow_archive = nullptr;   ///< null: single flows are not kept
  const FlowKeeper* flow_keeper = nullptr;     ///< the same
  const FlowSender* flow_sender = nullptr;     ///< null: flows are not sent on; thread-safe
  Configuration* configuration = nullptr;      ///< thread-safe; null: settings never change
  const PostgresActivity* postgres = nullptr;  ///< null: the store is another
  /// Held by each change that people make: what was looked at stays so until it is changed.
  std::shared_ptr<std::mutex> edits = std::make_shared<std::mutex>();
  const ParcelReading* parcels = nullptr;         ///< thread-safe; null: flows come by memory
  const Follower* follower = nullptr;             ///< null: the map is this process's own
  const Forwarding* forwarding = nullptr;         ///< the same; thread-safe, as is the next
  const Announcing* announcing = nullptr;         ///< null: the same as of `requests`
  const DnsAsking* dns = nullptr;                 ///< thread-safe; null: names are not asked
  const RequestAnswering* requests = nullptr;     ///< null: nobody can follow this process
  std::function<std::string()> resolver_check{};  ///< of a copy: how the process fares that writes

  /// What the daemon goes by now; `settings` is what it started with.
  [[nodiscard]] std::shared_ptr<const Settings> current_settings() const;
};

}  // namespace flowlensd
