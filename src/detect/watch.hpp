/// \file
/// detect: what the ChangeDetector keeps, and the steps of one look.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "detect/rhythm.hpp"
#include "flowlens/change_detector.hpp"

namespace flowlens::detect {

inline constexpr std::uint32_t kNone = 0xffff'ffffu;

/// Octets of the window at hand.
struct Load {
  std::uint64_t octets = 0;
  Tick tick = 0;
  std::uint32_t baseline = kNone;
};

struct AssetWatch {
  Rhythm rhythm;
  Load load;
  Endpoint endpoint;               ///< the first it holds
  std::uint32_t dependencies = 0;  ///< watched, that name it; 0: may go
  std::uint32_t services = 0;      ///< that it gives
  std::uint32_t externals = 0;     ///< dependencies between it and the outside
  bool alive = false;
  bool is_internal = false;
  bool is_away = false;
};

struct ServiceKey {
  std::uint32_t server = kNone;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  friend bool operator==(const ServiceKey&, const ServiceKey&) noexcept = default;
};

struct ServiceWatch {
  Rhythm rhythm;
  std::array<Tick, 3> new_clients{};  ///< when the last came, the oldest first
  std::uint32_t clients = 0;          ///< dependencies watched; 0: may go
  bool alive = false;
  bool is_vanished = false;
  bool has_answered = false;
};

struct DependencyWatch {
  Rhythm rhythm;
  Load load;
  std::uint32_t client = kNone;
  std::uint32_t server = kNone;
  std::uint32_t service = kNone;
  Direction direction = Direction::client_server;
  bool alive = false;
  bool is_silent = false;
};

struct Baseline {
  HourOfWeek usual;
  std::uint32_t owner = kNone;
  bool is_asset = false;
  bool alive = false;
  std::uint8_t over = 0;         ///< windows in a row far above
  std::uint8_t under = 0;        ///< and far below
  std::uint8_t calm = 0;         ///< windows since the last of either
  bool is_told = false;          ///< of the run at hand
  bool is_unsettled = false;     ///< it was, and has not been said to be over
  std::int32_t last_excess = 0;  ///< of the window before, in steps of HourOfWeek
  Tick begun = 0;
  Tick used = 0;
  Tick run_began = 0;
  float above = 16.0f;  ///< how far above usual windows are on average, in steps of HourOfWeek
  float below = 16.0f;
  std::uint32_t hour = 0;
  std::uint32_t count = 0;  ///< windows in `hour`
  std::uint64_t sum = 0;    ///< their octets
};

/// A run of windows far from usual.
struct Run {
  std::uint32_t baseline = kNone;
  bool is_over = true;
  std::uint64_t octets = 0;
  std::uint64_t usual = 0;
};

struct IdHash {
  std::uint64_t operator()(const Id& id, std::uint64_t seed) const noexcept {
    return base::hash_of(id, seed);
  }
};
struct ServiceHash {
  std::uint64_t operator()(const ServiceKey& k, std::uint64_t seed) const noexcept {
    return base::mix(k.server ^ seed, std::uint64_t{k.port} << 8 | k.protocol);
  }
};

using AssetTable = base::BoundedTable<Id, AssetWatch, IdHash>;
using ServiceTable = base::BoundedTable<ServiceKey, ServiceWatch, ServiceHash>;
using DependencyTable = base::BoundedTable<Id, DependencyWatch, IdHash>;

/// That somebody called in vain: what has always been in vain is no scan.
struct AttemptMemory {
  Tick last = 0;
  bool alive = false;
};
struct AttemptHash {
  std::uint64_t operator()(std::uint64_t key, std::uint64_t seed) const noexcept {
    return base::hash_of(key, seed);
  }
};
using AttemptTable = base::BoundedTable<std::uint64_t, AttemptMemory, AttemptHash>;

/// What a client calls much of: one port of many addresses, or many ports of one address.
struct ScanTarget {
  bool is_sweep = false;
  std::uint16_t port = 0;  ///< of a sweep; so is the protocol
  std::uint8_t protocol = 0;
  Endpoint server;  ///< of all others
  friend auto operator<=>(const ScanTarget&, const ScanTarget&) noexcept = default;
};
struct ScanGroup {
  std::vector<DependencyKey> keys;
  std::vector<std::size_t> appearances;  ///< of those that answered
};
/// What one client called in one window and never before.
struct ScanClient {
  Endpoint endpoint;
  std::map<ScanTarget, ScanGroup> groups;
};
using LargeGroup = const std::pair<const ScanTarget, ScanGroup>*;

/// A client that scans: one event, however long it takes, up to a day.
struct Scan {
  Tick begun = 0;
  Tick last = 0;
  Id event;
};

/// A dependency seen for the first time.
struct Appearance {
  std::uint32_t dependency = kNone;
  DependencyKey key;
  Timestamp first_seen;
  bool is_new_client = false;
  bool is_new_server = false;
  bool is_new_service = false;
  bool is_new_outside = false;      ///< the first between this client or server and the outside
  bool is_settled_service = false;  ///< whose clients have long been the same few
};

/// Events of what is new in a window, by position.
struct Discoveries {
  std::map<std::uint32_t, Id> assets, services;
};

struct State {
  explicit State(const ChangeDetectorOptions& o);

