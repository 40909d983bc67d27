#include "discovery/scans.hpp"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

IpAddress after(const IpAddress& address) {
  auto octets = address.octets();
  for (std::size_t i = octets.size(); i-- > 0;) {
    if (++octets[i] != 0) break;
  }
  return IpAddress::v6(octets);
}

/// Of the asked resolver of this system; empty where there is none.
std::string name_of(const IpAddress& address) {
  sockaddr_storage storage{};
  socklen_t length = 0;
  if (address.is_v4()) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    v4->sin_addr.s_addr = htonl(address.to_v4());
    length = sizeof(sockaddr_in);
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    std::memcpy(&v6->sin6_addr, address.octets().data(), 16);
    length = sizeof(sockaddr_in6);
  }
  std::array<char, NI_MAXHOST> name{};
  const int error = ::getnameinfo(reinterpret_cast<const sockaddr*>(&storage), length, name.data(),
                                  name.size(), nullptr, 0, NI_NAMEREQD);
  return error == 0 ? std::string(name.data()) : std::string();
}

std::vector<Probe> probes_of(const ScanOrder& order) {
  std::vector<Probe> probes;
  for (const IpAddress& address : addresses_of(order.targets).value_or(std::vector<IpAddress>{})) {
    if (order.with_echo) probes.push_back({address, 0});
    for (const std::uint16_t port : order.ports) probes.push_back({address, port});
  }
  return probes;
}

}  // namespace

std::optional<std::vector<IpAddress>> addresses_of(const std::vector<IpPrefix>& targets) {
  std::set<IpAddress> addresses;
  for (const IpPrefix& target : targets) {
    if (128 - target.length > 12) return std::nullopt;  // more than 4,096
    IpAddress address = target.address;
    for (std::size_t left = std::size_t{1} << (128 - target.length); left > 0; --left) {
      addresses.insert(address);
      address = after(address);
    }
    if (addresses.size() > kMostScannedAddresses) return std::nullopt;
  }
  return std::vector<IpAddress>(addresses.begin(), addresses.end());
}

Scans::Scans(Tasks& tasks, Found found, const ProbeLimits& limits)
    : tasks_(tasks), found_(std::move(found)), limits_(limits) {}

std::optional<Scan> Scans::add(ScanOrder order) {
  const auto record = std::make_shared<Record>(std::move(order));
  TaskOrder task;
  task.kind = "scan";
  task.by = record->order.by;
  task.total = probes_of(record->order).size();
  task.work = [this, record](TaskRun& run) { carry_out(*record, run); };
  const std::lock_guard lock(mutex_);
  const auto added = tasks_.add(std::move(task));
  if (!added) return std::nullopt;
  records_[added->id] = record;
  forget_those_gone();
  return Scan{*added, record->order, {}};
}

void Scans::forget_those_gone() {
  std::erase_if(records_, [this](const auto& entry) { return !tasks_.find(entry.first); });
}

std::vector<Scan> Scans::all() const {
  const std::vector<Task> tasks = tasks_.all();
  const std::lock_guard lock(mutex_);
  std::vector<Scan> all;
  for (const Task& task : tasks) {
    const auto found = records_.find(task.id);
    if (found != records_.end()) all.push_back({task, found->second->order, {}});
  }
  return all;
}

std::optional<Scan> Scans::find(const Id& id) const {
  const auto task = tasks_.find(id);
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  if (!task || found == records_.end()) return std::nullopt;
  const std::lock_guard record_lock(found->second->mutex);
  return Scan{*task, found->second->order, found->second->hosts};
}

bool Scans::cancel(const Id& id) {
  {
    const std::lock_guard lock(mutex_);
    if (!records_.contains(id)) return false;
  }
  return tasks_.cancel(id);
}

void Scans::carry_out(Record& record, TaskRun& run) const {
  const auto answered = [&](const Probe& probe) {
    const std::lock_guard lock(record.mutex);
    FoundHost& host = record.hosts[probe.address];
    auto& open = host.open_ports;
    if (probe.port == 0) {
      host.answers_echo = true;
    } else {
      open.insert(std::lower_bound(open.begin(), open.end(), probe.port), probe.port);
    }
  };
  const std::string problem = run_probes(probes_of(record.order), limits_, run.is_cancelled(),
                                         answered, [&] { run.step(); });
  if (!problem.empty()) throw IoError(problem);
  // Nobody but this thread changes the hosts. The resolver of the system may keep each for seconds.
  for (const auto& [address, host] : record.hosts) {
    if (run.is_cancelled()) return;
    if (!record.order.with_names) break;
    std::string name = name_of(address);
    const std::lock_guard lock(record.mutex);
    record.hosts[address].name = std::move(name);
  }
  if (!run.is_cancelled()) found_({{}, record.order, record.hosts});
}

}  // namespace flowlensd
