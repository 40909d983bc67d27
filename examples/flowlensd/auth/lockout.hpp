/// \file
/// auth: who has failed to log in too often waits.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"

namespace flowlensd {

/// How often one may fail, and how long one then waits: twice as long after each further failure.
struct LockoutOptions {
  std::uint32_t failures_of_user = 5;
  std::uint32_t failures_of_address = 20;  ///< many people may sit behind one
  std::chrono::seconds first_wait{30};
  std::chrono::seconds longest_wait{900};
  std::chrono::seconds memory{3'600};  ///< after so long without a failure all is forgotten
  std::size_t max_entries = 10'000;    ///< of each kind; the one that failed longest ago goes
};

/// Counts failures by user name, be there such a user or not, and by address (IPv6: by /64).
/// Thread-safe.
class Lockout {
 public:
  explicit Lockout(LockoutOptions options) : options_(options) {}

  /// How long this one has to wait; 0: not at all.
  [[nodiscard]] std::chrono::seconds wait(std::string_view user, const flowlens::IpAddress& address,
                                          flowlens::Timestamp now);
  void failed(std::string_view user, const flowlens::IpAddress& address, flowlens::Timestamp now);
  /// Forgets the failures of the user; not those of the address, which may go on with another name.
  void succeeded(std::string_view user);

  struct Counts {
    std::size_t users = 0;
    std::size_t addresses = 0;
  };
  /// Those who have to wait.
  [[nodiscard]] Counts locked(flowlens::Timestamp now) const;

 private:
  struct Entry {
    std::string key;
    std::uint32_t failures = 0;
    flowlens::Timestamp last{};
    flowlens::Timestamp free_at{};
  };
  /// Newest failure first.
  struct Table {
    std::list<Entry> entries;
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key;
  };

  [[nodiscard]] std::chrono::seconds wait_in(Table& table, const std::string& key,
                                             flowlens::Timestamp now) const;
  void count_in(Table& table, std::string key, std::uint32_t allowed, flowlens::Timestamp now);
  static void forget_in(Table& table, std::string_view key);

  const LockoutOptions options_;
  mutable std::mutex mutex_;
  Table users_;
  Table addresses_;
};

}  // namespace flowlensd
