// What the writer of the map tells followers ahead of its rows.
#include "flowlens/revision_feed.hpp"
#include "store/postgres/connection.hpp"
#include "store/postgres/feed.hpp"

namespace flowlens {
namespace {

using namespace store::postgres;

class PostgresRevisionAnnouncer final : public RevisionAnnouncer {
 public:
  explicit PostgresRevisionAnnouncer(const PostgresStoreOptions& options)
      : connection_(options), sites_(options.sites) {}

  void announce(const Revision& revision) override {
    connection_.transact([&](Transaction& tx) {
      // The store writes it again, and for good.
      tx.exec("SET LOCAL synchronous_commit = off");
      const auto newest = number(tx, "SELECT max(epoch) FROM flowlens_store.epochs");
      if (static_cast<std::uint64_t>(newest) == revision.epoch.value) {
        feed_followers(tx, sites_, revision);
      }
    });
  }

 private:
  Connection connection_;
  const SiteTable sites_;
};

}  // namespace

std::unique_ptr<RevisionAnnouncer> make_postgres_revision_announcer(
    const PostgresStoreOptions& options) {
  return std::make_unique<PostgresRevisionAnnouncer>(options);
}

}  // namespace flowlens
