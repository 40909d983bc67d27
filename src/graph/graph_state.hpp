/// \file
/// graph: the state behind a DependencyGraph and the steps that change it. The caller holds the lock.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/blocks.hpp"
#include "flowlens/dependency_graph.hpp"
#include "graph/fact_table.hpp"
#include "graph/position_index.hpp"
#include "graph/tables.hpp"

namespace flowlens::graph {

/// How many rows are asked for ahead of their use: enough to cover a miss, few enough to stay cached.
inline constexpr std::size_t kAhead = 16;

struct SnapshotInput;

/// What changed in the structure while a snapshot is being read.
struct StructureLog {
  struct Entry {
    std::uint32_t position = 0;
    bool is_asset = false;
  };
  bool is_on = false;
  std::vector<Entry> positions;
  std::size_t done = 0;
};

/// Ids are spread already.
struct AnnotatedHash {
  std::size_t operator()(const Id& id) const noexcept {
    return static_cast<std::size_t>(base::hash_of(id, 0));
  }
};

struct State {
  State(const DependencyGraphOptions& options, SiteTable site_table);

  // Summaries (graph_summaries.cpp)
  /// Where the ends of a summary lie, and the hash of its dependency.
  struct Whereabouts {
    std::uint32_t client = kNoPosition;
    std::uint32_t server = kNoPosition;
    std::uint64_t dependency_hash = 0;
  };
  /// \return the dependency's position, or kNoPosition if the summary did not fit.
  std::uint32_t apply(const ConnectionSummary& summary, const Whereabouts& where);
  /// Looks up a few summaries, at most kAhead, and asks for the memory that applying them will touch.
  void look_up(std::span<const ConnectionSummary> summaries,
               std::span<Whereabouts> found) const noexcept;
  void refresh_stale_assets();
  [[nodiscard]] bool is_idle(const AssetState& asset) const noexcept;

  // Structure (graph_state.cpp)
  [[nodiscard]] std::uint32_t find_dependency(const DependencyKey& key) const noexcept;
  [[nodiscard]] std::uint32_t find_dependency(const Id& id) const noexcept;
  /// Makes the dependency, and the assets of its ends if need be. \return kNoPosition at a bound.
  std::uint32_t make_dependency(const DependencyKey& key);
  /// Makes the rows of a dependency whose endpoints exist.
  std::uint32_t make_dependency(const DependencyKeyPositions& key, const Id& id);
  std::uint32_t make_asset(const Endpoint& endpoint);
  /// Assets may hold several each, so endpoints can run out first.
  [[nodiscard]] bool has_room_for_endpoints(std::size_t more) const noexcept {
    return endpoints.size() + more <= 2 * options.max_assets;
  }
  void remove_dependency(std::uint32_t dependency);
  void remove_asset(std::uint32_t asset);
  void mark_dependency(std::uint32_t dependency);
  void mark_asset(std::uint32_t asset);
  void mark_stale(std::uint32_t asset);
  [[nodiscard]] std::uint32_t client_asset(std::uint32_t dependency) const noexcept {
    return endpoints[dependencies[dependency].key.client].value.asset;
  }
  [[nodiscard]] std::uint32_t server_asset(std::uint32_t dependency) const noexcept {
    return endpoints[dependencies[dependency].key.server].value.asset;
  }
  void add_to_asset(std::uint32_t asset, std::uint32_t dependency);
  void take_from_asset(std::uint32_t asset, std::uint32_t dependency);

