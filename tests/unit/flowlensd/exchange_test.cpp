// Assets out and in again: what comes out of one map makes another the same.
#include <doctest/doctest.h>

#include <thread>

#include "http/csv.hpp"
#include "service_fixture.hpp"
#include "tasks/tasks.hpp"

using namespace flowlensd;
using namespace flowlensd::http;
using namespace std::chrono_literals;

namespace {

struct Fixture : ServiceFixture {
  Tasks tasks;
  Fixture() {
    service.tasks = &tasks;
    add_exchange_routes(router, service);
    add_map_routes(router, service);
    add_edit_routes(router, service);
    add_task_routes(router, service);
  }
  ~Fixture() { tasks.stop(); }

  std::string exported(const std::string& format) {
    const Response r = send("GET", "/api/v1/assets/export?format=" + format);
    CHECK(r.status == 200);
    CHECK(r.content_type == (format == "csv" ? "text/csv; charset=utf-8" : "application/json"));
    return r.body;
  }
  Answer imported(const std::string& body, const std::string& type, unsigned status = 200,
                  const std::string& query = "") {
    const Response r = send("POST", "/api/v1/assets/import" + query, body, type);
    CAPTURE(r.body);
    CHECK(r.status == status);
    return Answer::parse(r.body);
  }
  Answer csv(const std::string& body, unsigned status = 200) {
    return imported(body, "text/csv", status);
  }
  /// Of each asset what people say of it.
  Answer words() {
    Answer all = Answer::object();
    const Answer page = get("/api/v1/assets?page_size=1000");
    for (const Answer& item : page["items"]) {
      Answer held = Answer::array();
      for (const Answer& e : item["endpoints"]) held.push_back(e["address"]);
      const bool has_name = !item["name"].get<std::string>().empty();
      all[item["id"].get<std::string>()] = {held,
                                            has_name ? item["name"] : Answer(""),
                                            item["asset_type"],
                                            item["tags"],
                                            item["notes"],
                                            item["owner"],
                                            item["criticality"],
                                            item["confirmed"]};
    }
    return all;
  }
};

/// Words that a careless writer or reader of CSV would spoil.
const char* kHard[] = {"plain",       "with, comma", "with \\\"quotes\\\"",
                       "two\\nlines", "\\r\\nends",  "=1+2",
                       "+49 30",      "-5",          "@home",
                       "'=quoted",    "''=twice",    "' apostrophe",
                       "\\ttab",      " spaces ",    "\u00fcml\u00e4ut",
                       "\\\"",        ",",           "#comment"};

void fill(Fixture& f) {
  f.use("10.0.0.1", "10.0.0.2", 443, 0h);
  f.show();
  int i = 0;
  for (const char* hard : kHard) {
    const std::string n = std::to_string(++i);
    f.post("/api/v1/assets",
           R"({"endpoints": [{"address": "10.1.0.)" + n + R"("}, {"address": "2001:db8::)" + n +
               R"("}], "name": ")" + hard + R"(", "notes": ")" + hard + R"(", "owner": ")" + hard +
               R"(", "tags": ["t)" + n + R"(", "=x"], "criticality": "high", "confirmed": true,
               "asset_type": "database"})",
           201);
  }
  f.ask("PATCH", "/api/v1/assets/" + f.id("10.0.0.2"), R"({"name": "shop", "tags": ["dmz"]})");
}

}  // namespace

TEST_CASE("exchange: out of one map and into another, and what people say is the same") {
  Fixture from;
  fill(from);
  for (const char* format : {"csv", "json"}) {
    CAPTURE(format);
    const std::string file = from.exported(format);
    const std::string type = *format == 'c' ? "text/csv" : "application/json";
    Fixture to;
    const Answer told = to.imported(file, type, 200, "?dry_run=true");
    CHECK(told["made"] == 2 + std::size(kHard));
    CHECK(told["dry_run"] == true);
    CHECK(to.get("/api/v1/assets")["total"] == 0);
    CHECK(to.imported(file, type)["made"] == 2 + std::size(kHard));
    CHECK(to.words() == from.words());
    // Once more changes nothing.
    CHECK(to.imported(file, type)["changed"] == 2 + std::size(kHard));
    CHECK(to.words() == from.words());
    const std::string again = to.exported(format);
    Fixture third;
    third.imported(again, type);
    CHECK(third.words() == from.words());
  }
}