  // change_detector.cpp
  void look(const DependencyGraph& graph, std::span<const ConnectionSummary> rows,
            std::span<const Id> ids, std::span<const Attempt> attempts);
  void look_at_rows(Timestamp window, std::span<const ConnectionSummary> rows,
                    std::span<const Id> ids);
  void move_on(std::uint32_t index) noexcept;
  /// A row of a dependency not watched yet, and of one that is.
  void meet(const ConnectionSummary& row, const Id& id);
  void see(const ConnectionSummary& row, std::uint32_t position);
  void add_load(Load& load, std::uint32_t owner, bool is_asset, std::uint64_t octets);
  [[nodiscard]] bool is_learning() const noexcept { return now() - begun < learning; }
  [[nodiscard]] Tick now() const noexcept { return current - blind; }
  [[nodiscard]] Timestamp time_of(Tick tick) const noexcept;
  [[nodiscard]] std::uint32_t index_of(Timestamp t) const noexcept;
  [[nodiscard]] Tick tick_of(Timestamp t) const noexcept;

  // watching.cpp: what is watched
  std::uint32_t watch(const DependencyRow& row, Tick first, Tick last, Appearance* found);
  std::uint32_t watch_asset(const Id& id, Tick first, Tick last, bool* is_new);
  std::uint32_t count_in(const DependencyWatch& d) noexcept;
  void forget(std::uint32_t dependency);
  void begin(const DependencyGraph& with);
  void take_hours(Rhythm& rhythm, const HourBitmap& hours) const;

  // telling.cpp: events
  /// Positions in the order of their ids, each once: the order of arrival does not show.
  void put_in_order(std::vector<std::uint32_t>& assets_or_dependencies, bool is_assets) const;
  void put_services_in_order(std::vector<std::uint32_t>& positions) const;
  ChangeEvent about_asset(ChangeType type, std::uint32_t asset, Tick since) const;
  ChangeEvent about_service(ChangeType type, std::uint32_t service, Tick since) const;
  ChangeEvent about_dependency(ChangeType type, std::uint32_t dependency, Tick since) const;
  /// \return its id.
  Id tell(ChangeEvent event);
  [[nodiscard]] std::string name_of(std::uint32_t asset) const;
  [[nodiscard]] Id id_of(std::uint32_t asset) const;
  [[nodiscard]] std::string service_text(const ServiceKey& key) const;
  [[nodiscard]] std::string span_text(std::uint32_t ticks) const;
  void keep_gravest();

  // appearance.cpp
  void tell_returns();
  void tell_appearances();
  void tell_appearance(const Appearance& a, const Id& cause, Discoveries& found);
  void tell_new_asset(std::uint32_t asset, const char* does, std::uint32_t service, const Id& cause,
                      Discoveries& found);
  void tell_new_service(const DependencyWatch& d, const Id& cause, Discoveries& found);
  [[nodiscard]] ChangeEvent about_new_dependency(const Appearance& a) const;
  [[nodiscard]] std::string why_rare(const Appearance& a) const;

