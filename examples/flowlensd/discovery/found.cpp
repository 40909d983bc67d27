#include "discovery/found.hpp"

#include <array>
#include <chrono>

namespace flowlensd {

void tell_found(const Scan& scan, DependencyGraph& map) {
  const Timestamp now = std::chrono::system_clock::now();
  for (const auto& [address, host] : scan.hosts) {
    const std::array<Endpoint, 1> endpoint{Endpoint{SiteId{}, address}};
    if (!map.asset_of(endpoint[0]) && scan.order.is_declaring) {
      Annotation said;
      said.tags = {"discovered"};
      said.said_by = scan.order.by;
      said.said_at = now;
      static_cast<void>(map.declare_asset(endpoint, address.is_private(), said));
    }
    if (host.name.empty()) continue;
    Fact fact;
    fact.subject = endpoint[0];
    fact.attribute = "name";
    fact.value = host.name;
    fact.source = FactSource::dns;
    fact.at = now;
    static_cast<void>(map.apply(fact));
  }
}

}  // namespace flowlensd