TEST_CASE("exchange: no cell of a spreadsheet is a formula") {
  Fixture f;
  fill(f);
  const std::string text = f.exported("csv");
  CsvReader reader(text);
  std::vector<CsvCell> row;
  std::size_t cells = 0;
  while (reader.next(row)) {
    for (const CsvCell& cell : row) {
      CAPTURE(cell.text);
      ++cells;
      if (cell.text.empty()) continue;
      CHECK(std::string("=+-@\t\r\n").find(cell.text.front()) == std::string::npos);
    }
  }
  CHECK(cells == 15 * (3 + std::size(kHard)));
}

TEST_CASE("exchange: what was only found is nobody's word") {
  Fixture from;
  from.use("10.0.0.1", "10.0.0.2", 443, 0h);
  from.show();
  const flowlens::Fact name{{{}, flowlens::testing::address("10.0.0.2")},
                            "name",
                            "web.example",
                            FactSource::dns,
                            flowlens::testing::kNoon,
                            {},
                            {}};
  REQUIRE(from.resolver.graph().apply(name));
  const std::string file = from.exported("csv");
  CHECK(file.find("web.example,dns") != std::string::npos);
  Fixture to;
  to.csv(file);
  CHECK(to.get("/api/v1/assets/" + to.id("10.0.0.2"))["name"] == "");
}

TEST_CASE("exchange: only the columns that are there are said") {
  Fixture f;
  f.use("10.0.0.1", "10.0.0.2", 443, 0h);
  f.show();
  const std::string path = "/api/v1/assets/" + f.id("10.0.0.2");
  f.ask("PATCH", path, R"({"notes": "kept", "owner": "old", "tags": ["a"]})");
  CHECK(f.csv("\xef\xbb\xbfowner,endpoints\r\nnew,10.0.0.2\r\n\r\n,10.0.0.1\r\n")["changed"] == 2);
  CHECK(f.get(path)["owner"] == "new");
  CHECK(f.get(path)["notes"] == "kept");
  CHECK(f.get(path)["tags"] == Answer{"a"});
}

