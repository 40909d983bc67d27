#include "flowlens/zone_file.hpp"

#include <doctest/doctest.h>

#include "flowlens/error.hpp"
#include "support/facts.hpp"

using namespace flowlens;
using test::Lines;
using test::lines_of;

namespace {

constexpr Timestamp kNow{std::chrono::hours{500'000}};

/// What a zone of this text says.
Lines said(std::string_view text, std::string_view zone = "example.com") {
  test::FactFolder folder;
  return lines_of(ZoneFile{{.path = folder.write("zone", text)}, zone}.list(kNow));
}

constexpr std::string_view kRfc1035 = R"($TTL 1h30m
@   IN  SOA     VENERA      Action\.domains (
                                 20     ; SERIAL
                                 7200   ; REFRESH
                                 600    ; RETRY
                                 3600000; EXPIRE
                                 60)    ; MINIMUM

        NS      A.ISI.EDU.
        NS      VENERA
        MX      10      VENERA
        TXT     "a ; text ( with ) all" "10.0.0.1 A"
VENERA  A       10.1.0.52
        A       128.9.0.32 ; two of it
VAXA    1d IN   A       10.2.0.27
vaxb    IN 300  AAAA    2001:db8::27
        CH      A       10.9.9.9
*       A       10.9.9.8
long (
        3600
   IN ) A (
   10.2.0.28 )
www     CNAME   VAXA
)";

}  // namespace

TEST_CASE("zone: records of RFC 1035's own example and further forms of them") {
  CHECK(said(kRfc1035, "ISI.EDU.") ==
        Lines{"10.1.0.52 name=VENERA.ISI.EDU", "10.2.0.27 name=VAXA.ISI.EDU",
              "10.2.0.28 name=long.ISI.EDU", "128.9.0.32 name=VENERA.ISI.EDU",
              "2001:db8::27 name=vaxb.ISI.EDU"});
}

TEST_CASE("zone: pointers go before addresses, and further names are aliases") {
  CHECK(said("$ORIGIN example.com.\nwww A 10.0.0.1\nweb1 A 10.0.0.1\nftp A 10.0.0.1\n"
             "$ORIGIN 0.0.10.in-addr.arpa.\n1 PTR web1.example.com.\n1 PTR other.example.com.\n"
             "$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.\n"
             "7.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR six.example.com.\n"
             "7.2 PTR short.example.com.\n_http._tcp PTR web._http._tcp.example.com.\n") ==
        Lines{"10.0.0.1 name=web1.example.com",
              "10.0.0.1 aliases=www.example.com, ftp.example.com, other.example.com",
              "2001:db8::27 name=six.example.com"});
}

TEST_CASE("zone: as BIND writes zones that it changes itself") {
  // named-compilezone and dynamic updates: an origin above the zone, owners that go on.
  CHECK(said("$ORIGIN .\n$TTL 86400\t; 1 day\nexample.com\t\tIN SOA\tns.example.com. "
             "root.example.com. (\n"
             "\t\t\t\t1 ; serial\n\t\t\t\t2 3 4 5)\n\t\t\tNS\tns.example.com.\n\t\t\tA\t10.0.0.9\n"
             "$ORIGIN example.com.\nns\t\t\tA\t10.0.0.1\n$TTL 300\nhost\t\t\tA\t10.0.0.2\n"
             "$ORIGIN sub.example.com.\n\t\t\tA\t10.0.0.3\n",
             "") == Lines{"10.0.0.1 name=ns.example.com", "10.0.0.2 name=host.example.com",
                          "10.0.0.3 name=host.example.com", "10.0.0.9 name=example.com"});
}

TEST_CASE("zone: a file is named after its zone, or says it") {
  test::FactFolder folder;
  for (const char* name : {"example.com.zone", "db.example.com", "example.com", "named.example.com",
                           "example.com.db"}) {
    CAPTURE(name);
    ZoneFile zone{{.path = folder.write(name, "a A 10.0.0.1\n")}};
    CHECK(lines_of(zone.list(kNow)) == Lines{"10.0.0.1 name=a.example.com"});
  }
  ZoneFile unknown{{.path = folder.write("db", "a A 10.0.0.1\nb.example.com. A 10.0.0.2\n")}};
  CHECK(lines_of(unknown.list(kNow)) == Lines{"10.0.0.2 name=b.example.com"});
  CHECK(unknown.report().first_error.find(":1: the record's owner is relative") !=
        std::string::npos);
  CHECK_THROWS_AS((ZoneFile{{.path = "x"}, "a b"}), ConfigError);
}

TEST_CASE("zone: a broken entry costs itself") {
  test::FactFolder folder;
  const auto path = folder.write("z",
                                 "a A 10.0.0.1\nb A 10.0.0.256\nc AAAA 10.0.0.3\nd A 2001:db8::1\n"
                                 "e A 10.0.0.1 10.0.0.2\nf\n$GENERATE 1-9 $ A 10.1.0.$\n"
                                 "$ORIGIN a..b.\n1.0.0.10.in-addr.arpa. PTR a\\.b.c.\n"
                                 "g TXT \"open\nh A 10.0.0.8\ni A (\nj A 10.0.0.9\nk ) A 10.0.0.7\n"
                                 "l A 10.0.0.10\n");
  ZoneFile zone{{.path = path}, "x.org"};
  CHECK(lines_of(zone.list(kNow)) ==
        Lines{"10.0.0.1 name=a.x.org", "10.0.0.8 name=h.x.org", "10.0.0.10 name=l.x.org"});
  CHECK(zone.report().broken == 10);
  CHECK(zone.report().first_error == path.string() + ":2: `10.0.0.256` is no IPv4 address");
}

TEST_CASE("zone: what an open parenthesis swallows is not lost") {
  const Lines lines = said("a A 10.0.0.1\nb SOA x y ( 1 2\nc A 10.0.0.3\nd A 10.0.0.4\n");
  CHECK(lines == Lines{"10.0.0.1 name=a.example.com", "10.0.0.3 name=c.example.com",
                       "10.0.0.4 name=d.example.com"});
  // And to read it again and again does not take for ever.
  std::string hostile = "a A 10.0.0.1\n";
  for (int i = 0; i < 400'000; ++i) hostile += "(\n";
  CHECK(said(hostile).size() == 1);
}

TEST_CASE("zone: files that are included") {
  test::FactFolder folder;
  folder.write("outside", "x A 10.9.0.1\n");
  folder.write("zones/sub/hosts.inc",
               "a A 10.0.0.1\n$ORIGIN deep\nb A 10.0.0.2\n$INCLUDE sub/more.inc other.org.\n");
  folder.write("zones/sub/more.inc", "c A 10.0.0.3\n");
  std::filesystem::create_symlink(folder.path() / "outside", folder.path() / "zones/link");
  const auto path = folder.write(
      "zones/main",
      "first A 10.0.0.9\n$INCLUDE sub/hosts.inc ; comment\n A 10.0.0.10\nz A 10.0.0.11\n"
      "$INCLUDE ../outside\n$INCLUDE link\n$INCLUDE /etc/passwd\n$INCLUDE none\n"
      "$INCLUDE sub\n$INCLUDE\n$INCLUDE main\n");
  ZoneFile zone{{.path = path}, "example.com"};
  CHECK(lines_of(zone.list(kNow)) ==
        Lines{"10.0.0.1 name=a.example.com", "10.0.0.2 name=b.deep.example.com",
              "10.0.0.3 name=c.other.org", "10.0.0.9 name=first.example.com",
              "10.0.0.10 name=first.example.com", "10.0.0.11 name=z.example.com"});
  // Six each time it is read, 9 times in one another; there and one before, files too deep are refused.
  CHECK(zone.report().broken == 6 * 9 + 3);
  CHECK(zone.report().first_error ==
        path.string() + ":5: $INCLUDE: `../outside` is not in the directory of the zone");
}

TEST_CASE("zone: included files count towards the limit of octets") {
  test::FactFolder folder;
  folder.write("big", "a A 10.0.0.1 ; " + std::string(400, 'x') + "\n");
  const auto path =
      folder.write("main", "b A 10.0.0.2\n$INCLUDE big\n$INCLUDE big\n$INCLUDE big\n");
  ZoneFile zone{{.path = path, .max_octets = 1'000}, "x.org"};
  CHECK(zone.list(kNow).size() == 2);
  CHECK(zone.report().broken == 1);
}
