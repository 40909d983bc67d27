/// \file
/// store/postgres: revisions for followers, processes that keep a copy of the map. Of flowlens::store, built with
/// FLOWLENS_WITH_POSTGRES.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/postgres_store.hpp"
#include "flowlens/revision.hpp"

namespace flowlens {

/// The revision that a copy has reached. Time and epoch tell it from another one with the same number, which a
/// database may have that was put back from a backup.
struct FeedPosition {
  std::uint64_t revision = 0;
  Epoch epoch;
  Timestamp at;  ///< Revision::at
  friend bool operator==(const FeedPosition&, const FeedPosition&) = default;
};

/// What RevisionFeed::next() found.
struct FeedPart {
  std::vector<Revision> revisions;  ///< those that follow, without gaps and without their windows
  bool has_gap = false;  ///< what follows is not kept, or the copy is of another history: load anew
  std::uint64_t newest = 0;  ///< the last revision of the store
};

/// The revisions of a PostgreSQL store as they are written. Once somebody follows, the store keeps each for a
/// quarter of an hour, within 1 GiB; it goes on for that long after the last one has gone.
///
/// All members may throw IoError. Thread-compatible.
class RevisionFeed {
 public:
  virtual ~RevisionFeed() = default;

  /// Gives an empty graph all rows as of one revision. \return that one.
  /// \throws IoError, also if no Store has been opened there before, or its schema is older than followers are.
  /// \throws ConfigError as Store::load() does.
  virtual FeedPosition load(DependencyGraph& graph) = 0;
  /// What follows on `after`, for DependencyGraph::apply(): at most so many, and fewer where they are large.
  /// \throws ConfigError for a site that the configured table lacks.
  virtual FeedPart next(const FeedPosition& after, std::size_t most) = 0;
  /// Waits until there may be something new, at most so long. A database behind PgBouncer wakes nobody.
  virtual void wait(std::chrono::milliseconds most) = 0;
};

/// Hands revisions to followers before the store has written their rows, which takes longer. What is not
/// announced they get with the rows. Should the writer end before the rows are written, the next one takes
/// back what was announced, and followers read the map anew.
///
/// Thread-compatible; not the thread that writes to the store, or it would wait for that.
class RevisionAnnouncer {
 public:
  virtual ~RevisionAnnouncer() = default;
  /// Nothing happens if nobody follows, or another writer has taken over. \throws IoError
  virtual void announce(const Revision& revision) = 0;
};

/// \throws ConfigError as make_postgres_store() does.
[[nodiscard]] std::unique_ptr<RevisionFeed> make_postgres_revision_feed(
    const PostgresStoreOptions& options);
/// The same. Of a database in which a Store has been opened.
[[nodiscard]] std::unique_ptr<RevisionAnnouncer> make_postgres_revision_announcer(
    const PostgresStoreOptions& options);

}  // namespace flowlens
