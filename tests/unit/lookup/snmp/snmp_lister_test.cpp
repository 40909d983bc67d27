// The lister before a real snmpd, and before agents that mean no good.
#include "flowlens/snmp_lister.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iterator>
#include <thread>

#include "flowlens/error.hpp"
#include "support/facts.hpp"

using namespace flowlens;
using test::Lines;
using test::lines_of;

namespace {

constexpr Timestamp kNow{std::chrono::hours{500'000}};
const Endpoint kLoopback{SiteId{2}, IpAddress::v4(0x7f000001)};

/// A socket on a port of loopback's that was free.
class LoopbackSocket {
 public:
  LoopbackSocket() : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~LoopbackSocket() { ::close(socket_); }
  LoopbackSocket(const LoopbackSocket&) = delete;
  LoopbackSocket& operator=(const LoopbackSocket&) = delete;
  [[nodiscard]] int get() const noexcept { return socket_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

/// Debian's snmpd with a configuration of its own, ended at the end.
class Snmpd {
 public:
  explicit Snmpd(const std::string& more = "", const std::string& address = "127.0.0.1",
                 std::uint16_t port = LoopbackSocket{}.port())
      : port_(port) {
    const auto conf = folder_.write(
        "agent.conf",
        "agentaddress udp:" + address + ":" + std::to_string(port_) +
            "\nrocommunity secret-word 127.0.0.0/8\nsysName r1.example.com\n"
            "sysDescr A router of the test's\n"
            "createUser flow SHA-256 \"auth-word-1\" AES \"privacy-word-1\"\nrouser flow priv\n" +
            more);
    child_ = ::fork();
    if (child_ == 0) {
      ::setenv("SNMP_PERSISTENT_DIR", folder_.path().c_str(), 1);
      ::setenv("MIBS", "", 1);
      ::execl("/usr/sbin/snmpd", "snmpd", "-f", "-C", "-c", conf.c_str(), "-Lf", "/dev/null", "-I",
              "-smux", nullptr);
      ::_exit(127);
    }
    in_addr at{};
    ::inet_pton(AF_INET, address.c_str(), &at);
    wait_until_up(at.s_addr);
  }
  /// Until its port is taken, as the kernel says: whoever tried himself would be in its way.
  void wait_until_up(std::uint32_t address) const {
    char port[24];
    std::snprintf(port, sizeof port, " %08X:%04X ", address, static_cast<unsigned>(port_));
    for (int tries = 0; tries < 400; ++tries) {
      std::ifstream sockets{"/proc/net/udp"};
      const std::string text{std::istreambuf_iterator<char>{sockets}, {}};
      if (text.find(port) != std::string::npos) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{25});
    }
    FAIL("snmpd did not start");
  }
  ~Snmpd() {
    ::kill(child_, SIGTERM);
    ::waitpid(child_, nullptr, 0);
  }
  Snmpd(const Snmpd&) = delete;
  Snmpd& operator=(const Snmpd&) = delete;

  static bool is_installed() {
    const bool is_there = ::access("/usr/sbin/snmpd", X_OK) == 0;
    if (!is_there) MESSAGE("skipped: there is no snmpd (./dev setup test)");
    return is_there;
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] test::FactFolder& folder() noexcept { return folder_; }

 private:
  test::FactFolder folder_;
  std::uint16_t port_ = 0;
  ::pid_t child_ = -1;
};

SnmpOptions v2c(std::uint16_t port) {
  SnmpOptions options;
  options.community = "secret-word";
  options.port = port;
  options.timeout = std::chrono::seconds{2};  // the machine may be busy
  options.retries = 3;
  return options;
}

SnmpOptions v3(std::uint16_t port) {
  SnmpOptions options = v2c(port);
  options.version = SnmpVersion::v3;
  options.community.clear();
  options.user = "flow";
  options.auth_password = "auth-word-1";
  options.privacy_password = "privacy-word-1";
  return options;
}

std::string refusal_of(SnmpLister& lister) {
  try {
    (void)lister.list(kNow);
  } catch (const IoError& error) {
    return error.what();
  }
  return "listed";
}

bool has(const std::vector<Fact>& facts, std::string_view line) {
  const Lines lines = lines_of(facts);
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

/// An agent that answers each question with octets of the test's making.
class FakeAgent {
 public:
  using Words = std::function<std::string(int question, const std::string& asked_oid)>;
  /// \param words  variables of the answer, encoded; empty: none. `!` in front: the whole datagram.
  explicit FakeAgent(Words words) : words_(std::move(words)), thread_([this] { serve(); }) {}
  ~FakeAgent() {
    is_over_ = true;
    thread_.join();
  }
  FakeAgent(const FakeAgent&) = delete;
  FakeAgent& operator=(const FakeAgent&) = delete;
  [[nodiscard]] std::uint16_t port() const noexcept { return socket_.port(); }

  static std::string item(int tag, const std::string& content) {
    const auto size = content.size();
    std::string text(1, static_cast<char>(tag));
    if (size < 128) {
      text += static_cast<char>(size);
    } else {
      text += {'\x82', static_cast<char>(size >> 8), static_cast<char>(size & 0xff)};
    }
    return text + content;
  }
  static std::string variable(const std::string& oid, const std::string& value) {
    return item(0x30, item(6, oid) + value);
  }

 private:
  void serve() {
    timeval wait{0, 50'000};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    for (int question = 0; !is_over_;) {
      char octets[2'048];
      sockaddr_in from{};
      socklen_t length = sizeof from;
      const auto got = ::recvfrom(socket_.get(), octets, sizeof octets, 0,
                                  reinterpret_cast<sockaddr*>(&from), &length);
      if (got <= 0) continue;
      const std::string answer = answer_to({octets, static_cast<std::size_t>(got)}, question++);
      ::sendto(socket_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from),
               length);
    }
  }
  /// Of a question: SEQUENCE, version, community, PDU, request id. Lengths below 128.
  std::string answer_to(const std::string& question, int number) {
    const std::size_t community = 5;
    const std::size_t pdu = community + 2 + static_cast<unsigned char>(question[community + 1]);
    const std::string id =
        question.substr(pdu + 2, 2 + static_cast<unsigned char>(question[pdu + 3]));
    const std::size_t oid = question.find("\x06", pdu + 2 + id.size() + 6);
    const std::string asked =
        question.substr(oid + 2, static_cast<unsigned char>(question[oid + 1]));
    const std::string variables = words_(number, asked);
    if (variables.starts_with('!')) return variables.substr(1);
    const std::string zero = item(2, std::string(1, '\0'));
    return item(0x30, item(2, "\1") + question.substr(community, pdu - community) +
                          item(0xa2, id + zero + zero + item(0x30, variables)));
  }

  LoopbackSocket socket_;
  Words words_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

std::string text_value(const std::string& text) { return FakeAgent::item(4, text); }

}  // namespace

TEST_CASE("SNMP: what a real snmpd says, by v2c and by v3") {
  if (!Snmpd::is_installed()) return;
  Snmpd snmpd;
  for (const SnmpOptions& options : {v2c(snmpd.port()), v3(snmpd.port())}) {
    SnmpLister lister{options};
    CHECK(lister.list(kNow).empty());  // nobody to ask
    lister.ask({kLoopback, kLoopback});
    const auto facts = lister.list(kNow);
    CHECK(has(facts, "127.0.0.1 name=r1.example.com"));
    CHECK(has(facts, "127.0.0.1 snmp.name=r1.example.com"));
    CHECK(has(facts, "127.0.0.1 snmp.description=A router of the test's"));
    CHECK(has(facts, "127.0.0.1 interface.1.name=lo"));
    CHECK(facts.front().subject == kLoopback);
    CHECK(facts.front().origin == lister.origin());
    CHECK(lister.report().answered == 1);
    CHECK(lister.report().exporters == 1);
    CHECK(lister.report().broken == 0);
    CHECK(lister.report().first_error.empty());
  }
}

TEST_CASE("SNMP: a real snmpd's ARP table and LLDP neighbours") {
  if (!Snmpd::is_installed()) return;
  // Rows of other programs' come into snmpd's tree by `pass_persist`, for GET, GETNEXT and so GETBULK.
  test::FactFolder folder;
  const auto script = folder.write("rows.py", R"(#!/usr/bin/env python3
import sys
LLDP = (1, 0, 8802, 1, 1, 2, 1)
ARP = (1, 3, 6, 1, 2, 1, 4, 22, 1, 2)
rows = {LLDP + (3, 7, 1, 2, 5): ("integer", 5), LLDP + (3, 7, 1, 3, 5): ("string", "lo")}
for column, row in {4: ("integer", 4), 5: ("octet", "52 54 00 AA 00 01"), 6: ("integer", 5), 7: ("string", "eth7"),
                    8: ("string", "seventh"), 9: ("string", "sw2.example.com"), 10: ("string", "a switch")}.items():
    rows[LLDP + (4, 1, 1, column, 0, 5, 1)] = row
rows[LLDP + (4, 2, 1, 3, 0, 5, 1, 1, 4, 10, 0, 0, 2)] = ("integer", 2)
for i in range(200):
    rows[ARP + (2, 10, 1, 0, i)] = ("octet", "52 54 00 BB 00 %02X" % i)
def answer(command):
    if command == "PING":
        return "PONG"
    asked = tuple(int(n) for n in sys.stdin.readline().strip().strip(".").split("."))
    found = [o for o in sorted(rows) if (o == asked if command == "get" else o > asked)]
    return "\n".join(("." + ".".join(map(str, found[0])),) + tuple(map(str, rows[found[0]]))) if found else "NONE"
for line in sys.stdin:
    print(answer(line.strip()), flush=True)
)");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  Snmpd snmpd{"pass_persist -p 10 .1.0.8802.1.1.2.1 " + script.string() +
              "\npass_persist -p 10 .1.3.6.1.2.1.4.22.1.2 " + script.string() + "\n"};
  SnmpOptions options = v2c(snmpd.port());
  options.timeout = std::chrono::seconds{5};  // while Python starts
  options.max_rows = 30;
  SnmpLister lister{options};
  lister.ask({kLoopback});
  const auto facts = lister.list(kNow);
  CHECK(has(facts, "127.0.0.1 interface.1.neighbor=sw2.example.com"));
  CHECK(has(facts, "127.0.0.1 interface.1.neighbor_port=eth7"));
  CHECK(has(facts, "10.0.0.2 snmp.name=sw2.example.com"));
  CHECK(has(facts, "10.0.0.2 mac=52:54:00:aa:00:01"));
  CHECK(has(facts, "10.1.0.29 mac=52:54:00:bb:00:1d"));
  CHECK(!has(facts, "10.1.0.30 mac=52:54:00:bb:00:1e"));
  CHECK(lister.report().beyond == 1);
  CHECK(lister.report().broken == 0);
}

TEST_CASE("SNMP: who may not, is told so, and no secret is") {
  if (!Snmpd::is_installed()) return;
  Snmpd snmpd;
  SnmpLister right{v3(snmpd.port())};
  right.ask({kLoopback});
  CHECK(!right.list(kNow).empty());
  SnmpOptions wrong_password = v3(snmpd.port()), wrong_user = wrong_password,
              wrong_community = v2c(snmpd.port());
  wrong_password.auth_password = "auth-word-2";
  wrong_user.user = "stranger";
  wrong_community.community = "private-word";
  wrong_community.timeout = std::chrono::milliseconds{200};
  wrong_community.retries = 0;
  for (const SnmpOptions& options : {wrong_password, wrong_user, wrong_community}) {
    SnmpLister lister{options};
    lister.ask({kLoopback});
    const std::string refusal = refusal_of(lister);
    CAPTURE(refusal);
    CHECK(refusal.starts_with("snmp: 127.0.0.1: "));
    CHECK(refusal.find("-word") == std::string::npos);
    CHECK(lister.report().silent == 1);
  }
}

TEST_CASE("SNMP: who no longer answers has said what he said for a while") {
  if (!Snmpd::is_installed()) return;
  Snmpd one;
  auto other = std::make_unique<Snmpd>("", "127.0.0.2", one.port());
  SnmpOptions options = v2c(one.port());
  options.timeout = std::chrono::seconds{1};
  options.retries = 0;
  SnmpLister lister{options};
  lister.ask({kLoopback, {SiteId{2}, IpAddress::v4(0x7f000002)}});
  std::vector<Fact> facts;  // of both, though the machine is busy
  for (int tries = 0; tries < 20 && lister.report().answered < 2; ++tries) {
    facts = lister.list(kNow);
  }
  CHECK(has(facts, "127.0.0.2 snmp.name=r1.example.com"));
  other.reset();
  CHECK(lister.list(kNow + std::chrono::hours{24}).size() == facts.size());
  CHECK(lister.report().answered == 1);
  CHECK(lister.report().silent == 1);
  CHECK(lister.report().first_error.starts_with("snmp: 127.0.0.2: "));
  const auto later = lister.list(kNow + std::chrono::hours{25});
  CHECK(has(later, "127.0.0.1 snmp.name=r1.example.com"));
  CHECK(!has(later, "127.0.0.2 snmp.name=r1.example.com"));
}

TEST_CASE("SNMP: answers that lead nowhere end") {
  const auto agent_says = [](FakeAgent::Words words,
                             std::chrono::milliseconds timeout = std::chrono::seconds{2}) {
    FakeAgent agent{std::move(words)};
    SnmpOptions options = v2c(agent.port());
    options.max_rows = 50;
    options.timeout = timeout;
    options.retries = 0;
    SnmpLister lister{options};
    lister.ask({kLoopback});
    const auto begin = std::chrono::steady_clock::now();
    const std::string end = refusal_of(lister);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{20});
    return std::pair{end, lister.report()};
  };
  const auto variable = FakeAgent::variable;
  SUBCASE("the same row again and again") {
    const auto [end, report] =
        agent_says([&](int, const std::string& oid) { return variable(oid, text_value("x")); });
    CHECK(end == "listed");
    CHECK(report.broken >= 15);
    CHECK(report.first_error == "snmp: 127.0.0.1: says rows of a table in no order");
  }
  SUBCASE("rows without end") {
    const auto [end, report] = agent_says([&](int question, const std::string& oid) {
      const std::string row = oid.size() > 12 ? oid.substr(0, oid.size() - 1) : oid;
      return variable(row + static_cast<char>(1 + question % 120),
                      text_value(std::string(60, 'n')));
    });
    CHECK(end == "listed");
    CHECK(report.broken + report.beyond >= 15);
  }
  SUBCASE("no variables at all") {
    const auto [end, report] = agent_says([](int, const std::string&) { return std::string(); });
    CHECK(end == "listed");
    CHECK(report.broken == 15);
  }
  SUBCASE("noise") {
    for (const char* const noise :
         {"!", "!\x30", "!\x30\x82\xff\xff", "!\x30\x0a\x02\x01\x01\x04\x7fxxxx"}) {
      const auto [end, report] =
          agent_says([&](int, const std::string&) { return std::string(noise); },
                     std::chrono::milliseconds{100});
      CHECK(end.find("does not answer") != std::string::npos);
      CHECK(report.silent == 1);
    }
  }
  SUBCASE("values of other kinds, and texts of binary") {
    const auto [end, report] = agent_says([&](int question, const std::string& oid) {
      if (question == 0)
        return variable("\x2b\6\1\2\1\1\5" + std::string(1, '\0'),
                        text_value("a\xff\x01" + std::string(900, 'b')));
      if (oid.size() > 40) return std::string();
      return variable(oid + "\1\1\1\1\1", FakeAgent::item(2, "\1"));
    });
    CHECK(end == "listed");
    CHECK(report.broken > 0);
  }
}

TEST_CASE("SNMP: at the end nobody waits for an agent without end") {
  FakeAgent agent{[](int question, const std::string& oid) {
    const std::string row = oid.size() > 12 ? oid.substr(0, oid.size() - 2) : oid;
    const auto digit = [](int n) { return static_cast<char>(1 + n % 120); };
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    return FakeAgent::variable(row + digit(question / 120) + digit(question), text_value("x"));
  }};
  SnmpLister lister{v2c(agent.port())};
  lister.ask({kLoopback});
  const auto begin = std::chrono::steady_clock::now();
  std::thread end{[&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{300});
    lister.stop();
  }};
  CHECK(refusal_of(lister) == "snmp: exporters are not asked any more");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{5});
  end.join();
}

TEST_CASE("SNMP: options that cannot be are refused") {
  const SnmpOptions good = v3(161);
  const auto is_refused = [&](const std::function<void(SnmpOptions&)>& change) {
    SnmpOptions options = good;
    change(options);
    CHECK_THROWS_AS(SnmpLister{options}, ConfigError);
  };
  (void)SnmpLister{good};
  is_refused([](SnmpOptions& o) { o.version = SnmpVersion::v2c; });
  is_refused([](SnmpOptions& o) { o.user.clear(); });
  is_refused([](SnmpOptions& o) { o.auth_password = "short"; });
  is_refused([](SnmpOptions& o) { o.privacy_password = "short"; });
  is_refused([](SnmpOptions& o) { o.auth_protocol = "MD5"; });
  is_refused([](SnmpOptions& o) { o.privacy_protocol = "DES"; });
  is_refused([](SnmpOptions& o) { o.port = 0; });
  is_refused([](SnmpOptions& o) { o.retries = 1'000; });
}
