// A request that a copy of the map sends to the process that writes it, and its way back.
#include "http/forwarding.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "http/queued_message.hpp"
#include "http/request_answering.hpp"
#include "service_fixture.hpp"

namespace flowlensd::http {
namespace {

using namespace std::chrono_literals;
using Kind = RequestFate::Kind;

/// What both ends share; the rules are those of the database.
struct Queue {
  std::mutex mutex;
  std::uint64_t last = 0;
  std::map<std::uint64_t, std::string> waiting;
  std::set<std::uint64_t> taken;
  std::map<std::uint64_t, RequestFate> ended;
  bool is_away = false;

  void check() const {
    if (is_away) throw IoError("the database is away");
  }
};

class Sender final : public RequestSender {
 public:
  explicit Sender(Queue& queue) : queue_(queue) {}
  std::uint64_t send(std::string_view body) override {
    const std::lock_guard lock(queue_.mutex);
    queue_.check();
    queue_.waiting[++queue_.last] = body;
    return queue_.last;
  }
  std::vector<RequestFate> fates(std::span<const std::uint64_t> positions) override {
    const std::lock_guard lock(queue_.mutex);
    queue_.check();
    std::vector<RequestFate> found;
    for (const std::uint64_t position : positions) {
      if (queue_.ended.contains(position)) found.push_back(queue_.ended.at(position));
    }
    return found;
  }
  bool withdraw(std::uint64_t position) override {
    const std::lock_guard lock(queue_.mutex);
    return queue_.waiting.erase(position) > 0;
  }
  void wait(std::chrono::milliseconds) override { std::this_thread::sleep_for(1ms); }

 private:
  Queue& queue_;
};

class Taker final : public RequestTaker {
 public:
  explicit Taker(Queue& queue) : queue_(queue) {}
  std::vector<QueuedRequest> take(std::size_t most) override {
    const std::lock_guard lock(queue_.mutex);
    std::vector<QueuedRequest> taken;
    while (taken.size() < most && !queue_.waiting.empty()) {
      const auto first = queue_.waiting.begin();
      REQUIRE(queue_.taken.insert(first->first).second);
      taken.push_back({first->first, first->second});
      queue_.waiting.erase(first);
    }
    return taken;
  }
  void answer(std::uint64_t position, const QueuedAnswer& answer) override {
    const std::lock_guard lock(queue_.mutex);
    queue_.ended[position] = {position, Kind::answered, answer};
  }
  void wait(std::chrono::milliseconds) override { std::this_thread::sleep_for(1ms); }

 private:
  Queue& queue_;
};

ForwardingOptions impatient() {
  ForwardingOptions o;
  o.until_taken = 1s;  // even on a busy machine
  o.until_answered = 200ms;
  o.max_waiting = 2;
  o.max_octets = 2'000;
  return o;
}

/// A copy's end, with whatever is done at the other.
struct CopyEnd {
  explicit CopyEnd(const ForwardingOptions& options = {})
      : forwarding(
            std::make_unique<Sender>(queue), std::make_unique<Sender>(queue),
            [this](std::uint64_t revision, std::chrono::milliseconds) {
              return revision <= has_revision;
            },
            options) {
    router.add({"/map", [](const Request&) { return Response{}; }, {}});
    router.add({"/map",
                [](const Request&) -> Response { throw std::runtime_error("the copy's own"); },
                {"name"},
                "PATCH"});
    router.set_guard([](Request& request, const Route&) {
      if (request.header("authorization").empty()) throw Problem{401, "Unauthorized", "no"};
      request.caller = {"anna", Permission::analyst, Id{}, Id{}};
    });
    router.set_witness(
        [this](const Request&, const Route&, const Response& r) { seen.push_back(r.status); });
    router.set_forward([this](const Request& r) { return forwarding.forward(r); });
    forwarding.start();
  }

  Response send(std::string method, std::string target = "/map", bool is_logged_in = true,
                std::string body = "{}") {
    Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers["content-type"] = "application/json";
    if (is_logged_in) request.headers["authorization"] = "Bearer secret";
    return router.handle(std::move(request));
  }
  /// Waits for a request, and ends it so.
  std::thread end_next(Kind kind, std::uint64_t revision) {
    return std::thread([this, kind, revision] {
      for (int i = 0; i < 10'000; ++i) {
        const auto taken = Taker(queue).take(1);
        if (!taken.empty()) {
          QueuedAnswer answer = encode_answer({});
          answer.revision = revision;
          const std::lock_guard lock(queue.mutex);
          queue.ended[taken[0].position] = {taken[0].position, kind, answer};
          return;
        }
        std::this_thread::sleep_for(1ms);
      }
    });
  }

