#include "store/postgres/epoch.hpp"

#include "flowlens/store.hpp"

namespace flowlens::store::postgres {

void check_epoch(Transaction& tx, Epoch epoch, const std::string& where, const char* what) {
  const auto current = static_cast<std::uint64_t>(
      number(tx, "SELECT epoch FROM flowlens_store.epochs ORDER BY epoch DESC LIMIT 1 FOR SHARE"));
  if (current == epoch.value) return;
  throw StaleEpochError("store: epoch " + std::to_string(epoch.value) + " of " + where +
                        " is over, epoch " + std::to_string(current) +
                        " has begun: another process keeps " + what + " of this map now");
}

}  // namespace flowlens::store::postgres
