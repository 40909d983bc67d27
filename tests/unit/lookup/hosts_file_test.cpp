#include "flowlens/hosts_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "flowlens/error.hpp"
#include "support/facts.hpp"

using namespace flowlens;
using test::Lines;
using test::lines_of;

namespace {

constexpr Timestamp kNow{std::chrono::hours{500'000}};

}  // namespace

TEST_CASE("hosts: the first name of an address is its name, all others are aliases") {
  test::FactFolder folder;
  // As Debian's installer and cloud-init leave it, with more below.
  const auto path =
      folder.write("hosts",
                   "127.0.0.1\tlocalhost\n127.0.1.1\tdebian.example.com\tdebian\n\n"
                   "# The following lines are desirable for IPv6 capable hosts\n"
                   "::1     localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\n"
                   "fe80::1%lo0 localhost\n255.255.255.255 broadcasthost\r\n"
                   "  10.0.0.5 db1.example.com. db1 # main\n10.0.0.5 postgres db1\n"
                   "2001:db8::5 db1.example.com\n10.0.0.6 db_2\r\n10.0.0.7 last");
  HostsFile hosts{{.path = path}};
  const auto facts = hosts.list(kNow);
  CHECK(lines_of(facts) == Lines{"10.0.0.5 name=db1.example.com", "10.0.0.5 aliases=db1, postgres",
                                 "10.0.0.6 name=db_2", "10.0.0.7 name=last",
                                 "2001:db8::5 name=db1.example.com"});
  CHECK(facts.front().source == FactSource::inventory);
  CHECK(facts.front().origin == "hosts:" + path.string());
  CHECK(facts.front().at == kNow);
  CHECK(!facts.front().expires);
  CHECK(hosts.report().broken == 0);
  CHECK(hosts.report().facts == facts.size());
}

TEST_CASE("hosts: a broken line costs itself, and the first one is told with its place") {
  test::FactFolder folder;
  const auto path = folder.write("hosts",
                                 "10.0.0.1 a\n10.0.0.300 b\n10.0.0.2\n10.0.0.3 c d\xff e\n"
                                 "10.0.0.4 -x..y\n10.0.0.5 " +
                                     std::string(300, 'n') + "\n10.0.0.6 f\n");
  HostsFile hosts{{.path = path, .max_line = 200}};
  CHECK(lines_of(hosts.list(kNow)) ==
        Lines{"10.0.0.1 name=a", "10.0.0.3 name=c", "10.0.0.6 name=f"});
  CHECK(hosts.report().broken == 5);
  CHECK(hosts.report().first_error ==
        path.string() + ":2: `10.0.0.300` is no address; a line is `address name`");
}

TEST_CASE("files of facts: what is no such file is refused, so that what was said before stands") {
  test::FactFolder folder;
  const auto message_of = [](const std::filesystem::path& path, std::size_t max_octets = 1'000) {
    HostsFile hosts{{.path = path, .max_octets = max_octets}};
    try {
      (void)hosts.list(kNow);
    } catch (const IoError& error) {
      return std::string(error.what());
    }
    return std::string("read");
  };
  CHECK(message_of(folder.path() / "none").find("No such file") != std::string::npos);
  CHECK(message_of(folder.path()).find("is no file") != std::string::npos);
  const auto pipe = folder.path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(message_of(pipe).find("is no file") != std::string::npos);  // and does not wait for ever
  const auto large = folder.write("large", "10.0.0.1 a\n10.0.0.2 b\n");
  CHECK(message_of(large, 21).find("more than 21 octets") != std::string::npos);
  CHECK(message_of(large, 22) == "read");
  CHECK(message_of(folder.write("binary", std::string("\x7f"
                                                      "ELF\0\1\2\n\n",
                                                      9)))
            .find("nothing in the file is as it should be") != std::string::npos);
  CHECK(message_of(folder.write("empty", "")) == "read");
  CHECK_THROWS_AS(HostsFile{{.path = ""}}, ConfigError);
  CHECK_THROWS_AS(HostsFile{{.path = std::string(300, 'x')}}, ConfigError);
  CHECK_THROWS_AS((HostsFile{{.path = "x", .max_facts = 0}}), ConfigError);
}

TEST_CASE("files of facts: past the limit, facts are left out and counted") {
  test::FactFolder folder;
  const auto path = folder.write("hosts", "10.0.0.1 a\n10.0.0.2 b\n10.0.0.3 c\n10.0.0.1 d\n");
  HostsFile hosts{{.path = path, .max_facts = 2}};
  CHECK(lines_of(hosts.list(kNow)) == Lines{"10.0.0.1 name=a", "10.0.0.1 aliases=d"});
  CHECK(hosts.report().beyond == 2);  // an address, and a name
}

TEST_CASE("hosts: one address with names without end") {
  test::FactFolder folder;
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "10.0.0.1 host-with-a-name-" + std::to_string(i) + '\n';
  HostsFile hosts{{.path = folder.write("hosts", text)}};
  const auto facts = hosts.list(kNow);
  REQUIRE(facts.size() == 2);
  CHECK(facts[1].value.size() <= kLongestFactValue);
  CHECK(hosts.report().beyond == 5'000 - 64);
}
