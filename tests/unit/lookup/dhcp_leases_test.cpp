#include "flowlens/dhcp_leases.hpp"

#include <doctest/doctest.h>

#include "flowlens/error.hpp"
#include "flowlens/id.hpp"
#include "support/facts.hpp"

using namespace flowlens;
using test::Lines;
using test::lines_of;

namespace {

Timestamp at(std::string_view text) { return parse_timestamp(text).value(); }

std::string machine(std::string_view key) {
  return derive_id(asset_namespace(), "dhcp:default:" + std::string(key)).to_string();
}
const std::string kLaptop = machine("mac:52:54:00:aa:00:01");
const std::string kPrinter = machine("mac:52:54:00:aa:00:02");

/// As ISC dhcpd 4.4.3 wrote it for two udhcpc clients.
constexpr std::string_view kIscHead =
    "# The format of this file is documented in the dhcpd.leases(5) manual page.\n"
    "# This lease file was written by isc-dhcp-4.4.3-P1\n\n"
    "# authoring-byte-order entry is generated, DO NOT DELETE\n"
    "authoring-byte-order little-endian;\n\n"
    "server-duid \"\\000\\001\\000\\0012\\226&L\\332\\226\\256\\241\\360\\326\";\n\n";
constexpr std::string_view kIscLaptop = R"(lease 10.0.0.100 {
  starts 0 2026/11/22 22:16:47;
  ends 0 2026/11/22 22:26:47;
  cltt 0 2026/11/22 22:16:47;
  binding state active;
  next binding state free;
  rewind binding state free;
  hardware ethernet 52:54:00:aa:00:01;
  uid "\001RT\000\252\000\001";
  set vendor-class-identifier = "udhcp 1.35.0";
  client-hostname "laptop";
}
)";

std::string isc(std::string_view address, std::string_view begin, std::string_view end,
                std::string_view state, std::string_view client) {
  const auto time = [](std::string_view t) { return "4 2026/11/22 " + std::string(t) + ":00"; };
  return "lease " + std::string(address) + " {\n  starts " + time(begin) + ";\n  ends " +
         time(end) + ";\n  binding state " + std::string(state) + ";\n" +
         (client.empty() ? ""
                         : "  hardware ethernet 52:54:00:aa:00:0" + std::string(client) + ";\n") +
         "}\n";
}

/// Reads files one after the other, as one that a server writes on.
class LeaseFile {
 public:
  std::vector<Fact> list(std::string_view text, std::string_view now) {
    folder_.write("leases", text);
    return leases_.list(at(now));
  }
  [[nodiscard]] const FactFileReport& report() const { return leases_.report(); }
  test::FactFolder& folder() { return folder_; }

 private:
  test::FactFolder folder_;
  DhcpLeases leases_{{.path = folder_.path() / "leases"}};
};

/// `10.0.0.1 asset=... since until` of all such facts, with minutes.
Lines holders(const std::vector<Fact>& facts) {
  Lines lines;
  for (const Fact& f : facts) {
    if (f.attribute != "asset") continue;
    const std::string who = f.value == kLaptop    ? "laptop"
                            : f.value == kPrinter ? "printer"
                                                  : f.value;
    lines.push_back(f.subject.address.to_string() + ' ' + who + ' ' +
                    to_string(f.since.value()).substr(11, 5) + ' ' +
                    (f.expires ? to_string(*f.expires).substr(11, 5) : "ever"));
  }
  return lines;
}

}  // namespace

