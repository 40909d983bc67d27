// Channels of alerts: what is delivered, when it is tried again, what is lost and counted; and that
// nobody waits. The receivers are real HTTP servers on loopback.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "flowlens/error.hpp"
#include "http/server.hpp"
#include "notify/channels.hpp"
#include "notify/notice_file.hpp"
#include "notify/webhook.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlensd;
using namespace std::chrono_literals;
using flowlens::ConfigError;
using nlohmann::json;

namespace {

OutboxOptions fast() {
  OutboxOptions o;
  o.max_waiting = 5;
  o.first_pause = 10ms;
  o.longest_pause = 20ms;
  o.grace = 500ms;
  return o;
}

/// At most ten seconds, which a machine under load may need.
template <typename Condition>
bool comes_true(const Condition& condition) {
  for (int i = 0; i < 1'000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
  return condition();
}

/// A receiver of webhooks that answers as it is told to.
struct Receiver {
  std::mutex mutex;
  std::vector<http::Request> got;
  std::atomic<unsigned> status{200};
  std::atomic<int> delay_ms{0};
  http::Server server;

  explicit Receiver(std::uint16_t port = 0)
      : server(options(port), [this](http::Request r) { return answer(std::move(r)); }, {}) {
    server.start();
  }
  static http::ServerOptions options(std::uint16_t port) {
    http::ServerOptions o;
    o.address = flowlens::IpAddress::v4(0x7f000001);
    o.port = port;
    return o;
  }
  http::Response answer(http::Request r) {
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    const std::lock_guard lock(mutex);
    got.push_back(std::move(r));
    http::Response out;
    out.status = status;
    out.body = std::string(1'000, 'x');
    return out;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex);
    return got.size();
  }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(server.port()) + "/hook?team=net";
  }
};

AlertNotice notice(std::string title, std::vector<std::string> channels) {
  AlertNotice n;
  n.alert.title = std::move(title);
  n.alert.severity = Severity::critical;
  n.alert.key.rule = "mine";
  n.channels = std::move(channels);
  return n;
}

Settings with_webhook(const std::string& url) {
  Settings s;
  s.webhook_url = url;
  s.webhook_timeout_seconds = 1;
  return s;
}

OutboxView only(const Channels& channels) {
  REQUIRE(channels.view().size() == 1);
  return channels.view().front().outbox;
}

}  // namespace

TEST_CASE("webhook: a URL in parts; what is none is refused without being repeated") {
  const WebhookOptions plain = parse_webhook_url("http://example.org");
  CHECK(plain.host == "example.org");
  CHECK(plain.port == "80");
  CHECK(plain.target == "/");
  const WebhookOptions v6 = parse_webhook_url("http://[2001:db8::1]:8080/a/b?c=d#e");
  CHECK(v6.host == "2001:db8::1");
  CHECK(v6.port == "8080");
  CHECK(v6.target == "/a/b?c=d");
  CHECK(parse_webhook_url("http://h?x").target == "/?x");
  for (const char* url :
       {"", "h", "https://hooks.example/s3cret", "ftp://h/s3cret", "http://", "http://:80/s3cret",
        "http://h:0/s3cret", "http://h:65536/s3cret", "http://h:x/s3cret", "http://h:/s3cret",
        "http://u:s3cret@h/", "http://h/s3cret HTTP/1.1\r\nX: y", "http://h/s3cret\x80",
        "http://[::1/s3cret", "http://[::1]x/s3cret"}) {
    CAPTURE(url);
    try {
      (void)parse_webhook_url(url);
      FAIL("was taken");
    } catch (const ConfigError& e) {
      CHECK(std::string(e.what()).find("s3cret") == std::string::npos);
      CHECK(std::string(e.what()).find("alerts.webhook.url") == 0);
    }
  }
}

