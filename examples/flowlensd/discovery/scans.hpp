/// \file
/// discovery: scans that people ask for, as tasks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "discovery/probes.hpp"
#include "library.hpp"
#include "tasks/tasks.hpp"

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

/// What answered.
struct FoundHost {
  std::vector<std::uint16_t> open_ports;  ///< ascending
  bool answers_echo = false;
  std::string name;  ///< empty: none asked for, or none there
};

struct Scan {
  Task task;  ///< its steps are probes
  ScanOrder order;
  std::map<IpAddress, FoundHost> hosts;
};

/// The addresses of the targets, each once. \return nothing for more than kMostScannedAddresses.
[[nodiscard]] std::optional<std::vector<IpAddress>> addresses_of(
    const std::vector<IpPrefix>& targets);

/// Scans are tasks of kind `scan`; this keeps what they were told and what they found, as long as those
/// are kept. Thread-safe.
class Scans {
 public:
  /// \param found  called with what a scan has found, by a thread of the tasks.
  using Found = std::function<void(const Scan&)>;
  /// \param tasks  outlives this, and ends before this does: Tasks::stop().
  Scans(Tasks& tasks, Found found, const ProbeLimits& limits = {});

  /// \return nothing if too many wait already.
  std::optional<Scan> add(ScanOrder order);
  [[nodiscard]] std::vector<Scan> all() const;  ///< the newest first, without their hosts
  [[nodiscard]] std::optional<Scan> find(const Id& id) const;
  /// \return false for one that is not there, or over.
  bool cancel(const Id& id);

 private:
  /// Shared by the scan's work and those who ask.
  struct Record {
    explicit Record(ScanOrder o) : order(std::move(o)) {}
    const ScanOrder order;
    mutable std::mutex mutex;
    std::map<IpAddress, FoundHost> hosts;
  };

  void carry_out(Record& record, TaskRun& run) const;
  void forget_those_gone();

  Tasks& tasks_;
  const Found found_;
  const ProbeLimits limits_;
  mutable std::mutex mutex_;
  std::map<Id, std::shared_ptr<Record>> records_;
};

}  // namespace flowlensd
