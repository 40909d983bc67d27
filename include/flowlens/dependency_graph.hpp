/// \file
/// graph: endpoints, assets, dependencies, in memory: the map itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flowlens/annotation.hpp"
#include "flowlens/connection_summary.hpp"
#include "flowlens/fact.hpp"
#include "flowlens/filter.hpp"
#include "flowlens/hour_bitmap.hpp"
#include "flowlens/redirection.hpp"
#include "flowlens/revision.hpp"
#include "flowlens/snapshot.hpp"

namespace flowlens {

struct DependencyGraphOptions {
  std::size_t max_assets = 4'000'000;  ///< past it, traffic of new endpoints is refused and counted
  std::size_t max_dependencies = 10'000'000;  ///< past it, new dependencies are refused and counted
  std::size_t max_aliases = 1'000'000;        ///< past it, ids that go are forgotten, and counted
  std::size_t max_intermediaries = 65'536;    ///< past it, further proposals are not kept
  std::size_t max_events = 10'000;            ///< kept to be asked for; the oldest goes
  std::size_t max_annotations = 1'000'000;    ///< past it, further subjects get none
  std::size_t max_facts = 2'000'000;     ///< some 250 octets each; past it, refused and counted
  std::size_t max_endpoint_facts = 256;  ///< the same of one endpoint
  std::uint64_t hash_seed = 0;           ///< against chosen collisions; never changes a result
};

struct GraphCounters {
  std::uint64_t assets = 0;
  std::uint64_t dependencies = 0;
  std::uint64_t refused_flows = 0;    ///< of summaries that did not fit
  std::uint64_t refused_aliases = 0;  ///< ids that were not kept
  std::uint64_t intermediaries = 0;   ///< proposed, accepted or rejected
  std::uint64_t facts = 0;            ///< kept
  std::uint64_t refused_facts = 0;    ///< for want of room
  std::uint64_t expired_facts = 0;
  std::uint64_t revision = 0;  ///< the last one taken or applied
  std::uint64_t said = 0;      ///< facts and words of people taken since the graph was made
  TrafficCounts totals;        ///< over all dependencies
};

/// A page of a list. Pages follow the order of arrival; a new row may take the place of a removed one.
template <typename Row>
struct Page {
  std::vector<Row> rows;
  std::uint32_t next = 0;  ///< give it as `after` for the next page; meaningful where has_more
  bool has_more = false;
  std::uint64_t total = 0;  ///< rows that match, over all pages
};

/// A moment, and what counts as being there at it: traffic in its hour, or in so many hours that end
/// with it. Hours older than a dependency's HourBitmap are answered from its interval: it counts as
/// active from first seen to last seen. Assets hold what they held at `at`.
///
/// The answer is what is believed now of that moment; what was believed then is in the events.
struct AsOf {
  Timestamp at;
  Hour hours = 1;  ///< at least 1

  [[nodiscard]] HourSpan span() const noexcept { return hours_up_to(at, hours); }
};

/// What lists can be sorted by. Of equal rows those that arrived earlier come first. Sorting looks at
/// every row that there is, and keeps `skip + limit` of them meanwhile.
enum class AssetOrder : std::uint8_t { arrival, name, asset_type, first_seen, last_seen };
enum class DependencyOrder : std::uint8_t { arrival, bytes, flows, port, first_seen, last_seen };

/// Which dependencies to list.
struct DependencyQuery {
  std::optional<Id> asset;  ///< only those it uses or serves
  std::uint32_t after = 0;  ///< `next` of the page before; goes with the order of arrival
  std::size_t limit = 50;
  std::optional<AsOf> as_of{};     ///< only those active then
  Filter<DependencyRow> filter{};  ///< empty: all
  DependencyOrder order = DependencyOrder::arrival;
  bool is_descending = false;
  std::size_t skip = 0;  ///< matching rows of pages before
};
struct AssetQuery {
  std::uint32_t after = 0;
  std::size_t limit = 50;
  std::optional<AsOf> as_of{};  ///< only those with active dependencies then
  Filter<AssetRow> filter{};    ///< empty: all
  AssetOrder order = AssetOrder::arrival;
  bool is_descending = false;
  std::size_t skip = 0;
  /// Only those whose dependencies have so many flows, or that are declared. Today's.
  std::uint64_t min_flows = 0;
};

/// What people say of one asset at once, as an import brings it.
struct AssetWords {
  std::vector<Endpoint> endpoints;  ///< at least one
  bool is_internal = false;         ///< where the asset is made
  std::string name;                 ///< empty: nothing is said
  std::string asset_type;           ///< as in asset_type.hpp; empty: nothing is said
  Annotation said;                  ///< without subject; is_declared: it stays without traffic
};
/// A fact that is kept, and whether it is the one that counts. Of several on one attribute that is the
/// first by FactSource, then by `at`: of a name and a type over all that an asset holds, of all else for
/// each endpoint. Of facts `asset` it is the one that names the holder.
struct StandingFact {
  Fact fact;
  bool counts = false;
};

/// Why nothing of an import was taken.
struct AssetWordsRefused {
  enum class Why : std::uint8_t { invalid, held_by_several, named_twice, no_room };
  Why why = Why::invalid;
  std::size_t index = 0;  ///< of the first that is in the way
};

/// Which change events to list, the newest first.
struct ChangeQuery {
  std::uint32_t after = 0;
  std::size_t limit = 50;
  Filter<ChangeEvent> filter{};  ///< empty: all
};

/// What two moments have and have not in common. Rows are ordered by id.
struct MapDifference {
  std::vector<AssetRow> added_assets;    ///< as of the later moment
  std::vector<AssetRow> removed_assets;  ///< as of the earlier one
  std::vector<DependencyRow> added;      ///< active at the later moment, not at the earlier
  std::vector<DependencyRow> removed;    ///< the other way round
  std::vector<DependencyRow> moved;      ///< active at both, between other assets; the later
  std::uint64_t unchanged = 0;           ///< dependencies
};

/// The map. Thread-safe for one writer thread and any number of readers: the members marked
/// *writer* are called by one thread at a time, the const ones by anyone; they return copies and
/// hold the lock for one page only.
class DependencyGraph {
 public:
  /// \throws ConfigError if a limit is 0.
  explicit DependencyGraph(const DependencyGraphOptions& options = {}, SiteTable sites = {});
  ~DependencyGraph();