TEST_CASE("leases: what dhcpd wrote") {
  LeaseFile file;
  const auto facts =
      file.list(std::string(kIscHead) + std::string(kIscLaptop), "2026-11-22T22:20:00Z");
  CHECK(lines_of(facts) == Lines{"10.0.0.100 asset=" + kLaptop, "10.0.0.100 mac=52:54:00:aa:00:01",
                                 "10.0.0.100 dhcp.hostname=laptop", "10.0.0.100 name=laptop"});
  CHECK(facts[0].since == at("2026-11-22T22:16:47Z"));
  for (const Fact& fact : facts) CHECK(fact.expires == at("2026-11-22T22:26:47Z"));
  CHECK(facts[0].source == FactSource::inventory);
  CHECK(facts[3].source == FactSource::observed);  // the client's own word
  CHECK(file.report().broken == 0);
  // The same a little later, and when it is over.
  CHECK(file.list(std::string(kIscHead) + std::string(kIscLaptop), "2026-11-22T22:26:47Z").empty());
  CHECK(file.list(kIscHead, "2026-11-22T22:26:47Z").empty());
  CHECK(file.list("", "2026-11-22T22:26:47Z").empty());
}

TEST_CASE("leases: an address that goes from machine to machine") {
  LeaseFile file;
  const std::string journal = isc("10.0.0.9", "10:00", "11:00", "active", "1") +
                              isc("10.0.0.9", "10:30", "11:30", "active", "1") +
                              isc("10.0.0.9", "10:30", "11:10", "free", "1") +
                              isc("10.0.0.9", "12:00", "13:00", "active", "2") +
                              isc("10.0.0.8", "10:00", "11:00", "active", "1") +
                              isc("10.0.0.8", "10:00", "11:00", "expired", "1") +
                              isc("10.0.0.7", "10:00", "13:00", "abandoned", "") +
                              isc("10.0.0.6", "10:00", "13:00", "backup", "1");
  CHECK(holders(file.list(journal, "2026-11-22T12:10:00Z")) ==
        Lines{"10.0.0.9 laptop 10:00 11:10", "10.0.0.9 printer 12:00 13:00"});
}

TEST_CASE("leases: a machine that came back after another began anew") {
  LeaseFile file;
  CHECK(holders(file.list(isc("10.0.0.9", "10:00", "11:00", "active", "1") +
                              isc("10.0.0.9", "11:30", "12:30", "active", "1"),
                          "2026-11-22T12:00:00Z")) ==
        Lines{"10.0.0.9 laptop 10:00 11:00", "10.0.0.9 laptop 11:30 12:30"});
}

TEST_CASE("leases: a file that was rewritten does not make a machine younger") {
  LeaseFile file;
  const auto since = [&](std::string_view begin, std::string_view end, std::string_view client,
                         std::string_view now) {
    return holders(file.list(isc("10.0.0.9", begin, end, "active", client), now));
  };
  CHECK(since("10:00", "11:00", "1", "2026-11-22T10:10:00Z") ==
        Lines{"10.0.0.9 laptop 10:00 11:00"});
  CHECK(since("10:50", "11:50", "1", "2026-11-22T10:55:00Z") ==
        Lines{"10.0.0.9 laptop 10:00 11:50"});
  CHECK(since("11:40", "12:50", "1", "2026-11-22T11:45:00Z") ==
        Lines{"10.0.0.9 laptop 10:00 12:50"});
  CHECK(since("12:00", "13:00", "2", "2026-11-22T12:01:00Z") ==
        Lines{"10.0.0.9 printer 12:00 13:00"});
  CHECK(since("14:00", "15:00", "2", "2026-11-22T14:01:00Z") ==
        Lines{"10.0.0.9 printer 14:00 15:00"});
}

TEST_CASE("leases: times of dhcpd's other ways") {
  LeaseFile file;
  const auto facts = file.list(
      "lease 10.0.0.1 {\n starts epoch 1795386600; # Sun Nov 22 22:30:00 2026\n ends never;\n "
      "binding state active;\n"
      " uid 1:52:54:0:aa:0:1;\n}\n",
      "2026-11-22T23:00:00Z");
  CHECK(holders(facts) == Lines{"10.0.0.1 laptop 22:30 ever"});
}

