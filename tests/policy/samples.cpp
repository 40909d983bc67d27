// Writes policies in every dialect into a folder, for dialects_test.py to have them checked: of a map
// with everything that is awkward in it, of a large one and of an empty one.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/external_peers.hpp"
#include "flowlens/policy_export.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;

namespace {

ConnectionSummary use(const std::string& client, const std::string& server, std::uint16_t port,
                      std::uint8_t protocol = 6) {
  ConnectionSummary s = summary(client, server, port);
  s.key.protocol = protocol;
  s.rung = DirectionRung::tcp_flags;
  s.client_internal = client.starts_with("10.") || client.starts_with("fd");
  s.server_internal = server.starts_with("10.") || server.starts_with("fd");
  return s;
}

Policy policy_of(const std::vector<ConnectionSummary>& uses,
                 const std::vector<std::string>& names) {
  DependencyGraph graph;
  graph.apply(uses);
  Revision rows = graph.copy();
  for (std::size_t i = 0; i < names.size() && i < rows.assets.size(); ++i) {
    rows.assets[i].name = names[i];
  }
  PolicyOptions options;
  options.min_hours = 1;
  return propose_policy(rows, options);
}

Policy awkward() {
  std::vector<ConnectionSummary> uses{
      use("10.0.0.1", "10.0.0.2", 5432),       use("10.0.0.1", "10.0.0.2", 8443),
      use("10.0.0.1", "10.0.0.3", 0, 1),       use("fd00::1", "fd00::2", 0, 58),
      use("10.0.0.1", "10.0.0.3", 0, 47),      use("fd00::1", "10.0.0.2", 53, 17),
      use("10.0.0.4", "10.0.0.2", 3868, 132),  use("10.0.0.4", "198.51.100.7", 443),
      use("203.0.113.5", "10.0.0.1", 443),     use("2001:db8::9", "fd00::2", 443),
      use("10.0.0.5", "224.0.0.251", 5353, 17)};
  uses.push_back(use("10.0.0.6", "10.0.0.5", 80));
  uses.back().key.client.address = PeerGroup{}.address();
  uses.back().client_internal = false;
  for (int i = 0; i < 80; ++i) {
    uses.push_back(use("198.18." + std::to_string(i) + ".1", "10.0.0.4", 25));
  }
  return policy_of(uses, {"web\"; flush ruleset; #", "db\n  - evil: true", "{{ .Values.x }}",
                          "x'\r\n# y", "\xff\xfe\x01", "yes", "\xf0\x9f\x98\x80", "*anchor &a !t"});
}

Policy large() {
  std::vector<ConnectionSummary> uses;
  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i) {
    const std::string host = "10.1.0." + std::to_string(1 + i);
    names.push_back("app-" + std::string(1, static_cast<char>('a' + i % 26)) + "-" +
                    std::to_string(i));
    for (int j = 0; j < 6; ++j) {
      uses.push_back(use(host, "10.1.0." + std::to_string(1 + (7 * i + j) % 60),
                         static_cast<std::uint16_t>(1'000 + j)));
    }
  }
  for (int port = 1; port <= 100; ++port) {
    uses.push_back(use("10.1.0.1", "10.1.0.9", static_cast<std::uint16_t>(port)));
  }
  return policy_of(uses, names);
}

void write_all(const std::string& folder, const std::string& name, const Policy& policy) {
  for (std::size_t f = 0; f < kPolicyFormatCount; ++f) {
    for (const bool is_enforced : {false, true}) {
      const auto format = static_cast<PolicyFormat>(f);
      PolicyExportOptions options;
      options.is_enforced = is_enforced;
      std::ofstream out(folder + "/" + name + (is_enforced ? ".enforced." : ".trial.") +
                        std::string(to_string(format)));
      write_policy(policy, format, options, out);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("flowlens-policy-samples FOLDER\n", stderr);
    return 2;
  }
  const std::string folder = arguments[1];
  write_all(folder, "awkward", awkward());
  write_all(folder, "large", large());
  write_all(folder, "empty", Policy{});
  return 0;
}