  /// *writer* Adds what is new in each summary to its dependency, makes assets and dependencies not
  /// seen before, removes dependencies whose traffic has all moved elsewhere.
  /// \param ids  null, or set to the dependency of each summary; none for one that did not fit.
  /// \return flows that did not fit (`max_assets`, `max_dependencies`), modulo 2^64: when traffic
  ///   that did not fit turns out to be another dependency's, it is taken back.
  /// \param recorded  null, or set to those whose windows are recorded under another id than the
  ///   dependency's: what people have turned round, ascending by index.
  struct RecordedAs {
    std::size_t index = 0;  ///< of the summary
    Id id;                  ///< an alias of the dependency
  };
  std::uint64_t apply(std::span<const ConnectionSummary> summaries, std::vector<Id>* ids = nullptr,
                      std::vector<RecordedAs>* recorded = nullptr);
  /// *writer* The same of summaries and the re-directions that were flushed with them, each before the
  /// summary that it names.
  /// \param redirections  ascending by `before_row`
  std::uint64_t apply(std::span<const ConnectionSummary> summaries,
                      std::span<const Redirection> redirections, std::vector<Id>* ids = nullptr,
                      std::vector<RecordedAs>* recorded = nullptr);
  /// Keeps what is said, each origin's word on each attribute (of `asset`: for each `since`); one with an
  /// empty value is withdrawn. What counts is as in StandingFact. Facts of endpoints that no asset
  /// holds count once one does. Who is said to hold an endpoint does so from `since` to the next such
  /// fact of the same source or a stronger one, in whatever order they come; what is withdrawn of that,
  /// or expires, was so. May be called by any thread; the change is in the writer's next revision.
  /// \return false for what is no fact, comes after a later word of that origin, cannot be so (a holder
  ///   against a stronger word), changes nothing, or finds no room.
  bool apply(const Fact& fact);
  /// The same of several at once: who counts is settled when all are taken. \return how many were taken.
  std::size_t apply(std::span<const Fact> facts);
  /// *writer* Moves totals, first seen and hours of the closed windows of one dependency to another,
  /// which is made if need be. The old id stays an alias. A later summary of the old key makes it a
  /// dependency of its own again.
  /// \return false if there is no such dependency, or no room for the other.
  bool apply(const Redirection& redirection);
  /// *writer* Takes note of proposals, at the time at which they were made; known ones are brought up
  /// to date, and what people said of them stays.
  void apply(std::span<const IntermediaryProposal> proposals, Timestamp at);
  /// Takes note of events that somebody found who reads the map; those it has among its latest already
  /// are passed over. May be called by any thread; they are in the writer's next revision.
  void apply(std::span<const ChangeEvent> events);
  /// Takes the place of what was said of the subject, an asset or dependency. May be called by any thread,
  /// like the next four; what changes is in the writer's next revision.
  /// \return false for a subject that is not there, what is_valid() refuses, or no room.
  bool apply(const Annotation& annotation);
  /// The same of several subjects: all, or none.
  /// \return nothing if all was taken, or the index of one that was not.
  std::optional<std::size_t> apply(std::span<const Annotation> annotations);
  /// Names, types and annotates assets by their endpoints, and makes those that are not there: all, or
  /// none. An asset that holds one of the endpoints is the one that is meant.
  /// \return nothing if all was taken.
  std::optional<AssetWordsRefused> apply(std::span<const AssetWords> words);
  /// Makes an asset that no traffic has shown, and says of it that it is declared: it stays until it is
  /// removed, and counts as seen when it was declared (`annotation.said_at`).
  /// \return its id; nothing where an asset holds one of the endpoints already, or there is no room.
  std::optional<Id> declare_asset(std::span<const Endpoint> endpoints, bool is_internal,
                                  const Annotation& annotation);
  /// The same of a dependency; its ends are made if need be. One that is there already is declared, too.
  std::optional<Id> declare_dependency(const DependencyKey& key, const Annotation& annotation);
  /// Takes an asset and its dependencies, or one dependency, out of the map. Recorded traffic stays; new
  /// traffic brings them back as new.
  /// \param why  for the event. \return false if it is not there.
  bool remove_asset(const Id& id, Timestamp at, const std::string& why);
  bool remove_dependency(const Id& id, Timestamp at, const std::string& why);
  /// People say that a dependency is the other way round: its server uses `port` of its client. All that
  /// was counted moves, with its sides changed; the old id stays an alias. Their word stands against
  /// later evidence: what traffic still shows of the old one counts as the new one's, until people turn
  /// that round again.
  /// \param who  for the event. \return the id of the new one; nothing if the old one is not there, or
  /// there is no room.
  std::optional<Id> turn_dependency(const Id& id, std::uint16_t port, Timestamp at,
                                    const std::string& who);
  /// *writer* Takes over rows as they are: for loading from a store, and for followers. Rows past the
  /// bounds, and dependencies whose ends no asset holds, are left out.
  void apply(const Revision& revision);
  /// *writer* Everything that changed since the last call, as revision `number`; if nothing did, an
  /// empty one that keeps the number of the one before. `windows`, `flows` and `input_position` are the
  /// Resolver's. Facts that have expired by `at` go. \param has_more  those have news, so that it is a revision even without rows.
  [[nodiscard]] Revision take_revision(std::uint64_t number, Epoch epoch, Timestamp at,
                                       bool has_more = false);