  // What is said (graph_facts.cpp)
  /// Keeps a fact; settle() follows. \return as DependencyGraph::apply(const Fact&).
  bool take_fact(const Fact& fact);
  bool take_type(const Fact& fact);
  /// What people, or a classifier, said of the asset through others of its endpoints is said anew.
  /// \return whether anything was.
  bool supersede(const Fact& fact);
  /// People's name and type of an endpoint's asset go.
  void forget_words(const Endpoint& endpoint);
  /// An endpoint has left an asset: what people said of that through it stays there, or goes along if
  /// nothing is left.
  void sort_out_words(const Endpoint& endpoint, std::uint32_t from, std::uint32_t to);
  /// The holder's name and type will be looked at again. \param at  when something became otherwise
  void unsettle(std::uint32_t asset, Timestamp at);
  /// Gives assets the names and types that count now.
  void settle();
  [[nodiscard]] bool keeps_name(std::uint32_t asset, const Fact* best) const noexcept;
  void settle_name(std::uint32_t asset, Timestamp at);
  /// Endpoints that were not there before: what has been said of them counts now.
  void welcome();
  void expire_facts(Timestamp now);
  /// Of all that the asset holds; null: nobody says anything. Valid until the next change.
  [[nodiscard]] const Fact* best_of(std::uint32_t asset, std::string_view attribute) const noexcept;
  [[nodiscard]] std::vector<StandingFact> facts_of(std::uint32_t asset) const;
  /// The first endpoint that it holds; kNoPosition: none now.
  [[nodiscard]] std::uint32_t first_open(std::uint32_t asset) const noexcept;

  // Who holds what, as somebody says (graph_holders.cpp)
  /// A statement about who holds an endpoint. \return false if it cannot be so.
  bool apply_holder(const Fact& fact, std::uint32_t endpoint);
  bool claim(const Fact& fact, std::uint32_t endpoint, std::uint32_t to);
  /// After an endpoint has gone from one asset to another.
  void after_move(const Fact& fact, std::uint32_t endpoint, std::uint32_t from, std::uint32_t to,
                  bool is_new);
  void tidy_past_holders(std::uint32_t endpoint);

  // Who holds what (graph_assets.cpp)
  /// Makes `to` the holder now: of dependencies, not of times.
  void hand_over(std::uint32_t endpoint, std::uint32_t to);
  /// When dependencies of the asset's endpoints were seen, while it held them.
  [[nodiscard]] TimeRange seen_of(std::uint32_t asset) const noexcept;
  /// Where an endpoint has had one holder only, that one held it since it was first seen.
  /// \return whether a time changed.
  bool trim_first_sightings(std::uint32_t asset) noexcept;
  [[nodiscard]] std::uint32_t holder_at(std::uint32_t endpoint, Timestamp at) const noexcept;
  /// When the last of its past holders let go of it.
  [[nodiscard]] Timestamp last_held(std::uint32_t endpoint) const noexcept;
  [[nodiscard]] Id next_asset_id(const Endpoint& first) const;
  void note_past_holder(std::uint32_t endpoint, std::uint32_t asset);
  /// What has the id, or else what it is an alias of.
  [[nodiscard]] std::uint32_t find_asset(const Id& id) const noexcept;
  [[nodiscard]] std::uint32_t find_alias_or_dependency(const Id& id) const noexcept;
  void add_alias(const Alias& alias);
  void raise(ChangeType type, const Id& subject, const Id& object, Timestamp at, std::string reason,
             std::string before = {}, std::string after = {});
  /// \return false for one that is among the latest already.
  bool remember(ChangeEvent event);

  /// What a classifier says an asset is, where nobody else says anything (graph_types.cpp).
  /// \return false if it is older.
  bool infer_type(const Fact& fact, std::uint32_t asset);
  void settle_type(std::uint32_t asset, Timestamp at);
  void set_type(std::uint32_t asset, std::string_view type, float confidence, FactSource source,
                Timestamp at);
  /// What a classifier says of an asset that holds something, as the row has it.
  [[nodiscard]] Fact inferred_fact(std::uint32_t asset) const;
  [[nodiscard]] static bool is_type_value(std::string_view value) noexcept;
  /// Whether it may be the name of a type.
  [[nodiscard]] static bool is_type_text(std::string_view text) noexcept;

  // Between those who talk (graph_intermediaries.cpp)
  void take_proposal(const IntermediaryProposal& proposal, Timestamp at);
  void take_intermediary(const IntermediaryRow& row);
  bool judge_intermediary(const Fact& fact);
  [[nodiscard]] Id asset_id_of(const Endpoint& endpoint) const noexcept;