TEST_CASE("exchange: an error says where, and nothing is taken") {
  Fixture f;
  f.use("10.0.0.1", "10.0.0.2", 443, 0h);
  f.show();
  struct Case {
    const char* text;
    const char* detail;  ///< begins with
    unsigned status = 400;
  };
  const std::string head = "endpoints,owner,criticality,tags,confirmed\n10.9.0.1,ok,high,x,true\n";
  const Case rows[] = {
      {"10.9.0.2,ok,huge,x,true\n", "line 3, column 13: criticality: `huge` is none"},
      {"10.9.0.2,\"two\nlines\",high,x,maybe\n", "line 4, column 15: confirmed: give true"},
      {"not,ok,high,x,true\n", "line 3, column 1: address: `not` is no"},
      {"10.9.0.2@moon,ok,high,x,true\n", "line 3, column 1: site: there is no site"},
      {"10.9.0.1,ok,high,x,true\n", "line 3, column 1: endpoints: 10.9.0.1 stands here twice"},
      {",ok,high,x,true\n", "line 3, column 1: endpoints: give a list"},
      {"10.9.0.2,ok\n", "line 3, column 1: there are 2 cells; the first line has 5"},
      {"10.9.0.2,\"ok\" x,high,x,true\n", "line 3, column 14: a quoted cell goes on"},
      {"10.9.0.2,o\"k,high,x,true\n", "line 3, column 11: a quotation mark stands in a cell"},
      {"10.9.0.2,\"ok,high,x,true\n", "line 3, column 10: a quotation mark opens"},
      {"10.0.0.1; 10.0.0.2,ok,high,x,true\n", "line 3, column 1: endpoints: they belong to", 409},
  };
  for (const Case& c : rows) {
    CAPTURE(c.text);
    const std::string detail = f.csv(head + c.text, c.status)["detail"];
    CHECK(detail.substr(0, std::string(c.detail).size()) == c.detail);
  }
  const Case files[] = {
      {"", "line 1: the first line names"},
      {"owner\nx\n", "line 1: a column `endpoints`"},
      {"endpoints,ower\n", "line 1, column 11: there is no column `ower`"},
      {"endpoints,owner,owner\n", "line 1, column 17: there are two columns"},
      {"endpoints,owner\n10.9.0.1,\xff\n", "the body is no UTF-8"},
  };
  for (const Case& c : files) {
    CAPTURE(c.text);
    const std::string detail = f.csv(c.text, 400)["detail"];
    CHECK(detail.substr(0, std::string(c.detail).size()) == c.detail);
  }
  const Case bodies[] = {
      {R"({"assets": [{"endpoints": [{"address": "10.9.0.1"}]}, {"endpoints": [], "owner": "x"}]})",
       "assets[1]: endpoints: give a list"},
      {R"({"assets": [{"endpoints": [{"address": "10.9.0.1"}], "colour": "red"}]})",
       "assets[0]: `colour` is no member"},
      {R"({"assets": [7]})", "assets[0]: an asset is no JSON object"},
      {R"({"assets": [{"endpoints": [{"address": "10.9.0.1"}], "asset_type": "teapot"}]})",
       "assets[0]: asset_type: "},
      {R"({"assets": {}})", "assets: give a list"},
      {R"({"assets": [], "version": 2})", "version: give 1"},
  };
  for (const Case& c : bodies) {
    CAPTURE(c.text);
    const std::string detail = f.imported(c.text, "application/json", 400)["detail"];
    CHECK(detail.substr(0, std::string(c.detail).size()) == c.detail);
  }
  f.imported("x", "text/plain", 415);
  f.ask("PATCH", "/api/v1/assets", "x", 400);
  CHECK(f.send("PATCH", "/api/v1/assets", "a,b", "text/csv").status == 415);
  CHECK(f.get("/api/v1/assets")["total"] == 2);
}

TEST_CASE("exchange: bounds") {
  Fixture f;
  std::string many = "endpoints\n";
  for (int i = 0; i <= 10'000; ++i) {
    many +=
        "2001:db8:" + std::to_string(i / 1'000 + 1) + "::" + std::to_string(i % 1'000 + 1) + "\n";
  }
  f.csv(many, 413);
  CHECK(f.get("/api/v1/assets")["total"] == 0);
}

TEST_CASE("exchange: in the background, as a task") {
  Fixture f;
  const auto order = [&](const std::string& body) {
    Request request;
    request.method = "POST";
    request.target = "/api/v1/assets/import";
    request.headers = {{"content-type", "text/csv"}, {"prefer", "wait=1, respond-async"}};
    request.body = body;
    const Response r = f.router.handle(request);
    CHECK(r.status == 202);
    return "/api/v1/tasks/" + Answer::parse(r.body)["id"].get<std::string>();
  };
  const auto ended = [&](const std::string& path) {
    for (int i = 0; i < 500; ++i) {
      const Answer task = f.get(path);
      if (!task["ended_at"].is_null()) return task;
      std::this_thread::sleep_for(10ms);
    }
    FAIL("the task does not end");
    return Answer{};
  };
  const Answer good = ended(order("endpoints,name\n10.9.0.1,backup\n"));
  CHECK(good["state"] == "finished");
  CHECK(good["kind"] == "import");
  CHECK(good["done"] == 1);
  CHECK(good["result"]["made"] == 1);
  CHECK(f.get("/api/v1/assets")["total"] == 1);
  const Answer bad = ended(order("endpoints\nx\n"));
  CHECK(bad["state"] == "failed");
  CHECK(bad["problem"] == "line 2, column 1: address: `x` is no IPv4 or IPv6 address");
  CHECK(bad["result"].is_null());
  CHECK(f.get("/api/v1/tasks")["total"] == 2);
  f.get("/api/v1/tasks/00000000-0000-4000-8000-000000000000", 404);
}
