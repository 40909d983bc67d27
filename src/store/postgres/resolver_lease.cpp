// Who may write the map.
#include "flowlens/resolver_lease.hpp"

#include "flowlens/error.hpp"
#include "store/postgres/connection.hpp"
#include "store/postgres/schema.hpp"

namespace flowlens {
namespace {

using namespace store::postgres;

class PostgresResolverLease final : public ResolverLease {
 public:
  explicit PostgresResolverLease(const PostgresStoreOptions& options) : connection_(options) {}

  LeaseView look() override;
  bool take(const LeaseView& seen, const std::string& holder) override;
  bool renew() override;
  void release() override;

 private:
  Connection connection_;
  std::string holder_;  ///< what take() got it as; empty: it has not
};

LeaseView PostgresResolverLease::look() {
  LeaseView view;
  connection_.read([&](Transaction& tx) {
    view = {};
    // A database of an earlier release, or none yet: its Resolver knows of no lease.
    if (number(tx, "SELECT (to_regclass('flowlens_store.resolver_lease') IS NULL)::int") != 0)
      return;
    const pqxx::result found = tx.exec(
        "SELECT holder, renewals, "
        "(extract(epoch FROM clock_timestamp() - renewed_at) * 1000)::bigint "
        "FROM flowlens_store.resolver_lease");
    if (found.empty()) return;
    Row row{found[0]};
    view.holder = row.text();
    view.renewals = row.u64();
    view.silent_seconds = static_cast<double>(row.i64()) / 1'000;
  });
  return view;
}

bool PostgresResolverLease::take(const LeaseView& seen, const std::string& holder) {
  if (holder.empty()) throw ConfigError("store: the holder of a lease has a name");
  bool is_taken = false;
  connection_.transact([&](Transaction& tx) {
    migrate(tx, connection_.where());
    is_taken = !tx.exec_params(
                      "INSERT INTO flowlens_store.resolver_lease AS l "
                      "(holder, renewals, renewed_at) VALUES ($1, 1, clock_timestamp()) "
                      "ON CONFLICT (only_one) DO UPDATE SET holder = excluded.holder, "
                      "renewals = l.renewals + 1, renewed_at = clock_timestamp() "
                      "WHERE l.holder = $2 AND l.renewals = $3 RETURNING holder",
                      holder, seen.holder, seen.renewals)
                    .empty();
  });
  holder_ = is_taken ? holder : std::string{};
  return is_taken;
}

bool PostgresResolverLease::renew() {
  bool is_mine = false;
  connection_.transact([&](Transaction& tx) {
    is_mine = !tx.exec_params(
                     "UPDATE flowlens_store.resolver_lease SET renewals = renewals + 1, "
                     "renewed_at = clock_timestamp() WHERE holder = $1 RETURNING holder",
                     holder_)
                   .empty();
  });
  return is_mine;
}

void PostgresResolverLease::release() {
  if (holder_.empty()) return;
  connection_.transact([&](Transaction& tx) {
    tx.exec_params(
        "UPDATE flowlens_store.resolver_lease SET holder = '', renewals = renewals + 1 "
        "WHERE holder = $1",
        holder_);
  });
  holder_.clear();
}

}  // namespace

std::unique_ptr<ResolverLease> make_postgres_resolver_lease(const PostgresStoreOptions& options) {
  return std::make_unique<PostgresResolverLease>(options);
}

}  // namespace flowlens
