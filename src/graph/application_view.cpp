#include "flowlens/application_view.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

namespace flowlens {

namespace {

/// Balancers in front of balancers; more is a ring.
constexpr int kDeepest = 4;

struct Server {
  Endpoint endpoint;
  Id asset;
  std::uint64_t share = 0;  ///< of the front's, in octets
};

/// What a front passes on, over all ports of it that are known.
struct Front {
  Id intermediary;
  std::uint16_t backend_port = 0;
  std::vector<Server> servers;
  std::uint64_t shares = 0;
};

using ServicePort = std::tuple<Endpoint, std::uint8_t, std::uint16_t>;

/// The part of `whole` that lies between two sums of shares: the parts add up to it.
std::uint64_t part(std::uint64_t whole, std::uint64_t from, std::uint64_t to, std::uint64_t all) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(Wide{whole} * to / all - Wide{whole} * from / all);
}

TrafficCounts part(const TrafficCounts& t, std::uint64_t from, std::uint64_t to,
                   std::uint64_t all) {
  return {part(t.flows, from, to, all),
          part(t.octets_to_server, from, to, all),
          part(t.octets_to_client, from, to, all),
          part(t.packets_to_server, from, to, all),
          part(t.packets_to_client, from, to, all),
          part(t.estimated_octets_to_server, from, to, all),
          part(t.estimated_octets_to_client, from, to, all)};
}

std::uint64_t weight(const DependencyRow& row) noexcept {
  return row.totals.estimated_octets_to_server + row.totals.estimated_octets_to_client;
}

}  // namespace

struct ApplicationView::Impl {
  std::map<ServicePort, Front> fronts;
  std::set<Id> passed_on;  ///< dependencies of fronts on what is behind them
  std::int64_t more = 0;   ///< rows than dependencies

  /// Reads what the front asks and who asks it.
  void read(const DependencyGraph& graph, const IntermediaryRow& row) {
    const auto asset = graph.asset_of(row.front);
    if (!asset) return;
    Front front{row.id, row.backend_port, {}, 0};
    std::vector<Id> legs;
    std::int64_t asked = 0;
    DependencyQuery query;
    query.asset = asset->id;
    query.limit = 1'000;
    for (bool is_end = false; !is_end;) {
      const auto page = graph.dependencies(query);
      for (const DependencyRow& d : page.rows) {
        if (d.key.protocol != row.protocol) continue;
        if (d.key.server == row.front && d.key.port == row.front_port) ++asked;
        if (d.key.client != row.front || d.key.port != row.backend_port) continue;
        if (!std::binary_search(row.members.begin(), row.members.end(), d.key.server)) continue;
        front.servers.push_back({d.key.server, d.server_asset, weight(d) + 1});
        front.shares += weight(d) + 1;
        legs.push_back(d.id);
      }
      query.after = page.next;
      is_end = !page.has_more;
    }
    // Without what it passes on there is nothing to show behind it.
    if (front.servers.empty()) return;
    std::sort(front.servers.begin(), front.servers.end(),
              [](const Server& a, const Server& b) { return a.endpoint < b.endpoint; });
    const auto count = static_cast<std::int64_t>(front.servers.size());
    if (!fronts.emplace(ServicePort{row.front, row.protocol, row.front_port}, std::move(front))
             .second) {
      return;
    }
    more += asked * (count - 1) - count;
    passed_on.insert(legs.begin(), legs.end());
  }

  void expand(const ApplicationRow& from, int depth, std::vector<ApplicationRow>& out) const {
    const DependencyKey& key = from.row.key;
    const auto found = fronts.find({key.server, key.protocol, key.port});
    if (found == fronts.end() || depth == kDeepest) {
      out.push_back(from);
      return;
    }
    const Front& front = found->second;
    std::uint64_t done = 0;
    for (const Server& server : front.servers) {
      ApplicationRow to = from;
      to.row.key.server = server.endpoint;
      to.row.key.port = front.backend_port;
      to.row.server_asset = server.asset;
      to.row.service = find_service(key.protocol, front.backend_port);
      to.row.id = derive_id(dependency_namespace(), from.row.id.to_string() + "/via/" +
                                                        front.intermediary.to_string() + "/" +
                                                        std::to_string(server.endpoint.site.value) +
                                                        "/" + server.endpoint.address.to_string());
      to.row.totals = part(from.row.totals, done, done + server.share, front.shares);
      if (!to.intermediary) to.intermediary = front.intermediary;
      done += server.share;
      expand(to, depth + 1, out);
    }
  }
};

ApplicationView::ApplicationView(const DependencyGraph& graph) : impl_(std::make_unique<Impl>()) {
  for (const IntermediaryRow& row : graph.intermediaries()) {
    const bool is_used =
        row.kind == IntermediaryKind::load_balancer && row.state != IntermediaryState::rejected;
    if (is_used) impl_->read(graph, row);
  }
}
ApplicationView::~ApplicationView() = default;
ApplicationView::ApplicationView(ApplicationView&&) noexcept = default;
ApplicationView& ApplicationView::operator=(ApplicationView&&) noexcept = default;

void ApplicationView::append(const DependencyRow& row, std::vector<ApplicationRow>& out) const {
  if (impl_->passed_on.contains(row.id)) return;
  impl_->expand({row, row.id, std::nullopt}, 0, out);
}

std::uint64_t ApplicationView::total(std::uint64_t dependencies) const noexcept {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(dependencies) + impl_->more);
}

}  // namespace flowlens
