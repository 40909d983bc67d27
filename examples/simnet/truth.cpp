#include "truth.hpp"

#include <algorithm>
#include <ostream>
#include <string>

#include "routing.hpp"

namespace simnet {
namespace {

std::string protocol_names(unsigned bits) {
  std::string names;
  for (unsigned i = 0; i < 4; ++i) {
    if ((bits >> i & 1) == 0) continue;
    if (!names.empty()) names += '+';
    names += name_of(static_cast<Protocol>(i));
  }
  return names;
}

}  // namespace

Truth::Truth(const World& world)
    : world_(world),
      dependencies_(world.dependencies.size()),
      behind_(world.dependencies.size()),
      attempts_(world.attempts.size()) {}

void Truth::add(const Conversation& conversation, const Exported& exported) {
  if (conversation.is_scan) return;
  auto& used = conversation.leg == Leg::back ? behind_ : dependencies_;
  Totals& totals =
      conversation.dependency != nullptr
          ? used[static_cast<std::size_t>(conversation.dependency - world_.dependencies.data())]
          : attempts_[static_cast<std::size_t>(conversation.attempt - world_.attempts.data())];
  const auto add_half = [](HalfTotals& sum, const HalfTotals& half) {
    sum.octets += half.octets;
    sum.packets += half.packets;
  };
  ++totals.conversations;
  totals.flows += exported.flows;
  totals.protocols |= exported.protocols;
  totals.by_inner |= exported.by_inner;
  totals.by_outer |= exported.by_outer;
  totals.by_front |= exported.by_front;
  add_half(totals.to_server, conversation.dialogue.to_server());
  add_half(totals.to_client, conversation.dialogue.to_client());
}

void Truth::write_dependencies(std::ostream& out) const {
  out << "client,server,protocol,port,service,flows,octets_to_server,octets_to_client,"
         "packets_to_server,packets_to_client,exporter_protocols,conversations,client_name,"
         "server_name,direction,via,view\n";
  for (std::size_t i = 0; i < dependencies_.size(); ++i) {
    const Dependency& dependency = world_.dependencies[i];
    if (dependencies_[i].conversations == 0) continue;
    const Row row{i,
                  &world_.hosts[dependency.client],
                  &world_.hosts[dependency.server],
                  dependency.port,
                  "",
                  "both"};
    if (world_.is_passed_on(dependency)) {
      write_passed_on(out, row);
    } else if (world_.is_translated(dependency) || dependency.front) {
      write_translated(out, row);
    } else {
      write_row(out, row, dependencies_[i]);
    }
  }
}

/// The dependency is the client's own, on the real server; what passes elsewhere bears the addresses of
/// translators and virtual servers.
void Truth::write_translated(std::ostream& out, const Row& whole) const {
  const Dependency& dependency = world_.dependencies[whole.dependency];
  const Totals& totals = dependencies_[whole.dependency];
  const Host* outer =
      world_.is_translated(dependency) ? &world_.hosts[*whole.client->translator] : nullptr;
  const Host* front = dependency.front ? &world_.hosts[*dependency.front] : nullptr;
  if (totals.by_inner) {
    Row row = whole;
    row.via = outer != nullptr ? outer->ipv4.text() : world_.asked_address(dependency).text();
    row.view = world_.is_passed_on(dependency) ? "network" : "application";
    write_row(out, row, totals);
  }
  for (const bool outside : {false, true}) {
    for (const bool in_front : {false, true}) {
      if ((outside && !totals.by_outer) || (in_front && !totals.by_front)) continue;
      if (!outside && !in_front) continue;
      Row row = whole;
      if (outside) row.client = outer;
      if (in_front) row.server = front;
      if (in_front) row.port = front->served.front();
      row.view = "wire";
      write_row(out, row, totals);
    }
  }
}

void Truth::write_passed_on(std::ostream& out, const Row& whole) const {
  const Dependency& dependency = world_.dependencies[whole.dependency];
  const Host& proxy = world_.hosts[*dependency.front];
  const Totals& totals = dependencies_[whole.dependency];
  Row asked = whole;
  asked.server = &proxy;
  asked.port = proxy.served.front();
  Row asks = whole;
  asks.client = &proxy;
  asked.view = asks.view = "network";
  Row all = whole;
  all.via = world_.asked_address(dependency).text();
  all.view = "balanced";
  if (world_.is_translated(dependency)) {
    write_translated(out, asked);
  } else {
    write_row(out, asked, totals);
  }
  write_row(out, asks, behind_[whole.dependency]);
  write_row(out, all, totals);
}

void Truth::write_row(std::ostream& out, const Row& row, const Totals& totals) const {
  const Dependency& dependency = world_.dependencies[row.dependency];
  const auto address = [&](const Host& host) -> const Address& {
    return dependency.over_ipv6 ? host.ipv6 : host.ipv4;
  };
  out << address(*row.client).text() << ',' << address(*row.server).text() << ','
      << (dependency.service->protocol == kTcp ? "tcp" : "udp") << ',' << row.port << ','
      << dependency.service->name << ',' << totals.flows << ',' << totals.to_server.octets << ','
      << totals.to_client.octets << ',' << totals.to_server.packets << ','
      << totals.to_client.packets << ',' << protocol_names(totals.protocols) << ','
      << totals.conversations << ',' << row.client->name << ',' << row.server->name << ','
      << (dependency.is_peer ? "peer" : "client_server") << ',' << row.via << ',' << row.view
      << '\n';
}

void Truth::write_attempts(std::ostream& out) const {
  out << "client,server,protocol,port,outcome,flows,packets_to_server,packets_to_client,"
         "exporter_protocols,attempts\n";
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    const Attempt& attempt = world_.attempts[i];
    const Totals& totals = attempts_[i];
    if (totals.conversations == 0) continue;
    out << world_.hosts[attempt.client].ipv4.text() << ','
        << world_.hosts[attempt.server].ipv4.text() << ",tcp," << attempt.port << ','
        << (attempt.outcome == Outcome::refused ? "refused" : "unanswered") << ',' << totals.flows
        << ',' << totals.to_server.packets << ',' << totals.to_client.packets << ','
        << protocol_names(totals.protocols) << ',' << totals.conversations << '\n';
  }
}

void Truth::write_assets(std::ostream& out) const {
  out << "address,asset_type,name\n";
  for (const Host& host : world_.hosts) {
    for (const Address* address : {&host.ipv4, &host.ipv6}) {
      out << address->text() << ',' << host.type << ',' << host.name << '\n';
    }
  }
}

void Truth::add_way(std::size_t exporter, const Address& destination, const Address& next_hop,
                    Time at) {
  Used& used = ways_[{exporter, network_of(destination), next_hop}];
  ++used.records;
  used.first = std::min(used.first, at);
  used.last = std::max(used.last, at);
}

void Truth::write_gateways(std::ostream& out) const {
  out << "exporter,network,next_hop,records,first_ms,last_ms\n";
  for (const auto& [way, used] : ways_) {
    out << way.exporter << ',' << way.network.text() << (way.network.is_ipv6 ? "/48" : "/16") << ','
        << way.next_hop.text() << ',' << used.records << ',' << to_milliseconds(used.first) << ','
        << to_milliseconds(used.last) << '\n';
  }
}

std::size_t Truth::dependencies_used() const {
  return static_cast<std::size_t>(
      std::count_if(dependencies_.begin(), dependencies_.end(),
                    [](const Totals& totals) { return totals.conversations > 0; }));
}

}  // namespace simnet