  // What people put in, take out and write on it (graph_declared.cpp)
  [[nodiscard]] std::shared_ptr<const Annotation> annotation_of(const Id& id) const;
  [[nodiscard]] bool is_declared(const Id& id) const noexcept;
  /// \return false if there is no room.
  bool annotate(const Annotation& said);
  void move_annotation(const Id& from, const Id& to);
  void unsay(const Id& id);
  [[nodiscard]] std::uint32_t declare_asset(std::span<const Endpoint> holds, bool is_internal,
                                            Timestamp at);
  [[nodiscard]] std::uint32_t declare_dependency(const DependencyKey& key, Timestamp at);
  void close_dependency(std::uint32_t dependency, Timestamp at, const std::string& why);
  void close_asset(std::uint32_t asset, Timestamp at, const std::string& why);

  /// Makes the asset hold an endpoint that nothing holds yet.
  void hold_declared(std::uint32_t asset, const Endpoint& endpoint, Timestamp at);
  /// Takes what people say of several assets at once. \return nothing, or why none of it was taken.
  std::optional<AssetWordsRefused> take_words(std::span<const AssetWords> words);

  // Re-direction (graph_redirect.cpp)
  bool redirect(const Redirection& redirection);
  [[nodiscard]] DependencyKey key_of(std::uint32_t dependency) const noexcept;
  /// By people. \return the position of what it is now, or kNoPosition if there is no room.
  std::uint32_t turn(std::uint32_t from, std::uint16_t port, Timestamp at, const std::string& who);
  /// What people say a dependency is that the map has not: another one, or kNoPosition.
  [[nodiscard]] std::uint32_t said_to_be(const DependencyKey& key) const;
  /// Counts what traffic shows of a dependency that people have turned round.
  void take_turned(const ConnectionSummary& summary, std::uint32_t dependency);

  // What dependencies say (graph_state.cpp)
  void add_observer(Description& to, std::uint16_t exporter) const noexcept;
  void merge(Description& to, const Description& from) const noexcept;
  /// What is final, together with what open windows say.
  [[nodiscard]] Description shown(const DependencyState& d) const noexcept;
  [[nodiscard]] HourBitmap shown_hours(std::uint32_t dependency) const noexcept;
  /// After its hours have changed.
  void count_hours(std::uint32_t dependency) noexcept;
  std::uint16_t exporter_position(const IpAddress& exporter);
  void free_open_windows(DependencyState& d) noexcept;

  // Rows (graph_rows.cpp)
  [[nodiscard]] DependencyRow row_of(std::uint32_t dependency) const;
  [[nodiscard]] AssetRow asset_row(std::uint32_t asset) const;
  /// Asks for the memory that row_of() of a few dependencies will touch.
  void prefetch(std::span<const std::uint32_t> dependencies_ahead) const noexcept;
  void prefetch_hours(std::uint32_t dependency) const noexcept {
    if (dependency < hours.size()) base::bring_in(&hours[dependency], sizeof(HourBitmap));
  }
  void take_asset(const AssetRow& row);
  void take_dependency(const DependencyRow& row);
  void forget_changes() noexcept;

  // The past (graph_history.cpp)
  [[nodiscard]] bool was_active(std::uint32_t dependency, const AsOf& as_of) const noexcept;
  [[nodiscard]] bool was_active_asset(std::uint32_t asset, const AsOf& as_of) const;
  /// The rows with the holders of that time.
  [[nodiscard]] DependencyRow row_at(std::uint32_t dependency, const AsOf& as_of) const;
  [[nodiscard]] AssetRow asset_row_at(std::uint32_t asset, const AsOf& as_of) const;
  /// The dependencies of the asset at that time, ascending.
  [[nodiscard]] std::vector<std::uint32_t> dependencies_at(std::uint32_t asset,
                                                           const AsOf& as_of) const;
  [[nodiscard]] bool has_flows(std::uint32_t asset, std::uint64_t least) const noexcept;
  // These three take the lock, time and again.
  template <typename Visit>
  void for_each_asked(const DependencyQuery& query, Visit visit) const;
  [[nodiscard]] Page<DependencyRow> matching_dependencies(const DependencyQuery& query) const;
  [[nodiscard]] Page<AssetRow> matching_assets(const AssetQuery& query) const;

