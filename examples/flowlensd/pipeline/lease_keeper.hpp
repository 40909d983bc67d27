/// \file
/// pipeline: keeps the lease that lets this process write the map.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "flowlens/resolver_lease.hpp"
#include "pipeline/fatal.hpp"

namespace flowlensd {

/// Renews it every second, by a connection of its own. A database that is away is waited for: nobody else can
/// take the lease meanwhile.
class LeaseKeeper {
 public:
  /// \param lease  taken. \param fatal  called where somebody else has it.
  LeaseKeeper(std::unique_ptr<flowlens::ResolverLease> lease, FatalHandler fatal);
  /// Does not let go of it: who ends without a word is watched for a few seconds more.
  ~LeaseKeeper();

  /// Lets go of it, so that a standby need not wait. After the last revision is written.
  void release();

 private:
  void run();
  void stop();

  const std::unique_ptr<flowlens::ResolverLease> lease_;
  const FatalHandler fatal_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace flowlensd
