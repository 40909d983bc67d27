#include "flowlens/policy.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/error.hpp"
#include "flowlens/external_peers.hpp"
#include "flowlens/policy_export.hpp"
#include "support/snapshots.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;

namespace {

ConnectionSummary use(std::string_view client, std::string_view server, std::uint16_t port,
                      DirectionRung rung = DirectionRung::tcp_flags) {
  ConnectionSummary s = summary(client, server, port);
  s.rung = rung;
  s.client_internal = client.starts_with("10.") || client.starts_with("fd");
  s.server_internal = server.starts_with("10.") || server.starts_with("fd");
  s.provisional = false;
  return s;
}

/// Every use in so many hours.
Revision rows_of(std::vector<ConnectionSummary> uses, int hours = 3) {
  DependencyGraph graph;
  for (int hour = 0; hour < hours; ++hour) {
    graph.apply(uses);
    for (ConnectionSummary& s : uses) {
      s.window_start += std::chrono::hours{1};
      s.first += std::chrono::hours{1};
      s.last += std::chrono::hours{1};
    }
  }
  return graph.copy();
}
void name(Revision& rows, std::string_view of, std::string name) {
  for (AssetRow& a : rows.assets) {
    if (a.endpoints.front().endpoint.address == address(of)) a.name = name;
  }
}
const PolicyGroup& group_with(const Policy& p, std::string_view of) {
  for (const PolicyGroup& g : p.groups) {
    const auto& all = g.addresses;
    if (std::find(all.begin(), all.end(), address(of)) != all.end()) return g;
  }
  FAIL("no group has the address");
  return p.groups.front();
}
PolicyVerdict verdict(const Policy& p, std::string_view client, std::string_view server,
                      std::uint16_t port, std::uint8_t protocol = 6) {
  return PolicyEvaluator{p}.verdict(address(client), address(server), protocol, port);
}
std::string written(const Policy& p, PolicyFormat f, const PolicyExportOptions& o = {}) {
  std::ostringstream out;
  write_policy(p, f, o, out);
  return out.str();
}
std::size_t count(const std::string& text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("policy: what is seen is allowed, in its direction and at its port") {
  const Revision rows =
      rows_of({use("10.0.0.1", "10.0.0.2", 5432), use("203.0.113.9", "10.0.0.1", 443)});
  const Policy p = propose_policy(rows);
  CHECK(p.groups.size() == 2);
  CHECK(p.coverage.dependencies == 2);
  CHECK(p.coverage.allowed == 2);
  CHECK(verdict(p, "10.0.0.1", "10.0.0.2", 5432).is_allowed());
  CHECK(verdict(p, "203.0.113.9", "10.0.0.1", 443).is_allowed());
  const PolicyVerdict back = verdict(p, "10.0.0.2", "10.0.0.1", 5432);
  CHECK(back.is_egress_blocked);
  CHECK(back.is_ingress_blocked);
  CHECK_FALSE(verdict(p, "10.0.0.1", "10.0.0.2", 5433).is_allowed());
  CHECK_FALSE(verdict(p, "10.0.0.1", "10.0.0.2", 5432, 17).is_allowed());
  CHECK_FALSE(verdict(p, "203.0.113.8", "10.0.0.1", 443).is_allowed());
  const PolicyVerdict others = verdict(p, "203.0.113.8", "203.0.113.9", 443);
  CHECK_FALSE(others.is_covered);
  CHECK(others.is_allowed());
}

TEST_CASE("policy: what is left out, why, and what that would block") {
  std::vector<ConnectionSummary> uses{use("10.0.0.1", "10.0.0.2", 80)};
  uses.push_back(use("10.0.0.1", "10.0.0.2", 81, DirectionRung::lower_port));
  uses.push_back(use("10.0.0.1", "10.0.0.2", 0));
  uses.back().direction = Direction::unknown;
  const Revision rows = rows_of(uses);
  const Policy p = propose_policy(rows);
  CHECK(p.coverage.dependencies == 3);
  CHECK(p.coverage.allowed == 1);
  CHECK(p.left_out.size() == 2);
  CHECK(p.left_out_counts[static_cast<std::size_t>(PolicyGap::low_confidence)] == 1);
  CHECK(p.left_out_counts[static_cast<std::size_t>(PolicyGap::unclear_direction)] == 1);
  const PolicyPreview preview = preview_policy(p, rows.dependencies);
  CHECK(preview.dependencies == 3);
  CHECK(preview.blocked_dependencies == 2);
  CHECK(preview.blocked_flows == 12);
  CHECK(preview_policy(p, rows.dependencies, 1).blocked.size() == 1);

  PolicyOptions steady;
  steady.min_hours = 4;
  const Policy none = propose_policy(rows, steady);
  CHECK(none.coverage.allowed == 0);
  CHECK(none.left_out_counts[static_cast<std::size_t>(PolicyGap::low_support)] == 1);
  steady.max_listed = 1;
  CHECK(propose_policy(rows, steady).left_out.size() == 1);
}

TEST_CASE("policy: only the assets of the question are guarded; others are networks") {
  const Revision rows = rows_of({use("10.0.0.1", "10.0.0.2", 80), use("10.0.0.2", "10.0.0.3", 5432),
                                 use("10.0.0.3", "10.0.0.4", 53)});
  PolicyOptions o;
  for (const AssetRow& a : rows.assets) {
    if (a.endpoints.front().endpoint.address == address("10.0.0.2")) o.assets.push_back(a.id);
  }
  const Policy p = propose_policy(rows, o);
  CHECK(p.groups.size() == 1);
  CHECK(p.coverage.dependencies == 2);
  CHECK(p.groups[0].ingress.at(0).peer.network.to_string() == "10.0.0.1/32");
  CHECK(p.groups[0].egress.at(0).peer.network.to_string() == "10.0.0.3/32");
}

TEST_CASE("policy: peers that both may begin are allowed both ways") {
  std::vector<ConnectionSummary> uses{use("10.0.0.1", "10.0.0.2", 179)};
  uses[0].direction = Direction::peer;
  const Policy p = propose_policy(rows_of(uses));
  CHECK(verdict(p, "10.0.0.1", "10.0.0.2", 179).is_allowed());
  CHECK(verdict(p, "10.0.0.2", "10.0.0.1", 179).is_allowed());
}

TEST_CASE("policy: assets named alike that serve alike are one group") {
  Revision rows = rows_of({use("10.0.0.9", "10.0.0.1", 80), use("10.0.0.9", "10.0.0.2", 80),
                           use("10.0.0.9", "10.0.0.3", 81), use("10.0.0.9", "10.0.0.4", 80),
                           use("10.0.0.9", "10.0.0.5", 80)});
  name(rows, "10.0.0.1", "web-1.shop");
  name(rows, "10.0.0.2", "web-2.shop");
  name(rows, "10.0.0.3", "web-3.shop");  // serves another port
  name(rows, "10.0.0.4", "ip-10-0-0-4");
  name(rows, "10.0.0.5", "ip-10-0-0-5");  // alike because of the address only
  const Policy p = propose_policy(rows);
  CHECK(p.groups.size() == 5);
  CHECK(group_with(p, "10.0.0.1").assets.size() == 2);
  CHECK(group_with(p, "10.0.0.1").name == "web");
  CHECK(group_with(p, "10.0.0.3").name == "web-3-shop");
  CHECK(verdict(p, "10.0.0.9", "10.0.0.2", 80).is_allowed());
  CHECK_FALSE(verdict(p, "10.0.0.9", "10.0.0.2", 81).is_allowed());
  PolicyOptions apart;
  apart.has_replica_groups = false;
  CHECK(propose_policy(rows, apart).groups.size() == 6);
}

TEST_CASE("policy: many addresses become networks, and say so") {
  std::vector<ConnectionSummary> near, far, everywhere;
  for (int i = 1; i < 60; ++i) {
    const std::string n = std::to_string(i);
    near.push_back(use("198.51.100." + n, "10.0.0.1", 443));
    far.push_back(use("198.51." + n + ".7", "10.0.0.1", 443));
    everywhere.push_back(use(std::to_string(100 + i) + ".9.9.9", "10.0.0.1", 443));
  }
  const struct {
    const std::vector<ConnectionSummary>& uses;
    const char* want;
  } cases[] = {{near, "198.51.100.0/24"}, {far, "198.51.0.0/16"}, {everywhere, "0.0.0.0/0"}};
  for (const auto& c : cases) {
    INFO(std::string(c.want));
    const Revision rows = rows_of(c.uses);
    const Policy p = propose_policy(rows);
    REQUIRE(group_with(p, "10.0.0.1").ingress.size() >= 1);
    const PolicyRule& r = group_with(p, "10.0.0.1").ingress[0];
    CHECK(r.peer.network.to_string() == c.want);
    CHECK(r.is_widened);
    CHECK(p.widened_rules == 1);
    CHECK(preview_policy(p, rows.dependencies).blocked_dependencies == 0);
    CHECK_FALSE(verdict(p, "2001:db8::1", "10.0.0.1", 443).is_allowed());
  }
}

TEST_CASE("policy: all of IPv6 is not all of IPv4") {
  std::vector<ConnectionSummary> uses;
  for (int i = 10; i < 60; ++i) {
    uses.push_back(use("20" + std::to_string(i) + ":db8::1", "10.0.0.1", 443));
  }
  const Policy p = propose_policy(rows_of(uses));
  CHECK(group_with(p, "10.0.0.1").ingress.at(0).peer.network.to_string() == "::/0");
  CHECK(verdict(p, "2a00::1", "10.0.0.1", 443).is_allowed());
  CHECK_FALSE(verdict(p, "198.51.100.1", "10.0.0.1", 443).is_allowed());
}

TEST_CASE("policy: external peers shown together stand for their prefix, or for everyone") {
  const PeerGroup prefix{PeerGrouping::prefix, 0xcb00'7100'0000, 120};
  const PeerGroup all{};
  std::vector<ConnectionSummary> uses{use("10.0.0.7", "10.0.0.1", 80),
                                      use("10.0.0.7", "10.0.0.2", 80)};
  uses[0].key.client.address = prefix.address();
  uses[1].key.client.address = all.address();
  uses[0].client_internal = uses[1].client_internal = false;
  const Revision rows = rows_of(uses);
  const Policy p = propose_policy(rows);
  CHECK(p.coverage.allowed == 2);
  CHECK(group_with(p, "10.0.0.1").ingress[0].peer.network.to_string() == prefix.to_string());
  CHECK(verdict(p, "10.0.0.7", "10.0.0.2", 80).is_allowed());
  CHECK(verdict(p, "2001:db8::1", "10.0.0.2", 80).is_allowed());
  CHECK_FALSE(verdict(p, "10.0.0.7", "10.0.0.1", 80).is_allowed());
  CHECK(preview_policy(p, rows.dependencies).blocked_dependencies == 0);
}

TEST_CASE("policy: limits hold, and what has no room is counted") {
  std::vector<ConnectionSummary> uses;
  for (int i = 1; i < 40; ++i) {
    uses.push_back(use("10.0.1." + std::to_string(i), "10.0.0.1", static_cast<std::uint16_t>(i)));
  }
  const Revision rows = rows_of(uses);
  PolicyOptions o;
  o.max_groups = 1;
  const Policy one = propose_policy(rows, o);
  CHECK(one.groups.size() == 1);
  CHECK(one.groups[0].addresses[0] == address("10.0.0.1"));  // the one with the most uses
  CHECK(one.coverage.allowed == 39);
  o.max_rules = 10;
  const Policy few = propose_policy(rows, o);
  CHECK(few.groups[0].ingress.size() == 10);
  CHECK(few.coverage.allowed == 10);
  CHECK(few.left_out_counts[static_cast<std::size_t>(PolicyGap::over_limit)] == 29);
  for (const auto wrong :
       {&PolicyOptions::max_groups, &PolicyOptions::max_rules, &PolicyOptions::max_addresses}) {
    PolicyOptions bad;
    bad.*wrong = 0;
    CHECK_THROWS_AS((void)propose_policy(rows, bad), ConfigError);
  }
  PolicyOptions sure;
  sure.min_confidence = 1.5f;
  CHECK_THROWS_AS((void)propose_policy(rows, sure), ConfigError);
}

TEST_CASE("policy: on any map, what it was made from is allowed and nothing else") {
  Dice dice{7};
  for (int round = 0; round < 200; ++round) {
    const std::uint32_t hosts = 2 + dice.roll(8);
    const auto any = [&] {
      const std::uint32_t h = dice.roll(hosts);
      return (h % 3 == 0 ? "198.51.100." : "10.0.0.") + std::to_string(1 + h);
    };
    std::set<std::tuple<std::string, std::string, std::uint16_t>> seen;
    std::vector<ConnectionSummary> uses;
    for (std::uint32_t i = 0, n = 1 + dice.roll(30); i < n; ++i) {
      const std::string client = any(), server = any();
      const auto port = static_cast<std::uint16_t>(80 + dice.roll(3));
      if (client == server || !seen.emplace(client, server, port).second) continue;
      uses.push_back(use(client, server, port));
    }
    const Revision rows = rows_of(uses);
    const Policy p = propose_policy(rows);
    REQUIRE(preview_policy(p, rows.dependencies).blocked_dependencies == 0);
    for (std::uint32_t i = 0; i < 30; ++i) {
      const std::string client = any(), server = any();
      const auto port = static_cast<std::uint16_t>(80 + dice.roll(3));
      const PolicyVerdict v = verdict(p, client, server, port);
      CAPTURE(client);
      CAPTURE(server);
      REQUIRE((!v.is_covered || v.is_allowed() == seen.contains({client, server, port})));
    }
  }
}

TEST_CASE("policy formats: known by name, the same octets for the same policy, refused options") {
  for (std::size_t i = 0; i < kPolicyFormatCount; ++i) {
    const auto f = static_cast<PolicyFormat>(i);
    CHECK(parse_policy_format(to_string(f)) == f);
  }
  CHECK_FALSE(parse_policy_format("Kubernetes"));
  std::vector<ConnectionSummary> uses{use("10.0.0.1", "10.0.0.2", 5432),
                                      use("203.0.113.9", "10.0.0.1", 443),
                                      use("fd00::5", "10.0.0.1", 22)};
  const Policy forward = propose_policy(rows_of(uses));
  std::reverse(uses.begin(), uses.end());
  Revision other = rows_of(uses);
  std::reverse(other.assets.begin(), other.assets.end());
  const Policy backward = propose_policy(other);
  for (std::size_t i = 0; i < kPolicyFormatCount; ++i) {
    CAPTURE(i);
    const auto f = static_cast<PolicyFormat>(i);
    CHECK(written(forward, f) == written(backward, f));
  }
  for (const char* bad : {"", "a b", "-a", "a/", "/a", "A.b/c", "a/b/c", "a: b", "a\nb"}) {
    CAPTURE(bad);
    PolicyExportOptions o;
    o.label_key = bad;
    CHECK_THROWS_AS(written(forward, PolicyFormat::kubernetes, o), ConfigError);
  }
  PolicyExportOptions o;
  o.k8s_namespace = "Shop";
  CHECK_THROWS_AS(written(forward, PolicyFormat::kubernetes, o), ConfigError);
  o.k8s_namespace = "shop";
  CHECK(count(written(forward, PolicyFormat::kubernetes, o), "namespace: shop\n") == 3);
}

TEST_CASE("policy formats: a name from the network never becomes syntax") {
  const std::string hostile[] = {"a\"\n  - evil: true\n#",
                                 "web\\\"; flush ruleset; #",
                                 "{{ evil }}",
                                 "x'; drop\r\nadd rule",
                                 "\xff\xfe\x01\x7f evil",
                                 "=cmd|' /C calc'!A0",
                                 "\xf0\x9f\x98\x80\xe2\x80\xa8 evil: yes",
                                 "- evil",
                                 "yes"};
  for (const std::string& text : hostile) {
    CAPTURE(text);
    Revision rows = rows_of({use("10.0.0.1", "10.0.0.2", 5432)});
    name(rows, "10.0.0.2", text);
    const Policy p = propose_policy(rows);
    Revision plain_rows = rows_of({use("10.0.0.1", "10.0.0.2", 5432)});
    name(plain_rows, "10.0.0.2", group_with(p, "10.0.0.2").name);
    const Policy plain = propose_policy(plain_rows);
    for (const PolicyFormat f :
         {PolicyFormat::kubernetes, PolicyFormat::cilium, PolicyFormat::calico, PolicyFormat::istio,
          PolicyFormat::envoy, PolicyFormat::nftables, PolicyFormat::aws}) {
      const std::string out = written(p, f), want = written(plain, f);
      // As many lines as with a harmless name, each of which differs in the quoted text only.
      CHECK(count(out, "\n") == count(want, "\n"));
      CHECK(std::all_of(out.begin(), out.end(),
                        [](char c) { return c == '\n' || (c >= 32 && c < 127); }));
      CHECK(count(out, "flush ruleset; ") ==
            (f == PolicyFormat::nftables ? 0 : count(out, "\\\"; flush")));
    }
    const std::string csv = written(p, PolicyFormat::csv);
    CHECK(count(csv, "\r\n") == 3 + (text.find("\r\n") == std::string::npos ? 0 : 1));
    CHECK(count(csv, ",=cmd") == 0);
  }
}

TEST_CASE("policy formats: what a dialect cannot say, it remarks on") {
  std::vector<ConnectionSummary> uses{use("10.0.0.1", "10.0.0.2", 0),
                                      use("10.0.0.1", "10.0.0.2", 80)};
  uses[0].key.protocol = 47;
  const Policy p = propose_policy(rows_of(uses));
  std::ostringstream out;
  const auto remarks = write_policy(p, PolicyFormat::kubernetes, {}, out);
  CHECK(remarks.size() == 2);
  CHECK(out.str().find("rules of protocol 47 are left out") != std::string::npos);
  CHECK(write_policy(p, PolicyFormat::nftables, {}, out).empty());
  CHECK(out.str().find("meta l4proto 47 return") != std::string::npos);
  CHECK_FALSE(write_policy(p, PolicyFormat::istio, {}, out).empty());
}

TEST_CASE("policy formats: security groups keep to the limits of AWS") {
  std::vector<ConnectionSummary> uses;
  for (std::uint16_t port = 1; port <= 130; ++port)
    uses.push_back(use("10.0.0.1", "10.0.0.2", port));
  const Policy p = propose_policy(rows_of(uses));
  std::ostringstream out;
  PolicyExportOptions o;
  CHECK(write_policy(p, PolicyFormat::aws, o, out).empty());
  CHECK(count(out.str(), "\"AWS::EC2::SecurityGroup\"") == 6);  // three for 130 rules, each way
  CHECK(count(out.str(), "\"AWS::EC2::SecurityGroupIngress\"") == 130);
  o.aws_groups_per_interface = 2;
  CHECK(write_policy(p, PolicyFormat::aws, o, out).size() == 2);
  o.aws_rules_per_group = 0;
  CHECK_THROWS_AS(write_policy(p, PolicyFormat::aws, o, out), ConfigError);
}
