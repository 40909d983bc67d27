#include "flowlens/inventory_file.hpp"

#include <doctest/doctest.h>

#include "flowlens/error.hpp"
#include "flowlens/id.hpp"
#include "support/facts.hpp"

using namespace flowlens;
using test::Lines;
using test::lines_of;

namespace {

constexpr Timestamp kNow{std::chrono::hours{500'000}};

struct Read {
  Lines lines;
  std::vector<Fact> facts;
  FactFileReport report;
  std::string refused;
};

Read read(std::string_view text, FactFileOptions options = {}) {
  test::FactFolder folder;
  options.path = folder.write("inventory", text);
  InventoryFile inventory{options};
  Read r;
  try {
    r.facts = inventory.list(kNow);
  } catch (const IoError& error) {
    r.refused = std::string(error.what()).substr(options.path.string().size());
  }
  r.lines = lines_of(r.facts);
  r.report = inventory.report();
  const std::string path = options.path.string();
  if (r.report.first_error.starts_with(path)) r.report.first_error.erase(0, path.size());
  return r;
}

std::string machine(std::string_view key) {
  return derive_id(asset_namespace(), "inventory:default:" + std::string(key)).to_string();
}

}  // namespace

TEST_CASE("inventory: CSV as spreadsheets write it") {
  const Read r = read(
      "\xef\xbb\xbfHostname,IP Address,Operating System,Owner,\"Notes\",Type\r\n"
      "web1.example.com.,10.0.0.1/24,Debian 12,\"Smith, \"\"Jo\"\"\",\"two\r\nlines\",web\r\n"
      "db1,\"10.0.0.2\",, ops ,x,PowerEdge R750\r\n\r\nspare,,,,,\r\n");
  CHECK(r.lines == Lines{"10.0.0.1 name=web1.example.com", "10.0.0.1 operating_system=Debian 12",
                         "10.0.0.1 owner=Smith, \"Jo\"", "10.0.0.1 type=web", "10.0.0.2 name=db1",
                         "10.0.0.2 owner=ops", "10.0.0.2 notes=x",
                         "10.0.0.2 inventory.type=PowerEdge R750"});
  // A value of two lines is none.
  CHECK(r.report.broken == 1);
  CHECK(r.report.first_error.starts_with(":2: notes `two??lines` is no UTF-8 text"));
  CHECK(r.report.passed_over == 1);
  CHECK(r.facts.front().source == FactSource::inventory);
}

TEST_CASE("inventory: the separator is that of the header") {
  CHECK(read("name;ip;os\na;10.0.0.1;b,c\n").lines ==
        Lines{"10.0.0.1 name=a", "10.0.0.1 operating_system=b,c"});
  CHECK(read("name\tip\na\t10.0.0.1\n").lines == Lines{"10.0.0.1 name=a"});
}

TEST_CASE("inventory: a row of several addresses is one machine") {
  const Read r = read(
      "name,addresses,primary_ip6,mac\n"
      "web1,\"10.0.0.1/24 10.0.0.2;127.0.0.1 fe80::1\",2001:db8::1/64,52-54-00-AA-BB-CC\n");
  const std::string id = machine("machine:web1");
  CHECK(r.lines == Lines{"10.0.0.1 asset=" + id, "10.0.0.1 name=web1",
                         "10.0.0.1 mac=52:54:00:aa:bb:cc", "10.0.0.2 asset=" + id,
                         "10.0.0.2 name=web1", "10.0.0.2 mac=52:54:00:aa:bb:cc",
                         "2001:db8::1 asset=" + id, "2001:db8::1 name=web1",
                         "2001:db8::1 mac=52:54:00:aa:bb:cc"});
}

TEST_CASE("inventory: rows of one asset are one machine, and an id stands for itself") {
  const Read r = read(
      "ip,asset\n10.0.0.1,tag 7\n10.0.0.2,tag "
      "7\n10.0.0.3,f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n10.0.0.4,\n");
  const std::string id = machine("asset:tag 7");
  CHECK(r.lines == Lines{"10.0.0.1 asset=" + id, "10.0.0.2 asset=" + id,
                         "10.0.0.3 asset=f81d4fae-7dec-11d0-a765-00a0c91e6bf6"});
}

TEST_CASE("inventory: sites are those of the map") {
  SiteTable sites;
  const SiteId berlin = sites.add("berlin");
  const char* const text = "ip,name,site\n10.0.0.1,a,berlin\n10.0.0.1,b,\n10.0.0.1,c,rome\n";
  FactFileOptions options;
  options.sites = sites;
  const Read r = read(text, options);
  REQUIRE(r.facts.size() == 2);
  CHECK(r.facts[0].subject.site == berlin);
  CHECK(r.facts[1].subject.site == SiteId{});
  CHECK(r.report.broken == 1);
  CHECK(r.report.first_error == ":4: there is no site `rome` in the configuration");
  CHECK(read(text).lines == Lines{"10.0.0.1 name=a", "10.0.0.1 site=berlin", "10.0.0.1 name=b",
                                  "10.0.0.1 name=c", "10.0.0.1 site=rome"});
}

TEST_CASE("inventory: JSON as NetBox answers") {
  const Read r = read(R"({"count": 2, "next": null, "results": [
    {"id": 7, "url": "http://netbox/api/7/", "display": "sw1", "name": "sw1", "asset_tag": null,
     "device_type": {"id": 3, "url": "http://x", "display": "C9300", "manufacturer": {"id": 1, "name": "Cisco"}},
     "role": {"id": 1, "name": "Access Switch", "slug": "access"}, "status": {"value": "active", "label": "Active"},
     "primary_ip4": {"id": 5, "family": 4, "address": "10.0.0.1/24"}, "primary_ip6": null,
     "tags": [{"id": 1, "name": "edge", "slug": "edge"}, {"id": 2, "name": "poe"}],
     "custom_fields": {"owner": "net team", "rack_units": 1}, "local_context": {"a": {"b": true}},
     "created": "2024-01-01T00:00:00Z"},
    {"id": 8, "name": "no address"}]})");
  CHECK(r.lines ==
        Lines{"10.0.0.1 owner=net team", "10.0.0.1 rack_units=1", "10.0.0.1 device_type=C9300",
              "10.0.0.1 id=7", "10.0.0.1 local_context.a.b=true", "10.0.0.1 name=sw1",
              "10.0.0.1 role=Access Switch", "10.0.0.1 status=Active", "10.0.0.1 tags=edge, poe"});
  CHECK(r.report.broken == 0);
  CHECK(r.report.passed_over == 1);
}