TEST_CASE("webhook: posts JSON; says what went wrong, and whether to try again") {
  Receiver receiver;
  WebhookOptions to = parse_webhook_url(receiver.url());
  to.authorization = "Bearer s3cret";
  to.timeout = 5s;
  CHECK(post_json(to, R"({"a":1})").problem.empty());
  REQUIRE(receiver.count() == 1);
  CHECK(receiver.got[0].method == "POST");
  CHECK(receiver.got[0].target == "/hook?team=net");
  CHECK(receiver.got[0].header("content-type") == "application/json");
  CHECK(receiver.got[0].body == R"({"a":1})");
  const std::string where = "http://127.0.0.1:" + to.port + ": ";
  struct Case {
    unsigned status;
    bool is_taken, is_refused;
  };
  for (const Case& c : {Case{201, true, false}, Case{301, false, true}, Case{400, false, true},
                        Case{404, false, true}, Case{408, false, false}, Case{429, false, false},
                        Case{500, false, false}, Case{503, false, false}}) {
    CAPTURE(c.status);
    receiver.status = c.status;
    const Delivery d = post_json(to, "{}");
    CHECK(d.problem.empty() == c.is_taken);
    CHECK(d.is_refused == c.is_refused);
    if (!c.is_taken) CHECK(d.problem == where + "HTTP status " + std::to_string(c.status));
  }
  receiver.status = 200;
  receiver.delay_ms = 2'000;
  to.timeout = 200ms;
  CHECK(post_json(to, "{}").problem == where + "no answer within 200 ms");
  receiver.server.stop();
  CHECK(post_json(to, "{}").problem.find(where) == 0);
  CHECK_FALSE(post_json(to, "{}").is_refused);
}

TEST_CASE("outbox: in order; tried again until it is taken; refused ones do not hold up others") {
  std::atomic<bool> is_down{true};
  std::vector<std::string> got;
  Outbox outbox(
      "test",
      [&](const std::string& text) {
        if (is_down) return Delivery{"down"};
        if (text == "bad") return Delivery{"no", true};
        if (text == "odd") throw std::runtime_error("odd");
        got.push_back(text);
        return Delivery{};
      },
      fast());
  for (const char* text : {"1", "bad", "2"}) outbox.push(text);
  CHECK(comes_true([&] { return outbox.view().failures >= 3; }));
  CHECK(outbox.view().problem == "down");
  CHECK(outbox.view().delivered == 0);
  is_down = false;
  CHECK(comes_true([&] { return outbox.view().delivered == 2; }));
  CHECK(outbox.view().refused == 1);
  CHECK(outbox.view().problem.empty());
  outbox.push("odd");
  CHECK(comes_true([&] { return outbox.view().problem == "odd"; }));
  outbox.stop();
  CHECK(got == std::vector<std::string>{"1", "2"});
  CHECK(outbox.view().abandoned == 1);
}

TEST_CASE("outbox: past its bound the oldest goes, and what is too old; all is counted") {
  std::atomic<bool> is_down{true};
  std::vector<std::string> got;
  OutboxOptions options = fast();
  const auto deliver = [&](const std::string& text) {
    if (is_down) return Delivery{"down"};
    got.push_back(text);
    return Delivery{};
  };
  {
    Outbox outbox("test", deliver, options);
    for (int i = 0; i < 20; ++i) outbox.push(std::to_string(i));
    CHECK(comes_true([&] {
      const OutboxView v = outbox.view();
      return v.crowded_out == 15 && v.waiting == 5;
    }));
    is_down = false;
    CHECK(comes_true([&] { return outbox.view().delivered == 5; }));
    CHECK(got.back() == "19");
  }
  {
    // However long an attempt takes, no more wait than may.
    std::atomic<bool> is_over{false};
    Outbox outbox(
        "test",
        [&](const std::string&) {
          comes_true([&] { return is_over.load(); });
          return Delivery{};
        },
        options);
    for (int i = 0; i < 20; ++i) outbox.push("x");
    CHECK(outbox.view().waiting == 5);
    CHECK(outbox.view().crowded_out >= 14);
    is_over = true;
  }
  is_down = true;
  options.give_up_after = 0ms;
  Outbox outbox("test", deliver, options);
  outbox.push("a");
  CHECK(comes_true([&] { return outbox.view().given_up == 1; }));
  CHECK(outbox.view().waiting == 0);
}

TEST_CASE("outbox: at the end what waits is delivered if that goes well, else counted; soon") {
  for (const bool is_down : {false, true}) {
    CAPTURE(is_down);
    OutboxOptions options = fast();
    options.first_pause = options.longest_pause = 60s;
    std::atomic<int> attempts{0};
    Outbox outbox(
        "test",
        [&](const std::string&) {
          ++attempts;
          return is_down ? Delivery{"down"} : Delivery{};
        },
        options);
    for (int i = 0; i < 4; ++i) outbox.push("x");
    const auto begin = std::chrono::steady_clock::now();
    outbox.stop();
    CHECK(std::chrono::steady_clock::now() - begin < 30s);
    CHECK(outbox.view().delivered == (is_down ? 0 : 4));
    CHECK(outbox.view().abandoned == (is_down ? 4 : 0));
    outbox.push("late");
    CHECK(outbox.view().abandoned == (is_down ? 5 : 1));
  }
}

