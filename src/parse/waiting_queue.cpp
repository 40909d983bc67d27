#include "parse/waiting_queue.hpp"

#include <iterator>

namespace flowlens::parse {

WaitingQueue::WaitingQueue(const ParserOptions& options)
    : by_address_(16, ScopeHash{options.hash_seed}),
      exporters_(16, ScopeHash{options.hash_seed}),
      max_octets_(options.max_waiting_octets),
      max_octets_per_exporter_(options.max_waiting_octets_per_exporter),
      max_time_(options.max_waiting_time) {}

bool WaitingQueue::add(WaitingSet set, GivenUp& given_up) {
  const std::size_t wanted = cost(set);
  if (wanted > max_octets_ || wanted > max_octets_per_exporter_) return false;
  const IpAddress exporter = set.session.exporter;
  for (auto own = exporters_.find(exporter);
       own != exporters_.end() && own->second.octets + wanted > max_octets_per_exporter_;
       own = exporters_.find(exporter)) {
    give_up(own->second.places.front(), given_up);
  }
  while (octets_ + wanted > max_octets_) give_up(nodes_.begin(), given_up);

  // All that can fail comes first; splicing cannot.
  const AddressScope at = set.address();
  Nodes node;
  node.push_back(Node{std::move(set), {}});
  Places in_exporter{node.begin()}, in_address{node.begin()};
  Exporter& own = exporters_[exporter];
  try {
    by_address_[at];
  } catch (...) {
    if (own.places.empty()) exporters_.erase(exporter);
    throw;
  }
  Places& waiting = by_address_.find(at)->second;
  waiting.splice(waiting.end(), in_address);
  own.places.splice(own.places.end(), in_exporter);
  node.front().in_exporter = std::prev(own.places.end());
  own.octets += wanted;
  octets_ += wanted;
  nodes_.splice(nodes_.end(), node);
  return true;
}

const WaitingSet* WaitingQueue::first(const AddressScope& address) const noexcept {
  const auto it = by_address_.find(address);
  return it == by_address_.end() ? nullptr : &it->second.front()->set;
}

bool WaitingQueue::take(const AddressScope& address, WaitingSet& set) noexcept {
  const auto it = by_address_.find(address);
  if (it == by_address_.end()) return false;
  const Nodes::iterator node = it->second.front();
  const std::size_t octets = cost(node->set);
  set = std::move(node->set);
  octets_ -= octets;
  const auto own = exporters_.find(address.exporter);
  own->second.octets -= octets;
  own->second.places.erase(node->in_exporter);
  if (own->second.places.empty()) exporters_.erase(own);
  it->second.pop_front();
  if (it->second.empty()) by_address_.erase(it);
  nodes_.erase(node);
  return true;
}

void WaitingQueue::count(const IpAddress& exporter, std::uint64_t& sets,
                         std::uint64_t& octets) const noexcept {
  const auto own = exporters_.find(exporter);
  if (own == exporters_.end()) return;
  sets = own->second.places.size();
  octets = own->second.octets - sets * kOverhead;
}

void WaitingQueue::give_up(Nodes::iterator node, GivenUp& given_up) noexcept {
  // The oldest of all, or of its exporter, is the oldest of its address too.
  WaitingSet set;
  take(node->set.address(), set);
  ++given_up.sets;
  given_up.octets += set.body.size();
}

void WaitingQueue::expire(Timestamp now, GivenUp& given_up) noexcept {
  for (int i = 0; i < kGivenUpAtOnce && !nodes_.empty(); ++i) {
    if (now - nodes_.front().set.received <= max_time_) return;
    give_up(nodes_.begin(), given_up);
  }
}

}  // namespace flowlens::parse