TEST_CASE("leases: dhcpd for IPv6") {
  LeaseFile file;
  // As dhcpd 4.4.3 wrote it for dhclient: an IAID of 4 octets, then a DUID-LLT with the printer's address.
  // Behind it, what others may do.
  const auto facts = file.list(
      std::string(kIscHead) +
          "ia-na \"\\002\\000\\252\\000\\000\\001\\000\\0012\\226'\\233RT\\000\\252\\000\\002\" {\n"
          "  cltt 0 2026/11/22 22:22:21;\n  iaaddr 2001:db8::b10 {\n    binding state active;\n"
          "    preferred-life 375;\n    max-life 600;\n    ends 0 2026/11/22 22:32:21;\n  }\n}\n\n"
          "ia-na \"short\" {\n  iaaddr 2001:db8::b11 {\n    binding state active;\n    on expiry { "
          "execute (\"x\"); }\n"
          "  }\n}\nia-pd \"x\" {\n  iaprefix 2001:db8:1::/56 {\n    binding state active;\n  "
          "}\n}\n",
      "2026-11-22T22:25:00Z");
  CHECK(lines_of(facts) ==
        Lines{"2001:db8::b10 asset=" + kPrinter, "2001:db8::b11 asset=" + machine("client:t")});
  CHECK(holders(facts).front() == "2001:db8::b10 printer 22:22 22:32");
}