TEST_CASE("inventory: JSON objects by name or by address") {
  CHECK(
      read(
          R"({"web1": {"ip_address": "10.0.0.1", "cloud": {"region": "eu"}}, "10.0.0.2": {"hostname": "db1"}})")
          .lines == Lines{"10.0.0.2 name=db1", "10.0.0.1 cloud.region=eu", "10.0.0.1 name=web1"});
  CHECK(read(R"([{"addresses": ["10.0.0.1", {"address": "10.0.0.2/8"}], "name": "a"}])")
            .facts.size() == 4);
}

TEST_CASE("inventory: a broken row costs itself") {
  const Read csv = read(
      "ip,name\n10.0.0.1,a\n10.0.0.2,b,c\n10.0.0.300,d\n10.0.0.3,\"open\n10.0.0.4,\"e\"x\n10.0.0.5,"
      "\xff\n10.0.0.6,f\n");
  CHECK(csv.lines == Lines{"10.0.0.1 name=a", "10.0.0.6 name=f"});
  CHECK(csv.report.broken == 5);
  CHECK(csv.report.first_error == ":3: has 3 cells; the header has 2");
  const Read json = read(
      R"([{"ip": "10.0.0.1", "name": "a"}, 7, {"ip": "x"}, {"ip": 5}, {"ip": "10.0.0.2", "name": "b\u0000"},
                             {"ip": "10.0.0.3", "name": "c"}])");
  CHECK(json.lines == Lines{"10.0.0.1 name=a", "10.0.0.3 name=c"});
  CHECK(json.report.broken == 4);
  CHECK(json.report.first_error == ": row 2: is no object");
}

TEST_CASE("inventory: what cannot be read at all is refused with its place") {
  CHECK(read("").refused == ": is empty; its first row names the columns");
  CHECK(read("\"ip,name\n").refused == ":1: a quotation mark opens a cell and none closes it");
  CHECK(read("[\n  {\"ip\": 1,}\n]").refused == ":2:12: is no JSON from here on");
  CHECK(read("[{\"ip\": \"10.0.0.1\"").refused.find("is no JSON") != std::string::npos);
  CHECK(read("[1e999]").refused.find("is no JSON") != std::string::npos);
  const Read deep = read("{\"a\":" + std::string(100'000, '['));
  CHECK(deep.refused == ": is deeper than 32 brackets");
  // Words of another file's would give facts of no address: none, and no complaint.
  CHECK(read("one,two\n1,2\n").report.passed_over == 1);
}

TEST_CASE("inventory: no row decides what is a merge or what is shown between assets") {
  const Read r = read("ip,intermediary,a.very.long.column." + std::string(64, 'x') +
                      "\n10.0.0.1,x accepted,1\n");
  CHECK(r.lines == Lines{"10.0.0.1 inventory.intermediary=x accepted"});
  CHECK(r.report.broken == 1);
}

TEST_CASE("inventory: open quotations without end do not take for ever") {
  std::string text = "ip,name\n10.0.0.1,a\n";
  for (int i = 0; i < 200'000; ++i) text += "\"\"\"\n\"\"";
  CHECK(read(text).lines == Lines{"10.0.0.1 name=a"});
}
