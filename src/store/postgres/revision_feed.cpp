// What followers read.
#include "flowlens/revision_feed.hpp"

#include <span>
#include <string>
#include <utility>

#include "flowlens/revision_codec.hpp"
#include "store/postgres/connection.hpp"
#include "store/postgres/feed.hpp"
#include "store/postgres/reader.hpp"
#include "store/postgres/schema.hpp"
#include "store/row_text.hpp"

namespace flowlens {
namespace {

using namespace store::postgres;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kFirstVersion = 6;      // with these tables
constexpr std::size_t kMostOctets = 64u << 20;  // of one part, unless one revision has more
constexpr std::chrono::minutes kSayEvery{1};    // that somebody follows

class PostgresRevisionFeed final : public RevisionFeed {
 public:
  explicit PostgresRevisionFeed(const PostgresStoreOptions& options)
      : connection_(options), sites_(options.sites), site_table_(options.sites) {}

  FeedPosition load(DependencyGraph& graph) override;
  FeedPart next(const FeedPosition& after, std::size_t most) override;
  void wait(std::chrono::milliseconds most) override { connection_.wait(kRevisionChannel, most); }

 private:
  void say_hello();
  [[nodiscard]] bool is_other_history(Transaction& tx, const FeedPosition& after) const;
  [[nodiscard]] Revision revision_of(const std::vector<std::uint8_t>& octets,
                                     std::uint64_t number) const;
  void take_revisions(Transaction& tx, const FeedPosition& after, std::size_t most,
                      FeedPart& part) const;

  Connection connection_;
  store::SiteNames sites_;
  const SiteTable site_table_;
  std::string name_;  ///< drawn by the database
  Clock::time_point say_at_{};
};

/// From then on revisions are kept.
void PostgresRevisionFeed::say_hello() {
  if (Clock::now() < say_at_) return;
  connection_.transact([&](Transaction& tx) {
    const std::uint32_t version = version_of(tx, connection_.where()).found;
    if (version < kFirstVersion) {
      throw IoError("PostgreSQL database " + connection_.where() + " has schema version " +
                    std::to_string(version) + ", followers need " + std::to_string(kFirstVersion) +
                    ": start the Resolver of this release first, or run flowlensd migrate");
    }
    const pqxx::row said = tx.exec_params1(
        "INSERT INTO flowlens_store.followers (name, seen_at) "
        "VALUES (coalesce(nullif($1, ''), gen_random_uuid()::text), clock_timestamp()) "
        "ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at RETURNING name",
        name_);
    name_ = Row{said}.text();
  });
  say_at_ = Clock::now() + kSayEvery;
}

FeedPosition PostgresRevisionFeed::load(DependencyGraph& graph) {
  say_at_ = {};
  say_hello();
  FeedPosition position;
  connection_.read([&](Transaction& tx) {
    // Of the epochs that end with a revision, the first one made it.
    const pqxx::result last = tx.exec(
        "SELECT last_revision, epoch, revision_at FROM flowlens_store.epochs "
        "ORDER BY last_revision DESC, epoch LIMIT 1");
    if (last.empty()) {
      throw IoError("PostgreSQL database " + connection_.where() +
                    " holds no map yet: start a Resolver first");
    }
    Row row{last[0]};
    position.revision = row.u64();
    position.epoch = Epoch{row.u64()};
    position.at = from_unix_ns(row.i64());
    Revision frame;
    frame.number = position.revision;
    frame.epoch = position.epoch;
    frame.at = position.at;
    load_graph(tx, sites_, frame, graph);
  });
  return position;
}

/// The database knows nothing of what the copy has, or something else.
bool PostgresRevisionFeed::is_other_history(Transaction& tx, const FeedPosition& after) const {
  const pqxx::result same = tx.exec_params(
      "SELECT epoch, revision_at FROM flowlens_store.revisions WHERE number = $1", after.revision);
  if (same.empty()) return false;  // too old, or of before anybody followed
  Row row{same[0]};
  const Epoch epoch{row.u64()};
  return epoch != after.epoch || from_unix_ns(row.i64()) != after.at;
}

Revision PostgresRevisionFeed::revision_of(const std::vector<std::uint8_t>& octets,
                                           std::uint64_t number) const {
  Revision revision;
  const Diagnostic d = decode_revision(std::as_bytes(std::span{octets}), site_table_, revision);
  if (d.code == DiagnosticCode::none && revision.number == number) return revision;
  throw IoError("PostgreSQL database " + connection_.where() + ": revision " +
                std::to_string(number) + " cannot be read: " + to_string(d) +
                "; processes of one database are of one release");
}

void PostgresRevisionFeed::take_revisions(Transaction& tx, const FeedPosition& after,
                                          std::size_t most, FeedPart& part) const {
  std::size_t octets = 0;
  Epoch reached = after.epoch;
  for (std::uint64_t number = after.revision + 1; number <= part.newest; ++number) {
    if (part.revisions.size() >= most || octets >= kMostOctets) return;
    const pqxx::result found = tx.exec_params(
        "SELECT epoch, body FROM flowlens_store.revisions WHERE number = $1", number);
    if (found.empty()) {
      part.has_gap = true;
      return;
    }
    Row row{found[0]};
    const Epoch epoch{row.u64()};
    // By a writer that did not know yet that it had been taken over; the other one's will take its place.
    if (epoch < reached) return;
    reached = epoch;
    const std::vector<std::uint8_t> body = row.blob();
    octets += body.size();
    part.revisions.push_back(revision_of(body, number));
  }
}

FeedPart PostgresRevisionFeed::next(const FeedPosition& after, std::size_t most) {
  say_hello();
  FeedPart part;
  connection_.read([&](Transaction& tx) {
    part = {};
    part.newest = static_cast<std::uint64_t>(
        number(tx,
               "SELECT greatest((SELECT max(last_revision) FROM flowlens_store.epochs), "
               "(SELECT max(number) FROM flowlens_store.revisions))"));
    part.has_gap = part.newest < after.revision || is_other_history(tx, after);
    if (!part.has_gap) take_revisions(tx, after, most, part);
  });
  return part;
}

}  // namespace

std::unique_ptr<RevisionFeed> make_postgres_revision_feed(const PostgresStoreOptions& options) {
  return std::make_unique<PostgresRevisionFeed>(options);
}

}  // namespace flowlens
