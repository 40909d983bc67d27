#include "truth.hpp"

#include <algorithm>
#include <ostream>
#include <string>

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
    : world_(world), dependencies_(world.dependencies.size()), attempts_(world.attempts.size()) {}

void Truth::add(const Conversation& conversation, const Exported& exported) {
  if (conversation.is_scan) return;
  Totals& totals =
      conversation.dependency != nullptr
          ? dependencies_[static_cast<std::size_t>(conversation.dependency -
                                                   world_.dependencies.data())]
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
    const Host& client = world_.hosts[dependency.client];
    const Address& own = world_.client_address(dependency);
    if (!world_.is_translated(dependency)) {
      write_row(out, i, client.name, own, "", "both");
      continue;
    }
    // The dependency is the client's; what passes outside bears the translator's address.
    const Host& translator = world_.hosts[*client.translator];
    if (dependencies_[i].by_inner) {
      write_row(out, i, client.name, own, translator.ipv4.text(), "application");
    }
    if (dependencies_[i].by_outer) {
      write_row(out, i, translator.name, translator.ipv4, "", "wire");
    }
  }
}

void Truth::write_row(std::ostream& out, std::size_t number, const std::string& client_name,
                      const Address& client, const std::string& via, const char* view) const {
  const Dependency& dependency = world_.dependencies[number];
  const Totals& totals = dependencies_[number];
  out << client.text() << ',' << world_.server_address(dependency).text() << ','
      << (dependency.service->protocol == kTcp ? "tcp" : "udp") << ',' << dependency.port << ','
      << dependency.service->name << ',' << totals.flows << ',' << totals.to_server.octets << ','
      << totals.to_client.octets << ',' << totals.to_server.packets << ','
      << totals.to_client.packets << ',' << protocol_names(totals.protocols) << ','
      << totals.conversations << ',' << client_name << ',' << world_.hosts[dependency.server].name
      << ',' << (dependency.is_peer ? "peer" : "client_server") << ',' << via << ',' << view
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

std::size_t Truth::dependencies_used() const {
  return static_cast<std::size_t>(
      std::count_if(dependencies_.begin(), dependencies_.end(),
                    [](const Totals& totals) { return totals.conversations > 0; }));
}

}  // namespace simnet
