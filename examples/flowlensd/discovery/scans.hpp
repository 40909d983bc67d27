/// \file
/// discovery: scans that people ask for, one after another, in the background.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "discovery/probes.hpp"
#include "library.hpp"

namespace flowlensd {

struct ScanOrder {
  std::vector<IpPrefix> targets;
  std::vector<std::uint16_t> ports;  ///< TCP
  bool with_echo = false;            ///< ICMP
  bool with_names = false;           ///< of what answers, by PTR
  bool is_declaring = false;         ///< what answers and the map does not know is put into it
  std::string by;
};

inline constexpr std::size_t kMostScannedAddresses = 4'096;
inline constexpr std::size_t kMostScannedPorts = 64;

enum class ScanState : std::uint8_t { waiting, running, finished, cancelled, failed };
[[nodiscard]] std::string_view to_string(ScanState s) noexcept;

/// What answered.
struct FoundHost {
  std::vector<std::uint16_t> open_ports;  ///< ascending
  bool answers_echo = false;
  std::string name;  ///< empty: none asked for, or none there
};

struct Scan {
  Id id;
  ScanOrder order;
  ScanState state = ScanState::waiting;
  Timestamp ordered_at;
  std::optional<Timestamp> begun_at;
  std::optional<Timestamp> ended_at;
  std::uint64_t probes = 0;  ///< to be tried
  std::uint64_t done = 0;
  std::map<IpAddress, FoundHost> hosts;
  std::string problem;  ///< why it failed
};

/// The addresses of the targets, each once. \return nothing for more than kMostScannedAddresses.
[[nodiscard]] std::optional<std::vector<IpAddress>> addresses_of(
    const std::vector<IpPrefix>& targets);

/// Keeps the latest scans, in memory. Thread-safe.
class Scans {
 public:
  /// \param found  called with what a scan has found, by the thread of the scans.
  using Found = std::function<void(const Scan&)>;
  explicit Scans(Found found, const ProbeLimits& limits = {});
  ~Scans();
  Scans(const Scans&) = delete;
  Scans& operator=(const Scans&) = delete;

  /// \return nothing if too many wait already.
  std::optional<Scan> add(ScanOrder order);
  [[nodiscard]] std::vector<Scan> all() const;  ///< the newest first, without their hosts
  [[nodiscard]] std::optional<Scan> find(const Id& id) const;
  /// \return false for one that is not there, or over.
  bool cancel(const Id& id);
  /// Ends the one that runs, and starts no more.
  void stop();

 private:
  static constexpr std::size_t kMostKept = 100;
  static constexpr std::size_t kMostWaiting = 16;

  void run();
  void carry_out(const Id& id);
  template <typename Change>
  void change(const Id& id, const Change& change);
  void add_names(const Id& id);

  const Found found_;
  const ProbeLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable has_news_;
  std::deque<Scan> scans_;  ///< the oldest first
  std::uint64_t count_ = 0;
  bool is_stopping_ = false;
  Id running_;
  std::atomic<bool> is_cancelled_{false};
  std::thread thread_;
};

}  // namespace flowlensd
