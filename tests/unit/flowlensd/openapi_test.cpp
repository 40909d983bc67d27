#include "http/openapi.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "http/metrics.hpp"
#include "service_fixture.hpp"

using namespace flowlensd::http;

namespace {

using Names = std::set<std::string>;

struct DescribedApi : ServiceFixture {
  Metrics metrics;
  DescribedApi() {
    add_routes(router, service);
    add_metrics_routes(router, service, metrics, {});
  }
};

struct Operation {
  std::string method, path;
  const Answer* json;
  const Answer* shared_parameters;  ///< of the path; null: none
};

std::vector<Operation> operations(const Answer& document) {
  std::vector<Operation> all;
  for (const auto& [path, item] : document.at("paths").items()) {
    const auto shared = item.find("parameters");
    for (const auto& [member, json] : item.items()) {
      if (member == "parameters") continue;
      std::string method = member;
      for (char& c : method) c = static_cast<char>(c - 'a' + 'A');
      all.push_back({method, path, &json, shared == item.end() ? nullptr : &*shared});
    }
  }
  return all;
}

const Answer& resolved(const Answer& document, const Answer& node) {
  const auto ref = node.find("$ref");
  if (ref == node.end()) return node;
  return document.at(Answer::json_pointer(ref->get<std::string>().substr(1)));
}

/// Those of the operation and its path that are `in` the query or the path.
Names parameters(const Answer& document, const Operation& o, std::string_view in) {
  Names names;
  const auto add = [&](const Answer& list) {
    for (const Answer& item : list) {
      const Answer& p = resolved(document, item);
      if (p.at("in") != in) continue;
      CHECK(p.value("required", false) >= (in == "path"));
      CHECK(names.insert(p.at("name")).second);
    }
  };
  if (o.shared_parameters != nullptr) add(*o.shared_parameters);
  if (o.json->contains("parameters")) add(o.json->at("parameters"));
  return names;
}

Names in_braces(std::string_view pattern) {
  Names names;
  for (std::size_t at = pattern.find('{'); at != std::string_view::npos;
       at = pattern.find('{', at + 1)) {
    names.emplace(pattern.substr(at + 1, pattern.find('}', at) - at - 1));
  }
  return names;
}

std::string_view text_of(Permission p) {
  constexpr std::string_view kNames[] = {"anonymous", "viewer", "analyst", "admin"};
  return kNames[static_cast<std::size_t>(p)];
}

/// Calls `see` with the target of each `$ref`, and where it stands.
template <typename See>
void for_each_ref(const Answer& node, const std::string& where, const See& see) {
  if (node.is_object() && node.contains("$ref")) see(node["$ref"].get<std::string>(), where);
  for (const auto& [name, value] : node.items()) {
    if (value.is_structured()) for_each_ref(value, where + "/" + name, see);
  }
}

/// What the answers of a route are made of is written down by hand; that it is so, the end-to-end
/// test asks the running daemon.
Answer document() { return Answer::parse(openapi_document().dump()); }

}  // namespace

TEST_CASE_FIXTURE(DescribedApi, "openapi: the document and the routes say the same") {
  const Answer all = document();
  std::map<std::pair<std::string, std::string>, const Route*> routes;
  for (const Route* r : router.routes())
    CHECK(routes.emplace(std::pair{r->method, r->pattern}, r).second);
  for (const Operation& o : operations(all)) {
    CAPTURE(o.method);
    CAPTURE(o.path);
    const auto found = routes.find({o.method, o.path});
    if (found == routes.end()) {
      FAIL_CHECK("described, but there is no such route");
      continue;
    }
    const Route& route = *found->second;
    CHECK(parameters(all, o, "query") == Names(route.parameters.begin(), route.parameters.end()));
    CHECK(parameters(all, o, "path") == in_braces(route.pattern));
    CHECK(o.json->at("x-permission") == text_of(route.permission()));
    routes.erase(found);
  }
  for (const auto& [key, route] : routes) {
    CAPTURE(key.first);
    CAPTURE(key.second);
    FAIL_CHECK("a route that http/openapi/*.json does not describe");
  }
}