  /// The facts that move all that `from` holds now to `into`; `from` goes, and its id becomes an alias
  /// (with `since`: it keeps what it held before).
  /// \return nothing if one is not there, or both are the same.
  [[nodiscard]] std::vector<Fact> facts_to_merge(const Id& into, const Id& from, Timestamp at,
                                                 std::optional<Timestamp> since = {}) const;
  /// The facts that make a new asset of some endpoints that `asset` holds now. Its id is derived from
  /// the first of them, so splitting what was merged gives back the ids it had.
  /// \return nothing if it does not hold all of them, or nothing would be left of it.
  [[nodiscard]] std::vector<Fact> facts_to_split(const Id& asset,
                                                 std::span<const Endpoint> endpoints, Timestamp at,
                                                 std::optional<Timestamp> since = {}) const;

  // An id that has gone finds what it is an alias of.
  [[nodiscard]] std::optional<AssetRow> asset(const Id& id) const;
  [[nodiscard]] std::optional<AssetRow> asset_of(const Endpoint& endpoint) const;
  [[nodiscard]] std::optional<DependencyRow> dependency(const Id& id) const;
  [[nodiscard]] Page<AssetRow> assets(const AssetQuery& query) const;
  /// All that is said of the endpoints that the asset holds, by attribute, the best first.
  [[nodiscard]] std::vector<StandingFact> facts_of(const Id& asset) const;
  /// All that is kept, also of endpoints that nothing holds; ascending by endpoint.
  [[nodiscard]] std::vector<EndpointFacts> facts() const;
  [[nodiscard]] Page<DependencyRow> dependencies(const DependencyQuery& query) const;
  /// All, in the order of their ids.
  [[nodiscard]] std::vector<IntermediaryRow> intermediaries() const;
  [[nodiscard]] std::optional<IntermediaryRow> intermediary(const Id& id) const;
  [[nodiscard]] Page<ChangeEvent> changes(const ChangeQuery& query) const;
  [[nodiscard]] std::optional<ChangeEvent> change(const Id& id) const;
  [[nodiscard]] GraphCounters counters() const;
  [[nodiscard]] const SiteTable& sites() const noexcept;
  /// All rows at one moment, as a revision that an empty graph can apply: for a new follower, and for
  /// exports.
  [[nodiscard]] Revision copy() const;
  /// All rows that were active then. Read in parts: a change meanwhile may be in it or not.
  [[nodiscard]] Revision copy(const AsOf& as_of) const;
  /// What is there at the later moment and not at the earlier, and the other way round. Read in parts.
  [[nodiscard]] MapDifference diff(const AsOf& from, const AsOf& to) const;
  /// The structure now; the same object until the structure changes, or traffic of a later hour
  /// comes, since a steady map has hours to tell too. It is read in parts of some
  /// milliseconds with writers let in between, and what they change meanwhile is read again.
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
  /// The structure as it was then, with the assets of that time; hours and weights are today's. Made
  /// anew by each call, in parts: a change meanwhile may be in it or not. An edge finds its row as
  /// long as the assets have not changed since.
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot(const AsOf& as_of) const;
  /// The row of an edge. \param snapshot  one of this graph's, with that edge.
  /// \return nothing if it has gone since, or its assets have changed.
  [[nodiscard]] std::optional<DependencyRow> dependency(const Snapshot& snapshot,
                                                        const Snapshot::Edge& edge) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
