#include "pipeline/lease_keeper.hpp"

#include <chrono>
#include <utility>

#include "flowlens/error.hpp"
#include "log.hpp"

namespace flowlensd {
namespace {
constexpr std::chrono::seconds kRenewEvery{1};
}

LeaseKeeper::LeaseKeeper(std::unique_ptr<flowlens::ResolverLease> lease, FatalHandler fatal)
    : lease_(std::move(lease)), fatal_(std::move(fatal)), thread_([this] { run(); }) {}

LeaseKeeper::~LeaseKeeper() { stop(); }

void LeaseKeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LeaseKeeper::run() {
  bool has_failed = false;
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kRenewEvery, [this] { return is_ending_; })) {
    lock.unlock();
    try {
      if (!lease_->renew()) {
        return fatal_(
            "another flowlensd has taken over this database, as this one was silent for too long; "
            "this one stops writing, and stands by when it is started again");
      }
      if (std::exchange(has_failed, false)) log::info("store", "the lease is renewed again");
    } catch (const flowlens::Error& e) {
      if (!std::exchange(has_failed, true)) {
        log::warning("store", "the lease cannot be renewed; trying again", {{"reason", e.what()}});
      }
    }
    lock.lock();
  }
}

void LeaseKeeper::release() {
  stop();
  try {
    lease_->release();
  } catch (const flowlens::Error& e) {
    log::warning("store", "the lease could not be let go; a standby waits until it is over",
                 {{"reason", e.what()}});
  }
}

}  // namespace flowlensd