  // scans.cpp
  void take_attempts(Timestamp window, std::span<const Attempt> attempts);
  [[nodiscard]] bool has_called_before(const DependencyKey& key) const;
  void remember_attempt(std::uint64_t attempt);
  /// \param causes  set to the scan that each appearance is part of, or none.
  void tell_scans(std::vector<Id>& causes);
  [[nodiscard]] Id client_of(const Endpoint& endpoint) const;
  Id scan_of(const Id& client, const ScanClient& seen, std::span<const LargeGroup> large);
  [[nodiscard]] ChangeEvent about_scan(const Id& client, const ScanClient& seen,
                                       std::span<const LargeGroup> large) const;
  [[nodiscard]] std::string label_of(const Endpoint& endpoint) const;

  // silence.cpp
  void look_for_silence();
  void look_for_lost_assets();
  void look_for_lost_services();
  void look_for_silent_dependencies();
  void tell_silent(std::uint32_t dependency);
  void tell_removed(std::uint32_t dependency);
  void tell_lost_services(const std::vector<std::uint32_t>& lost,
                          const std::vector<std::uint32_t>& lost_assets, const Id& root);
  [[nodiscard]] ChangeEvent about_lost_asset(std::uint32_t asset, bool serves,
                                             std::size_t left) const;
  [[nodiscard]] ChangeEvent about_lost_service(std::uint32_t service, std::size_t clients,
                                               std::uint32_t other) const;
  [[nodiscard]] std::uint32_t pause_of(const Rhythm& r) const noexcept {
    return now() > r.last + 1 ? now() - r.last - 1 : 0;
  }
  [[nodiscard]] bool is_overdue(const Rhythm& r) const noexcept {
    return r.is_known(learning) && pause_of(r) > r.allowed(options.quiet_windows, day);
  }
  [[nodiscard]] Id cause_of(const DependencyWatch& d) const;

  // traffic.cpp
  void judge_traffic();
  std::optional<Run> judge(std::uint32_t baseline, std::uint64_t octets, std::uint32_t hour);
  static void begin_hour(Baseline& b, std::uint32_t hour) noexcept;
  static bool is_over_with(Baseline& b) noexcept;
  void tell_runs(const std::vector<Run>& runs);
  void tell_usual(const Baseline& b);
  [[nodiscard]] bool is_explained(const Run& run, const std::vector<Run>& runs) const;
  [[nodiscard]] ChangeEvent about_traffic(ChangeType type, const Baseline& b, const Run& run) const;
  std::uint32_t make_baseline(std::uint32_t owner, bool is_asset);
  void drop_baseline(std::uint32_t position) noexcept;
  Load& load_of(const Baseline& b) noexcept;

  ChangeDetectorOptions options;
  std::uint32_t learning;  ///< ticks, as are day and forget_after
  std::uint32_t day;
  std::uint32_t forget_after;

  AssetTable assets;
  ServiceTable services;
  DependencyTable dependencies;
  std::vector<Baseline> baselines;
  std::vector<std::uint32_t> free_baselines;
  std::size_t baseline_hand = 0;
  AttemptTable attempts;
  std::uint32_t attempt_hand = 0;
  Tick attempts_since = kNone;  ///< when the first was looked at; kNone: none yet
  std::map<Id, Scan> scans;     ///< by client
  // Events that began and have not ended, by position.
  std::unordered_map<std::uint32_t, Id> away_events;
  std::unordered_map<std::uint32_t, Id> vanished_events;

  bool has_begun = false;
  std::uint32_t current = 0;  ///< windows since 1970, of the newest row
  std::uint32_t blind = 0;    ///< windows that nobody saw
  Tick begun = 0;
  Tick swept = 0;

  // Of the look at hand.
  const DependencyGraph* graph = nullptr;
  std::vector<Appearance> appearances;
  std::vector<DependencyKey> vain;  ///< attempts never made before
  std::vector<std::uint32_t> back_assets, back_services, back_dependencies;
  struct Touched {
    std::uint32_t owner;
    bool is_asset;
  };
  std::vector<Touched> touched;
  std::map<Id, std::size_t> parts;
  std::vector<ChangeEvent> events;

  ChangeDetectorCounters counters;
};

}  // namespace flowlens::detect

namespace flowlens {

struct ChangeDetector::Impl : detect::State {
  using State::State;
};

}  // namespace flowlens