TEST_CASE("leases: what dhcpd could not finish costs itself") {
  LeaseFile file;
  const std::string good = isc("10.0.0.9", "10:00", "11:00", "active", "1");
  const std::string good_too = isc("10.0.0.8", "10:00", "11:00", "active", "2");
  CHECK(file.list(good + "lease 10.0.0.5 {\n  starts 4 2026/1" + '\n' + good_too,
                  "2026-11-22T10:10:00Z")
            .size() == 4);
  CHECK(file.report().broken == 1);
  CHECK(file.report().first_error.ends_with("leases:7: the block is not closed"));
  for (const char* const odd : {"lease 10.0.0.5 {\n", "lease 10.0.0.500 { }\n", "}\n",
                                "lease 10.0.0.5 { starts 4 2026/02/30 10:00:00; }\n",
                                "lease 10.0.0.5 { ends 4 2026/11/22 24:00:00; }\n",
                                "lease 10.0.0.5 { ends soon; }\n", "lease { }\n"}) {
    CAPTURE(odd);
    CHECK(file.list(good + odd + good_too, "2026-11-22T10:10:00Z").size() == 4);
    CHECK(file.report().broken == 1);
  }
  CHECK_THROWS_AS(file.list(std::string(100'000, '{'), "2026-11-22T10:10:00Z"), IoError);
}

TEST_CASE("leases: what Kea wrote") {
  LeaseFile file;
  // Kea 2.2.0, for two udhcpc clients, one of which gave its address back.
  const auto facts = file.list(
      "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,"
      "user_context\n"
      "10.0.0.200,52:54:00:aa:00:01,01:52:54:00:aa:00:01,900,1795386723,1,0,0,laptop,0,\n"
      "10.0.0.201,52:54:00:aa:00:02,01:52:54:00:aa:00:02,900,1795386724,1,0,0,printer,0,\n"
      "10.0.0.200,52:54:00:aa:00:01,01:52:54:00:aa:00:01,900,1795387024,1,0,0,laptop,0,{ \"a\": "
      "1&#x2c \"b\": 2 }\n"
      "10.0.0.201,52:54:00:aa:00:02,01:52:54:00:aa:00:02,0,1795386800,1,0,0,printer,2,\n"
      "10.0.0.202,52:54:00:aa:00:02,,4294967295,1795386800,1,0,0,,0,\n"
      "10.0.0.203,,,900,1795386724,1,0,0,,1,\n10.0.0.2x,,,1,1,1,0,0,,0,\n10.0.0.204,x\n",
      "2026-11-22T22:20:00Z");
  CHECK(holders(facts) == Lines{"10.0.0.200 laptop 22:17 22:37", "10.0.0.202 printer 22:20 ever"});
  CHECK(facts[2].attribute == "dhcp.hostname");
  CHECK(facts[2].value == "laptop");
  CHECK(file.report().broken == 2);
  CHECK(file.report().first_error.ends_with("leases:8: `10.0.0.2x` is no address"));
}

TEST_CASE("leases: Kea for IPv6, and delegated networks") {
  LeaseFile file;
  const auto facts = file.list(
      "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_"
      "fwd,fqdn_rev,"
      "hostname,hwaddr,state,user_context,hwtype,hwaddr_source\n"
      "2001:db8::a00,00:01:00:01:32:96:26:4c:52:54:00:aa:00:01,900,1795386723,1,560,0,7,128,0,0,"
      "laptop.example.com.,,0,,,\n"
      "2001:db8::a01,00:02:00:00:ab:11:01:02,900,1795386723,1,560,0,7,128,0,0,,52:54:00:aa:00:02,0,"
      ",1,2\n"
      "2001:db8:5::,00:01:00:01:32:96:26:4c:52:54:00:aa:00:01,900,1795386723,1,560,2,7,56,0,0,,,0,,"
      ",\n",
      "2026-11-22T22:20:00Z");
  CHECK(lines_of(facts) ==
        Lines{"2001:db8::a00 asset=" + kLaptop, "2001:db8::a00 dhcp.hostname=laptop.example.com",
              "2001:db8::a00 name=laptop.example.com", "2001:db8::a01 asset=" + kPrinter,
              "2001:db8::a01 mac=52:54:00:aa:00:02"});
}

TEST_CASE("leases: while Kea cleans up, its copies count") {
  LeaseFile file;
  const std::string header =
      "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state\n";
  const auto row = [](const char* address) {
    return std::string(address) + ",52:54:00:aa:00:01,,900,1795386723,1,0,0,,0\n";
  };
  file.folder().write("leases.2", header + row("10.0.0.2"));
  file.folder().write("leases.1", header + row("10.0.0.1"));
  file.folder().write("leases.output", header + row("10.0.0.9"));
  CHECK(holders(file.list(header + row("10.0.0.3"), "2026-11-22T22:20:00Z")).size() == 3);
  file.folder().write("leases.completed", header + row("10.0.0.4"));
  CHECK(holders(file.list(header + row("10.0.0.3"), "2026-11-22T22:20:00Z")) ==
        Lines{"10.0.0.3 laptop 22:17 22:32", "10.0.0.4 laptop 22:17 22:32"});
}

TEST_CASE("leases: dnsmasq") {
  LeaseFile file;
  // The first, third and fourth line as dnsmasq 2.90 wrote them for dhclient.
  const std::string text =
      "1795393324 52:54:00:aa:00:01 10.0.0.159 laptop6 *\n"
      "0 06-52:54:00:aa:00:02 10.0.0.151 * 01:52:54:00:aa:00:02\n"
      "duid 00:01:00:01:32:96:27:88:2e:9c:80:1a:ae:4c\n"
      "1795389730 11141121 2001:db8::146 laptop6 00:01:00:01:32:96:27:91:52:54:00:aa:00:01\n"
      "1795386723 52:54:00:aa:00:03 10.0.0.152 * * *\nnonsense\n"
      "1795389730 T11141121 2001:db8::147 * 00:01:00:01:32:96:27:91:52:54:00:aa:00:01\n";
  const auto facts = file.list(text, "2026-11-22T22:20:00Z");
  CHECK(holders(facts) == Lines{"10.0.0.151 printer 22:20 ever", "10.0.0.159 laptop 22:20 00:22",
                                "2001:db8::146 laptop 22:20 23:22",
                                "2001:db8::147 laptop 22:20 23:22"});
  CHECK(lines_of(facts).back() == "2001:db8::147 asset=" + kLaptop);
  CHECK(lines_of(facts)[5] == "10.0.0.159 name=laptop6");
  CHECK(file.report().broken == 2);
  // It does not say since when: the first time it was seen stays.
  CHECK(holders(file.list(text, "2026-11-22T22:30:00Z")).back() ==
        "2001:db8::147 laptop 22:20 23:22");
}