  // Snapshots (graph_snapshot.cpp)
  void read_structure(SnapshotInput& to) const;
  void begin_log(SnapshotInput& to) const;
  /// Positions of the assets that hold the endpoints of a dependency.
  struct Ends {
    std::uint32_t client = kNoPosition;
    std::uint32_t server = kNoPosition;
  };
  /// Of a row that is alive: with positions of assets for their indexes.
  void write_edge(std::uint32_t dependency, const Ends& ends, Snapshot::Edge& to) const noexcept;
  /// To be called with every change of the structure.
  void note_structure(std::uint32_t position, bool is_asset) {
    ++structure;
    if (log.is_on) log.positions.push_back({position, is_asset});
  }

  DependencyGraphOptions options;
  SiteTable sites;
  Endpoints endpoints;
  Assets assets;
  Dependencies dependencies;
  base::Blocks<HourBitmap> hours;  ///< of final windows, by position of the dependency
  PositionIndex dependency_ids;    ///< finds dependencies by their ids
  Exporters exporters;
  Aliases aliases;
  /// Assets that held an endpoint before its holder now; for few endpoints.
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> past_holders;

  /// What stands for an end elsewhere; of few dependencies.
  std::unordered_map<std::uint32_t, Endpoint> vias;
  std::unordered_map<std::uint32_t, std::uint32_t> client_counts;  ///< where it is not 1

  FactTable facts;
  std::map<Id, Timestamp> unsettled;  ///< assets, and when something became otherwise
  std::vector<Endpoint> newcomers;    ///< of which something had been said before

  std::map<Id, IntermediaryRow> intermediaries;
  std::set<Id> changed_intermediaries;

  std::unordered_map<Id, std::shared_ptr<const Annotation>, AnnotatedHash> annotations;
  std::set<Id> changed_annotations;

  base::Blocks<OpenWindow> open_windows;  ///< a pool of lists
  std::uint32_t free_open_window = kNoPosition;

  TrafficCounts totals;
  std::uint64_t refused_flows = 0;
  std::uint64_t refused_aliases = 0;
  std::uint64_t revision = 0;
  std::uint64_t said = 0;       ///< facts and words of people taken
  bool has_turned = false;      ///< people have turned dependencies round, some time
  Hour newest_hour = 0;         ///< with traffic
  std::uint64_t structure = 0;  ///< goes up with every asset and dependency made or removed

  // For the next revision; positions may be stale or named twice, the rows' flags decide.
  std::vector<std::uint32_t> changed_assets;
  std::vector<std::uint32_t> changed_dependencies;
  std::vector<Id> removed_assets;
  std::vector<Id> removed_dependencies;
  std::vector<Id> closed_dependencies;
  std::vector<std::uint32_t> stale_assets;
  std::vector<Alias> new_aliases;
  std::vector<ChangeEvent> events;
  std::deque<ChangeEvent> recent_events;  ///< the oldest first; also those of revisions applied
  std::set<Id> recent_event_ids;

  mutable std::shared_mutex mutex;
  mutable std::mutex snapshot_mutex;  ///< one builds, the others wait for it; taken before `mutex`
  mutable std::shared_ptr<const Snapshot> snapshot;
  mutable std::uint64_t snapshot_structure = 0;
  mutable Hour snapshot_hour = 0;
  mutable StructureLog log;
};

}  // namespace flowlens::graph

namespace flowlens {

struct DependencyGraph::Impl : graph::State {
  using State::State;
};

}  // namespace flowlens
