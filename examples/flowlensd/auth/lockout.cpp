#include "auth/lockout.hpp"

#include <algorithm>
#include <utility>

namespace flowlensd {
namespace {

using flowlens::IpAddress;
using flowlens::Timestamp;
using std::chrono::seconds;

/// Whoever has one IPv6 address has the other 2^64 of its network.
std::string key_of(const IpAddress& address) {
  const auto& octets = address.octets();
  const std::size_t count = address.is_v4() ? octets.size() : 8;
  return {octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

seconds Lockout::wait(std::string_view user, const IpAddress& address, Timestamp now) {
  const std::lock_guard lock(mutex_);
  return std::max(wait_in(users_, std::string(user), now),
                  wait_in(addresses_, key_of(address), now));
}

void Lockout::failed(std::string_view user, const IpAddress& address, Timestamp now) {
  const std::lock_guard lock(mutex_);
  count_in(users_, std::string(user), options_.failures_of_user, now);
  count_in(addresses_, key_of(address), options_.failures_of_address, now);
}

void Lockout::succeeded(std::string_view user) {
  const std::lock_guard lock(mutex_);
  forget_in(users_, user);
}

Lockout::Counts Lockout::locked(Timestamp now) const {
  const std::lock_guard lock(mutex_);
  const auto count = [&](const Table& table) {
    return static_cast<std::size_t>(std::count_if(table.entries.begin(), table.entries.end(),
                                                  [&](const Entry& e) { return e.free_at > now; }));
  };
  return {count(users_), count(addresses_)};
}

seconds Lockout::wait_in(Table& table, const std::string& key, Timestamp now) const {
  const auto found = table.by_key.find(key);
  if (found == table.by_key.end()) return seconds{0};
  const Entry& entry = *found->second;
  // A clock that was set back must lock nobody out for longer than it should.
  if (entry.free_at <= now || entry.last > now) return seconds{0};
  return std::chrono::ceil<seconds>(entry.free_at - now);
}

void Lockout::count_in(Table& table, std::string key, std::uint32_t allowed, Timestamp now) {
  Entry entry{std::move(key)};
  const auto found = table.by_key.find(entry.key);
  if (found != table.by_key.end() && found->second->last + options_.memory > now) {
    entry = *found->second;
  }
  ++entry.failures;
  entry.last = now;
  if (entry.failures >= allowed) {
    const std::uint32_t doublings = std::min(entry.failures - allowed, 20u);
    entry.free_at = now + std::min(options_.first_wait * (1u << doublings), options_.longest_wait);
  }
  forget_in(table, entry.key);
  if (table.entries.size() >= options_.max_entries) {
    forget_in(table, std::string(table.entries.back().key));
  }
  table.entries.push_front(std::move(entry));
  table.by_key.emplace(table.entries.front().key, table.entries.begin());
}

void Lockout::forget_in(Table& table, std::string_view key) {
  const auto found = table.by_key.find(key);
  if (found == table.by_key.end()) return;
  const auto entry = found->second;
  table.by_key.erase(found);
  table.entries.erase(entry);
}

}  // namespace flowlensd