  Queue queue;
  std::uint64_t has_revision = 0;
  std::vector<unsigned> seen;
  Forwarding forwarding;
  Router router;
};

bool says(const Response& r, std::string_view word) {
  CAPTURE(r.body);
  return r.body.find(word) != r.body.npos;
}

bool has_header(const Response& r, std::string_view name) {
  return std::any_of(r.headers.begin(), r.headers.end(),
                     [&](const auto& header) { return header.first == name; });
}

}  // namespace

TEST_CASE("forwarding: messages keep what matters, and no credential") {
  Request request;
  request.method = "PATCH";
  request.target = "/api/v1/assets/1?x=%C3%A4";
  request.body = std::string("a\0\xff\n{", 5);
  request.headers = {{"authorization", "Bearer secret"},
                     {"cookie", "secret"},
                     {"content-type", "application/json"},
                     {"if-match", "\"\xff\""}};
  request.caller = {"anna", Permission::admin, derive_id(asset_namespace(), "u"), Id{}};
  const std::string octets = encode_request(request);
  CHECK(octets.find("secret") == octets.npos);
  const auto read = decode_request(octets);
  REQUIRE(read.has_value());
  CHECK(read->method == request.method);
  CHECK(read->target == request.target);
  CHECK(read->body == request.body);
  CHECK(read->header("content-type") == "application/json");
  CHECK(read->caller.name == "anna");
  CHECK(read->caller.permission == Permission::admin);
  CHECK(read->caller.user == request.caller.user);
  for (const char* broken : {"", "{}", "{}\n", "[]\n", "\n", "{\"method\":1}\nx"}) {
    CAPTURE(broken);
    CHECK(!decode_request(broken).has_value());
  }

  Response response;
  response.status = 201;
  response.content_type = "text/csv";
  response.body = request.body;
  response.headers = {{"Location", "/x"}, {"ETag", "\"1\""}};
  const auto answer = decode_answer(encode_answer(response));
  REQUIRE(answer.has_value());
  CHECK(answer->status == 201);
  CHECK(answer->content_type == "text/csv");
  CHECK(answer->body == response.body);
  CHECK(answer->headers == response.headers);
  CHECK(!decode_answer({"[]", "", 0}).has_value());
}

TEST_CASE("forwarding: what the copy may answer it answers, the guard stands before both") {
  CopyEnd copy;
  CHECK(copy.send("GET").status == 200);
  CHECK(copy.send("PATCH", "/map", false).status == 401);
  CHECK(copy.send("PATCH", "/map?other=1").status == 400);
  CHECK(copy.queue.last == 0);
  auto other = copy.end_next(Kind::answered, 0);
  CHECK(copy.send("PATCH").status == 200);
  other.join();
  CHECK(copy.seen == std::vector<unsigned>{200, 401, 400, 200});
  CHECK(copy.forwarding.counters().answered == 1);
}

TEST_CASE("forwarding: an answer comes once the copy has what was changed") {
  CopyEnd copy(impatient());
  auto other = copy.end_next(Kind::answered, 7);
  Response r = copy.send("PATCH");
  other.join();
  CHECK(r.status == 503);
  CHECK(says(r, "Done, not shown yet"));
  CHECK(!has_header(r, "Retry-After"));
  copy.has_revision = 7;
  other = copy.end_next(Kind::answered, 7);
  r = copy.send("PATCH");
  other.join();
  CHECK(r.status == 200);
}

TEST_CASE("forwarding: where nobody takes it nothing is done, and it may be asked again") {
  CopyEnd copy(impatient());
  const Response r = copy.send("PATCH");
  CHECK(r.status == 503);
  CHECK(says(r, "Not done"));
  CHECK(has_header(r, "Retry-After"));
  CHECK(copy.queue.waiting.empty());
  CHECK(copy.forwarding.counters().withdrawn == 1);
}

TEST_CASE("forwarding: where it is not known whether it was done, the answer says so") {
  CopyEnd copy(impatient());
  auto other = copy.end_next(Kind::lost, 0);
  Response r = copy.send("PATCH");
  other.join();
  CHECK(r.status == 503);
  CHECK(says(r, "Outcome unknown"));
  CHECK(!has_header(r, "Retry-After"));

  std::thread takes_only([&] {
    while (Taker(copy.queue).take(1).empty()) std::this_thread::sleep_for(1ms);
  });
  r = copy.send("PATCH");
  takes_only.join();
  CHECK(says(r, "Outcome unknown"));

  {
    const std::lock_guard lock(copy.queue.mutex);
    copy.queue.is_away = true;
  }
  r = copy.send("PATCH");
  CHECK(says(r, "Outcome unknown"));
  CHECK(copy.forwarding.counters().unknown == 3);
}

TEST_CASE("forwarding: too many and too large requests are refused, and counted") {
  CopyEnd copy(impatient());
  CHECK(copy.send("PATCH", "/map", true, "\"" + std::string(2'000, 'x') + "\"").status == 413);
  std::vector<std::thread> clients;
  std::atomic<int> refused{0};
  for (int i = 0; i < 5; ++i) {
    clients.emplace_back([&] {
      const Response r = copy.router.handle([] {
        Request request;
        request.method = "PATCH";
        request.target = "/map";
        request.headers["content-type"] = "application/json";
        request.headers["authorization"] = "Bearer x";
        return request;
      }());
      if (r.body.find("too many") != r.body.npos) ++refused;
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(refused >= 1);
  const ForwardingCounters counters = copy.forwarding.counters();
  CHECK(counters.refused == static_cast<std::uint64_t>(refused) + 1);
  CHECK(counters.waiting == 0);
}

TEST_CASE(
    "forwarding: the Resolver's process does what was let pass, in the caller's name, and says in "
    "which revision") {
  ServiceFixture resolver;
  add_routes(resolver.router, resolver.service);
  resolver.router.set_guard([](Request&, const Route&) {
    throw Problem{401, "Unauthorized", "asked twice"};
  });
  resolver.use("10.0.0.1", "10.0.0.2", 443, 0h);
  resolver.show();
  const std::uint64_t before = resolver.resolver.graph().counters().revision;
  Queue queue;
  std::atomic<int> flushes{0};
  RequestAnswering answering(std::make_unique<Taker>(queue), std::make_unique<Taker>(queue),
                             resolver.router, resolver.resolver.graph(), resolver.writer,
                             [&] { ++flushes; }, {});
  answering.start();
  Sender sender(queue);
  const auto ask = [&](const char* method, const std::string& target, std::string body) {
    Request request;
    request.method = method;
    request.target = target;
    request.body = std::move(body);
    request.headers["content-type"] = "application/json";
    request.caller = {"anna", Permission::analyst, Id{}, Id{}};
    const std::uint64_t position = sender.send(encode_request(request));
    while (true) {
      const auto fates = sender.fates(std::span{&position, 1});
      if (!fates.empty()) return fates[0].answer;
      std::this_thread::sleep_for(1ms);
    }
  };
  const std::string path = "/api/v1/assets/" + resolver.id("10.0.0.2");
  const QueuedAnswer changed = ask("PATCH", path, R"({"tags": ["db"]})");
  const auto response = decode_answer(changed);
  REQUIRE(response.has_value());
  CAPTURE(response->body);
  CHECK(response->status == 200);
  CHECK(Answer::parse(response->body)["updated_by"] == "anna");
  CHECK(changed.revision == before + 1);
  CHECK(flushes == 1);
  const QueuedAnswer refused = ask("PATCH", path, R"({"tags": 1})");
  CHECK(decode_answer(refused)->status == 400);
  CHECK(refused.revision == 0);
  CHECK(ask("GET", "/api/v1/ledgers", "").revision == 0);
  CHECK(flushes == 1);
  answering.stop();
  CHECK(answering.counters().answered == 3);
}

TEST_CASE("forwarding: which routes are answered where") {
  ServiceFixture f;
  add_routes(f.router, f.service);
  std::set<std::string> at_resolver, that_read_here;
  for (const Route* route : f.router.routes()) {
    const bool is_here = route->place() == AnsweredAt::copy;
    const std::string name = route->method + " " + route->pattern;
    if (!is_here) at_resolver.insert(name);
    if (is_here && route->method != "GET" && route->permission() > Permission::viewer) {
      that_read_here.insert(name);
    }
  }
  // What a copy answers itself and is no question changes users alone.
  for (const std::string& name : that_read_here) {
    CAPTURE(name);
    CHECK(name.find(" /api/v1/users") != name.npos);
  }
  for (const char* name :
       {"PATCH /api/v1/assets/{id}", "POST /api/v1/assets", "DELETE /api/v1/dependencies/{id}",
        "POST /api/v1/assets/{id}/merge", "GET /api/v1/alerts", "PATCH /api/v1/alerts/{id}",
        "GET /api/v1/applications", "GET /api/v1/exporters", "GET /api/v1/baselines",
        "PATCH /api/v1/admin/config", "GET /api/v1/gateways", "POST /api/v1/discovery/scans",
        "POST /api/v1/alerts/dry-run", "GET /api/v1/ledgers"}) {
    CAPTURE(name);
    CHECK(at_resolver.contains(name));
  }
  for (const char* name :
       {"GET /api/v1/assets", "GET /api/v1/assets/{id}", "GET /api/v1/topology",
        "GET /api/v1/search", "POST /api/v1/analysis/impact", "GET /api/v1/changes",
        "GET /api/v1/flows", "GET /health", "POST /api/v1/auth/login", "POST /api/v1/users",
        "GET /api/v1/audit", "GET /api/v1/ws", "GET /api/v1/admin/health", "GET /openapi.json",
        "GET /"}) {
    CAPTURE(name);
    CHECK(!at_resolver.contains(name));
  }
}

}  // namespace flowlensd::http