TEST_CASE("openapi: each operation is complete") {
  const Answer all = document();
  Names ids, tags;
  for (const Answer& tag : all.at("tags")) CHECK(tags.insert(tag.at("name")).second);
  for (const Operation& o : operations(all)) {
    CAPTURE(o.method);
    CAPTURE(o.path);
    CHECK(ids.insert(o.json->at("operationId")).second);
    CHECK(!o.json->at("summary").get<std::string>().empty());
    for (const Answer& tag : o.json->at("tags")) CHECK(tags.contains(tag));
    const bool is_open = o.json->at("x-permission") == "anonymous";
    CHECK(o.json->contains("security") == is_open);
    const Answer& answers = o.json->at("responses");
    CHECK(answers.contains("401") >= !is_open);  // a log-in may fail, too
    CHECK(answers.contains("400"));
    CHECK(answers.contains("415") == o.json->contains("requestBody"));
    const bool has_body = o.method == "POST" || o.method == "PUT" || o.method == "PATCH";
    CHECK(o.json->contains("requestBody") == has_body);
    bool is_ever_good = false;  // 101: from there on it is a WebSocket
    for (const auto& [status, answer] : answers.items()) {
      is_ever_good = is_ever_good || status == "101" || status.starts_with('2');
    }
    CHECK(is_ever_good);
  }
}

TEST_CASE("openapi: every reference leads somewhere, and every component is used") {
  const Answer all = document();
  Names used;
  for_each_ref(all, "#", [&](const std::string& target, const std::string& where) {
    CAPTURE(where);
    CAPTURE(target);
    REQUIRE(target.starts_with("#/components/"));
    CHECK(all.contains(Answer::json_pointer(target.substr(1))));
    used.insert(target);
  });
  for (const auto& [kind, named] : all.at("components").items()) {
    if (kind == "securitySchemes") continue;
    for (const auto& [name, value] : named.items()) {
      CAPTURE(kind);
      CAPTURE(name);
      CHECK(used.contains("#/components/" + kind + "/" + name));
    }
  }
}

TEST_CASE("openapi: what is required of an object are members that it has") {
  const Answer all = document();
  for (const auto& [name, schema] : all.at("components").at("schemas").items()) {
    if (!schema.contains("properties")) continue;
    CAPTURE(name);
    for (const Answer& member : schema.value("required", Answer::array())) {
      CHECK(schema["properties"].contains(member));
    }
  }
}

TEST_CASE_FIXTURE(DescribedApi, "openapi: /openapi.json is the document, with this version") {
  const Response r = send("GET", "/openapi.json");
  CHECK(r.status == 200);
  CHECK(r.content_type == "application/json");
  const Answer served = Answer::parse(r.body);
  CHECK(served == document());
  CHECK(served["openapi"] == "3.1.0");
  CHECK(served["info"]["version"] == flowlens::kVersion);
  const auto etag = std::find_if(r.headers.begin(), r.headers.end(),
                                 [](const auto& h) { return h.first == "ETag"; });
  REQUIRE(etag != r.headers.end());
  Request again;
  again.method = "GET";
  again.target = "/openapi.json";
  again.headers["if-none-match"] = etag->second;
  CHECK(router.handle(again).status == 304);
}

TEST_CASE_FIXTURE(DescribedApi, "openapi: the pages for people are there, and may load nothing") {
  for (const char* target : {"/", "/docs"}) {
    CAPTURE(target);
    const Response r = send("GET", target);
    CHECK(r.status == 200);
    CHECK(r.content_type.starts_with("text/html"));
    const bool is_closed = std::any_of(r.headers.begin(), r.headers.end(), [](const auto& h) {
      return h.first == "Content-Security-Policy" && h.second.starts_with("default-src 'none'");
    });
    CHECK(is_closed);
    for (const char* outside : {"src=", "href=\"http", "@import", "url("}) {
      CAPTURE(outside);
      CHECK(r.body.find(outside) == std::string::npos);
    }
  }
}
