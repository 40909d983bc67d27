#include "aggregate/declared_services.hpp"

#include <algorithm>
#include <tuple>

namespace flowlens::aggregate {

DeclaredServices::DeclaredServices(const AggregatorOptions& options)
    : services_(options.declared_services),
      declared_ports_(std::make_unique<Ports>()),
      listed_ports_(std::make_unique<Ports>()),
      listeners_(options.max_listeners, options.hash_seed) {
  std::stable_sort(
      services_.begin(), services_.end(), [](const DeclaredService& a, const DeclaredService& b) {
        return std::tuple{a.port, b.addresses.length} < std::tuple{b.port, a.addresses.length};
      });
  for (const DeclaredService& s : services_) declared_ports_->set(s.port);
}

std::uint8_t DeclaredServices::declared(const ServiceKey& end) const noexcept {
  if (!declared_ports_->test(end.port)) return 0;
  auto s = std::lower_bound(
      services_.begin(), services_.end(), end.port,
      [](const DeclaredService& service, std::uint16_t port) { return service.port < port; });
  for (; s != services_.end() && s->port == end.port; ++s) {
    if (s->protocol != 0 && s->protocol != end.protocol) continue;
    if (!s->addresses.contains(end.endpoint.address)) continue;
    return static_cast<std::uint8_t>(s->addresses.length + 1);
  }
  return 0;
}

bool DeclaredServices::listed(const ServiceKey& end, Timestamp at) const noexcept {
  if (!listed_ports_->test(end.port)) return false;
  const std::uint32_t position = listeners_.find(end);
  return position != listeners_.kNone && at < listeners_[position].value;
}

bool DeclaredServices::list(const Listener& listener) {
  const auto [position, is_new] =
      listeners_.insert({listener.endpoint, listener.port, listener.protocol});
  if (position == listeners_.kNone) return false;
  listeners_[position].value = listener.expires;
  listed_ports_->set(listener.port);
  return true;
}

}  // namespace flowlens::aggregate
