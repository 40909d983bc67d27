#include "flowlens/graph_export.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "flowlens/error.hpp"
#include "graph/export_text.hpp"
#include "support/summaries.hpp"

using namespace flowlens;
using namespace flowlens::testing;

namespace {

constexpr ExportFormat kAll[] = {ExportFormat::json, ExportFormat::graphml, ExportFormat::dot,
                                 ExportFormat::mermaid, ExportFormat::csv};

std::string exported(const DependencyGraph& graph, ExportFormat format) {
  std::ostringstream out;
  write_graph(graph, format, out);
  return out.str();
}

std::vector<ConnectionSummary> some() {
  return {summary("10.0.0.1", "10.0.0.2", 5432), summary("10.0.0.1", "10.0.0.3", 80),
          summary("10.0.0.4", "10.0.0.1", 22), summary("10.0.0.5", "10.0.0.2", 5432),
          summary("2001:db8::1", "10.0.0.2", 443)};
}

}  // namespace

TEST_CASE("export: formats are known by name") {
  CHECK(parse_export_format("graphml") == ExportFormat::graphml);
  CHECK_FALSE(parse_export_format("GraphML"));
  CHECK_FALSE(parse_export_format(""));
  CHECK(media_type(ExportFormat::graphml) == "application/graphml+xml");
  CHECK(media_type(ExportFormat::json) == "application/json");
}

TEST_CASE("export: the same map gives the same octets, however it came about") {
  std::vector<ConnectionSummary> forward = some(), backward = some();
  std::reverse(backward.begin(), backward.end());
  DependencyGraph a, b, copied;
  a.apply(forward);
  for (const ConnectionSummary& s : backward) b.apply(std::span{&s, 1});
  copied.apply(a.copy());
  for (const ExportFormat format : kAll) {
    CAPTURE(static_cast<int>(format));
    CHECK(exported(a, format) == exported(b, format));
    CHECK(exported(a, format) == exported(copied, format));
  }
}

TEST_CASE("export: a row of the table says all there is") {
  DependencyGraph graph;
  ConnectionSummary s = summary("10.0.0.1", "10.0.0.2", 5432);
  s.service = find_service(6, 5432);
  s.rung = DirectionRung::service_list;
  graph.apply(std::span{&s, 1});
  const std::string csv = exported(graph, ExportFormat::csv);
  CHECK(csv.substr(0, csv.find('\r')) ==
        "id,client_address,client_site,server_address,server_site,protocol,port,service,direction,"
        "rung,confidence,flows,octets_to_server,octets_to_client,packets_to_server,"
        "packets_to_client,estimated_octets_to_server,estimated_octets_to_client,first_seen,"
        "last_seen,provisional,observers,active_hours,flips");
  CHECK(csv.find(",10.0.0.1,default,10.0.0.2,default,tcp,5432,postgresql,client_server,"
                 "service_list,0.90,2,100,200,1,2,100,200,2026-11-21T12:00:01Z,"
                 "2026-11-21T12:00:02Z,true,192.0.2.1,1,0\r\n") != std::string::npos);
}

TEST_CASE("export: names from outside cannot leave their place") {
  DependencyGraph graph;
  const ConnectionSummary s = summary("10.0.0.1", "10.0.0.2", 80);
  graph.apply(std::span{&s, 1});
  Fact fact;
  fact.subject = s.key.client;
  fact.attribute = "name";
  fact.value = "a\"]<b>&'\\\n\x01\xff";
  CHECK(graph.apply(fact));
  CHECK(exported(graph, ExportFormat::json)
            .find(R"("a\"]<b>&'\\\u000a\u0001)"
                  "\xef\xbf\xbd\"") != std::string::npos);
  CHECK(exported(graph, ExportFormat::graphml)
            .find(">a&quot;]&lt;b&gt;&amp;&apos;\\&#10;\xef\xbf\xbd\xef\xbf\xbd</data>") !=
        std::string::npos);
  CHECK(exported(graph, ExportFormat::dot).find("[label=\"a\\\"]<b>&'\\\\\\n \xef\xbf\xbd\"]") !=
        std::string::npos);
  CHECK(exported(graph, ExportFormat::mermaid)
            .find("[\"a#quot;]#lt;b#gt;#amp;'\\  \xef\xbf\xbd\"]") != std::string::npos);
}

TEST_CASE("export: what is not UTF-8 is replaced") {
  struct Case {
    const char* name;
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {
      {"plain", "abc", "abc"},
      {"two, three and four octets", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
       "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
      {"overlong", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"past U+10FFFF", "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"cut short", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(graph::to_utf8(c.text) == c.want);
  }
  CHECK(graph::csv_text("a,\"b\"") == "\"a,\"\"b\"\"\"");
}

TEST_CASE("export: an empty map is a whole file too") {
  DependencyGraph graph;
  CHECK(exported(graph, ExportFormat::json) == "{\"assets\":[\n],\"dependencies\":[\n]}\n");
  CHECK(exported(graph, ExportFormat::mermaid) == "flowchart LR\n");
}

TEST_CASE("export: a stream that fails is said") {
  DependencyGraph graph;
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  CHECK_THROWS_AS(write_graph(graph, ExportFormat::csv, out), IoError);
}