TEST_CASE(
    "channels: a receiver that is down, fails, is slow, and comes back; nobody waits for it") {
  auto receiver = std::make_unique<Receiver>();
  const std::uint16_t port = receiver->server.port();
  Channels channels(with_webhook(receiver->url()), fast());
  receiver->status = 500;
  channels.tell(notice("first", {"log", "webhook"}));
  CHECK(comes_true([&] { return receiver->count() >= 2; }));
  CHECK(only(channels).problem.find("HTTP status 500") != std::string::npos);
  receiver.reset();
  const std::uint64_t before = only(channels).failures;
  CHECK(comes_true([&] { return only(channels).failures > before + 1; }));
  CHECK(only(channels).delivered == 0);

  receiver = std::make_unique<Receiver>(port);
  receiver->delay_ms = 1'500;  // longer than it is given
  CHECK(comes_true([&] { return only(channels).problem.find("no answer") != std::string::npos; }));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) channels.tell(notice("more", {"webhook"}));
  channels.tell(notice("elsewhere", {"log", "pager"}));
  CHECK(std::chrono::steady_clock::now() - begin < 1s);
  receiver->delay_ms = 0;
  CHECK(comes_true([&] { return only(channels).delivered == 4; }));
  CHECK(only(channels).problem.empty());
  channels.stop();
  const json last = json::parse(receiver->got.back().body);
  CHECK(last["text"] == "[critical, raised] more");
  CHECK(last["step"] == "raised");
  CHECK(last["alert"]["rule"] == "mine");
  CHECK(last["alert"]["history"].is_array());
}

TEST_CASE(
    "channels: a file, a line each; moved away it is made anew; a folder that is gone is told of") {
  const flowlens::test::TemporaryFolder folder;
  Settings settings;
  std::filesystem::create_directory(folder.path / "sub");
  const auto file = folder.path / "sub" / "alerts.jsonl";
  settings.alerts_file = file.string();
  Channels channels(settings, fast());
  CHECK(channels.names() == std::vector<std::string>{"file", "log"});
  append_line(file, "there was one");
  channels.tell(notice("one\ntwo \xff", {"file"}));
  CHECK(comes_true([&] { return only(channels).delivered == 1; }));
  std::filesystem::rename(file, folder.path / "old");
  channels.tell(notice("three", {"file"}));
  CHECK(comes_true([&] { return only(channels).delivered == 2; }));
  for (const auto& path : {folder.path / "old", file}) {
    std::ifstream in(path);
    std::string line;
    REQUIRE(std::getline(in, line));
    if (path != file) {
      CHECK(line == "there was one");
      REQUIRE(std::getline(in, line));
    }
    CHECK(json::parse(line)["alert"]["severity"] == "critical");
    CHECK_FALSE(std::getline(in, line));
  }
  std::filesystem::remove_all(folder.path / "sub");
  channels.tell(notice("four", {"file"}));
  CHECK(comes_true([&] { return !only(channels).problem.empty(); }));
  std::filesystem::create_directory(folder.path / "sub");
  CHECK(comes_true([&] { return only(channels).delivered == 3; }));
}

TEST_CASE("channels: a disk that is full leaves no half line") {
  if (!std::filesystem::exists("/dev/full")) return;
  CHECK_THROWS_AS(append_line("/dev/full", "x"), flowlens::IoError);
}

TEST_CASE("channels: settings that cannot be are refused") {
  Settings s;
  Channels log_alone(s);
  CHECK(default_channels(s, log_alone) == std::vector<std::string>{"log"});
  s.default_channels = "log, webhook";
  CHECK_THROWS_AS((void)default_channels(s, log_alone), ConfigError);
  s.webhook_url = "http://127.0.0.1:9/";
  Channels both(s);
  CHECK(default_channels(s, both) == std::vector<std::string>{"log", "webhook"});
  s.webhook_authorization = "Bearer x\r\nX-Other: y";
  CHECK_THROWS_AS(Channels{s}, ConfigError);
  s.webhook_url = "https://127.0.0.1/";
  CHECK_THROWS_AS(Channels{s}, ConfigError);
}
