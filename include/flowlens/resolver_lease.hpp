/// \file
/// store/postgres: which of several Resolvers may write the map. Of flowlens::store, built with
/// FLOWLENS_WITH_POSTGRES.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "flowlens/postgres_store.hpp"

namespace flowlens {

/// What a lease looks like.
struct LeaseView {
  std::string holder;          ///< empty: nobody
  std::uint64_t renewals = 0;  ///< goes up with each
  double silent_seconds = 0;   ///< since the last one, by the database's clock
  friend bool operator==(const LeaseView& a, const LeaseView& b) noexcept {
    return a.holder == b.holder && a.renewals == b.renewals;
  }
};

/// Its holder renews it every second. Others wait for as long as they see it renewed: time passes by their own
/// clock, so no two clocks need agree. Who takes it then opens the Store, whose new epoch keeps the one before
/// from writing, should it still be there.
///
/// All members may throw IoError. Thread-compatible.
class ResolverLease {
 public:
  virtual ~ResolverLease() = default;

  [[nodiscard]] virtual LeaseView look() = 0;
  /// Takes it, if it still is as it was seen; brings the schema up to date for that.
  /// \param holder  names this one among all, not empty.
  /// \return whether it has it now.
  virtual bool take(const LeaseView& seen, const std::string& holder) = 0;
  /// \return false if somebody else has it: stop writing.
  virtual bool renew() = 0;
  /// Lets go of what take() got, so that nobody need wait.
  virtual void release() = 0;
};

/// \throws ConfigError as make_postgres_store() does.
[[nodiscard]] std::unique_ptr<ResolverLease> make_postgres_resolver_lease(
    const PostgresStoreOptions& options);

}  // namespace flowlens
