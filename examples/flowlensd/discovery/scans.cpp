#include "discovery/scans.hpp"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <set>
#include <utility>

#include "log.hpp"

namespace flowlensd {
namespace {

Timestamp now() { return std::chrono::system_clock::now(); }

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

bool is_over(ScanState s) noexcept { return s != ScanState::waiting && s != ScanState::running; }

}  // namespace

std::string_view to_string(ScanState s) noexcept {
  constexpr std::string_view kNames[] = {"waiting", "running", "finished", "cancelled", "failed"};
  return kNames[static_cast<std::size_t>(s)];
}

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

Scans::Scans(Found found, const ProbeLimits& limits)
    : found_(std::move(found)), limits_(limits), thread_([this] { run(); }) {}

Scans::~Scans() { stop(); }

void Scans::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    is_cancelled_ = true;
  }
  has_news_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<Scan> Scans::add(ScanOrder order) {
  Scan scan;
  scan.probes = probes_of(order).size();
  scan.order = std::move(order);
  scan.ordered_at = now();
  const std::lock_guard lock(mutex_);
  const auto waiting = std::count_if(scans_.begin(), scans_.end(),
                                     [](const Scan& s) { return s.state == ScanState::waiting; });
  if (is_stopping_ || static_cast<std::size_t>(waiting) >= kMostWaiting) return std::nullopt;
  const std::string text =
      std::to_string(to_unix_ns(scan.ordered_at)) + "/" + std::to_string(count_++);
  scan.id = derive_id(Id{}, "scan/" + text);
  scans_.push_back(scan);
  if (scans_.size() > kMostKept) scans_.pop_front();
  has_news_.notify_all();
  return scan;
}

std::vector<Scan> Scans::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Scan> all(scans_.rbegin(), scans_.rend());
  for (Scan& scan : all) scan.hosts.clear();
  return all;
}

std::optional<Scan> Scans::find(const Id& id) const {
  const std::lock_guard lock(mutex_);
  for (const Scan& scan : scans_) {
    if (scan.id == id) return scan;
  }
  return std::nullopt;
}

bool Scans::cancel(const Id& id) {
  const std::lock_guard lock(mutex_);
  for (Scan& scan : scans_) {
    if (scan.id != id || is_over(scan.state)) continue;
    if (scan.state == ScanState::running) {
      is_cancelled_ = true;  // its thread says the rest
    } else {
      scan.state = ScanState::cancelled;
      scan.ended_at = now();
    }
    return true;
  }
  return false;
}

template <typename Change>
void Scans::change(const Id& id, const Change& change) {
  const std::lock_guard lock(mutex_);
  for (Scan& scan : scans_) {
    if (scan.id == id) change(scan);
  }
}

void Scans::run() {
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    const auto next = std::find_if(scans_.begin(), scans_.end(),
                                   [](const Scan& s) { return s.state == ScanState::waiting; });
    if (next == scans_.end()) {
      has_news_.wait(lock);
      continue;
    }
    next->state = ScanState::running;
    next->begun_at = now();
    is_cancelled_ = false;
    const Id id = next->id;
    lock.unlock();
    carry_out(id);
    lock.lock();
  }
}

/// The resolver of the system may keep each of them for seconds.
void Scans::add_names(const Id& id) {
  const auto scan = find(id);
  if (!scan) return;
  for (const auto& [address, host] : scan->hosts) {
    if (is_cancelled_) return;
    std::string name = name_of(address);
    change(id, [&, &address = address](Scan& s) { s.hosts[address].name = std::move(name); });
  }
}

void Scans::carry_out(const Id& id) {
  const ScanOrder order = find(id).value_or(Scan{}).order;
  const auto answered = [&](const Probe& probe) {
    change(id, [&](Scan& s) {
      FoundHost& host = s.hosts[probe.address];
      if (probe.port == 0) {
        host.answers_echo = true;
      } else {
        host.open_ports.insert(
            std::lower_bound(host.open_ports.begin(), host.open_ports.end(), probe.port),
            probe.port);
      }
    });
  };
  const auto done = [&] { change(id, [](Scan& s) { ++s.done; }); };
  const std::string problem = run_probes(probes_of(order), limits_, is_cancelled_, answered, done);
  if (problem.empty() && order.with_names) add_names(id);
  if (const auto scan = find(id); scan && problem.empty() && !is_cancelled_) found_(*scan);
  change(id, [&](Scan& s) {
    s.problem = problem;
    s.state = !problem.empty() ? ScanState::failed
              : is_cancelled_  ? ScanState::cancelled
                               : ScanState::finished;
    s.ended_at = now();
    log::info("discovery", "a scan is over",
              {{"state", std::string(to_string(s.state))},
               {"probes", s.done},
               {"hosts", s.hosts.size()}});
  });
}

}  // namespace flowlensd
