// What is watched, for how long, and what is kept of it. Weeks of traffic: weeks_property_test.cpp.
#include "flowlens/change_detector.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "base/checksum.hpp"
#include "detect/rhythm.hpp"
#include "flowlens/error.hpp"
#include "support/simulated_weeks.hpp"

using namespace flowlens;
using namespace std::chrono_literals;
using detect::HourOfWeek;
using detect::Rhythm;
using Net = testing::SimulatedWeeks;

namespace {

constexpr std::uint32_t kDay = Net::kDay;

ConnectionSummary row(std::uint32_t client, std::uint32_t server, std::uint16_t port,
                      std::uint32_t window, double octets = 1'000) {
  return Net::row({client, server, port, Net::Use::Shape::steady, octets, 1}, window, octets);
}

struct Fixture {
  DependencyGraph graph;
  ChangeDetector detector;
  std::vector<ChangeEvent> told;
  std::vector<Id> ids;

  explicit Fixture(const ChangeDetectorOptions& options = {}) : detector(options) {}

  /// The rows of one window.
  const std::vector<ChangeEvent>& see(const std::vector<ConnectionSummary>& rows) {
    (void)graph.apply(rows, &ids);
    detector.look(graph, rows, ids, told);
    return told;
  }
  [[nodiscard]] std::size_t count(ChangeType type) const {
    return static_cast<std::size_t>(std::count_if(
        told.begin(), told.end(), [&](const ChangeEvent& e) { return e.type == type; }));
  }
  [[nodiscard]] const ChangeEvent& one(ChangeType type) const {
    const auto found = std::find_if(told.begin(), told.end(),
                                    [&](const ChangeEvent& e) { return e.type == type; });
    REQUIRE_MESSAGE(found != told.end(), to_string(type));
    return *found;
  }
};

/// Two clients of a server and one that keeps time going, for `days`.
std::uint32_t live(Fixture& f, std::uint32_t from, std::uint32_t until, double octets = 1'000) {
  for (std::uint32_t w = from; w < until; ++w) {
    f.see({row(1, 9, 443, w, octets), row(2, 9, 443, w), row(3, 8, 53, w)});
  }
  return until;
}

}  // namespace

TEST_CASE("rhythm: twice the longest pause; an eighth more where long pauses are alike") {
  Rhythm r;
  r.begin(100);
  for (detect::Tick t = 100; t < 200; ++t) r.see(t, 8'064);
  CHECK(r.most() == 0);
  CHECK(r.allowed(3, kDay) == 3);
  r.see(206, 8'064);
  CHECK(r.most() == 6);
  CHECK(r.allowed(3, kDay) == 12);
  CHECK_FALSE(r.is_known(107));
  CHECK(r.is_known(106));

  Rhythm monthly;
  monthly.begin(0);
  for (detect::Tick t = 8'640; t <= 5 * 8'640; t += 8'640) monthly.see(t, 8'064);
  CHECK(monthly.most() == 8'639);
  CHECK(monthly.allowed(3, kDay) == 8'639 + 8'639 / 8);
  CHECK(monthly.is_job());

  // What it was four weeks before the last four counts no more.
  Rhythm changed;
  changed.begin(0);
  changed.see(1'000, 8'064);
  for (detect::Tick t = 1'001; t < 18'000; ++t) changed.see(t, 8'064);
  CHECK(changed.most() == 0);
}

TEST_CASE("usual traffic: by the hour of the week, a quarter of the way") {
  HourOfWeek usual;
  CHECK(usual.around(5).high == HourOfWeek::kNone);
  const int mega = HourOfWeek::level_of(1'000'000);
  usual.learn(5, mega);
  CHECK(usual.level(5 + 168) == mega);
  CHECK(usual.around(4).high == mega);
  CHECK(usual.around(6).low == mega);
  CHECK(usual.around(7).high == HourOfWeek::kNone);
  usual.learn(5, mega + 64);
  CHECK(usual.level(5) == mega + 16);
  CHECK(HourOfWeek::octets_of(mega) > 990'000);
  CHECK(HourOfWeek::octets_of(mega) < 1'010'000);
}

TEST_CASE("what is new: assets and services stand for the dependencies that come with them") {
  Fixture f;
  f.see({row(1, 9, 443, 0)});
  CHECK(f.told.size() == 4);
  CHECK(f.count(ChangeType::new_asset) == 2);
  const ChangeEvent& service = f.one(ChangeType::service_appeared);
  CHECK(service.reason == "10.0.0.9 serves tcp/443 (https), first to 10.0.0.1");
  CHECK(service.port == 443);
  const ChangeEvent& dependency = f.one(ChangeType::new_dependency);
  CHECK(dependency.cause == service.cause);
  CHECK(dependency.cause == change_id(ChangeType::new_asset, f.graph.asset_of(Net::endpoint(9))->id,
                                      {}, Net::start(0)));
  CHECK(dependency.client == Net::endpoint(1));
  CHECK(dependency.id == change_id(ChangeType::new_dependency, dependency.subject,
                                   dependency.object, Net::start(0) + 10s));
  for (const ChangeEvent& e : f.told) CHECK(e.severity == Severity::info);
  CHECK(f.see({row(1, 9, 443, 1)}).empty());
  CHECK(f.see({row(1, Net::kOutside, 443, 2)}).size() == 3);
  CHECK(f.one(ChangeType::new_external_connection).cause ==
        f.one(ChangeType::service_appeared).cause);

  auto provisional = row(1, 7, 22, 3);
  provisional.provisional = true;
  CHECK(f.see({provisional}).empty());
  CHECK(f.see({row(1, 7, 22, 3)}).size() == 3);
}

TEST_CASE("off: nothing is watched; options that cannot be are refused") {
  ChangeDetectorOptions options;
  options.is_on = false;
  Fixture f(options);
  CHECK(f.see({row(1, 9, 443, 0)}).empty());
  CHECK(f.detector.counters().dependencies == 0);
  options.window = 0s;
  CHECK_THROWS_AS(ChangeDetector{options}, ConfigError);
  options.window = 5min;
  options.max_baselines = 0;
  CHECK_THROWS_AS(ChangeDetector{options}, ConfigError);
}

TEST_CASE("bounds: what finds no room is counted") {
  ChangeDetectorOptions options;
  options.max_dependencies = 2;
  options.max_events = 3;
  Fixture f(options);
  f.see({row(1, 9, 443, 0), row(2, 9, 443, 0), row(3, 9, 443, 0)});
  CHECK(f.told.size() == 3);
  CHECK(f.detector.counters().dependencies == 2);
  CHECK(f.detector.counters().unwatched == 1);
  CHECK(f.detector.counters().left_out == 3);
  CHECK(f.detector.counters().events[static_cast<std::size_t>(ChangeType::new_asset)] == 2);

  options = {};
  options.max_baselines = 1;
  Fixture g(options);
  g.see({row(1, 9, 443, 0, 4e6)});
  CHECK(g.detector.counters().baselines == 1);
  CHECK(g.detector.counters().unwatched == 2);  // the dependency has it, both ends have not
  g.see({row(3, 8, 443, 1)});
  for (std::uint32_t w = 2; w < kDay + 2; ++w) g.see({row(3, 8, 443, w)});
  g.see({row(3, 8, 443, kDay + 2, 4e6)});
  CHECK(g.detector.counters().evicted_baselines == 1);
}

TEST_CASE("parts: beneath one cause only so many are said") {
  ChangeDetectorOptions options;
  options.max_parts = 5;
  Fixture f(options);
  std::vector<ConnectionSummary> rows;
  for (std::uint16_t port = 1; port <= 20; ++port) rows.push_back(row(1, 9, port, 0));
  f.see(rows);
  const Id server = f.graph.asset_of(Net::endpoint(9))->id;
  const auto cause = std::find_if(f.told.begin(), f.told.end(), [&](const ChangeEvent& e) {
    return e.type == ChangeType::new_asset && e.subject == server;
  });
  REQUIRE(cause != f.told.end());
  const Id id = cause->id;
  CHECK(std::count_if(f.told.begin(), f.told.end(),
                      [&](const ChangeEvent& e) { return e.cause == id; }) == 5);
}

TEST_CASE("a dead server: one event, its service beneath it; back again") {
  Fixture f;
  std::uint32_t w = live(f, 0, 8 * kDay);
  std::uint32_t found = 0;
  for (const std::uint32_t end = w + 6; w < end; ++w) {
    // Its clients live, one goes on asking without an answer.
    auto vain = row(1, 9, 514, w);
    vain.counts.packets_to_client = vain.counts.octets_to_client = 0;
    vain.counts.estimated_octets_to_client = 0;
    vain.added = vain.counts;
    f.see({vain, row(2, 8, 53, w), row(3, 8, 53, w)});
    if (f.count(ChangeType::asset_offline) == 0) continue;
    CHECK(found == 0);
    found = w;
    const ChangeEvent& e = f.one(ChangeType::asset_offline);
    CHECK(e.endpoint == Net::endpoint(9));
    CHECK(e.severity == Severity::warning);
    CHECK(e.reason ==
          "10.0.0.9 is silent since 2026-06-09T00:00:00Z; it has never rested longer than 0 min; 2 "
          "clients have no other server");
    CHECK(e.id == change_id(e.type, e.subject, {}, Net::start(8 * kDay - 1)));
    CHECK(f.one(ChangeType::service_vanished).cause == e.id);
    CHECK(f.one(ChangeType::dependency_silent).cause == e.id);
  }
  CHECK(found == 8 * kDay + 4);  // three windows may be missing
  f.see({row(1, 9, 443, w), row(3, 8, 53, w)});
  const ChangeEvent& back = f.one(ChangeType::asset_online);
  CHECK(f.one(ChangeType::service_appeared).cause == back.id);
  CHECK(f.one(ChangeType::dependency_resumed).cause == back.id);
}

TEST_CASE("a pause of FlowLens itself is nobody's silence") {
  Fixture f;
  std::uint32_t w = live(f, 0, 8 * kDay);
  w += 2 * kDay;
  for (const std::uint32_t end = w + 10; w < end; ++w) {
    CHECK(f.see({row(1, 9, 443, w), row(2, 9, 443, w), row(3, 8, 53, w)}).empty());
  }
}

TEST_CASE("so many silent at once: rather not seen") {
  Fixture f;
  std::vector<ConnectionSummary> rows;
  std::uint32_t w = 0;
  const auto window = [&](std::uint32_t hosts) {
    rows = {row(201, 202, 53, w)};
    for (std::uint32_t h = 1; h < hosts; ++h) rows.push_back(row(h, 100, 443, w));
    f.see(rows);
    ++w;
  };
  while (w < 8 * kDay) window(30);
  for (int i = 0; i < 5; ++i) {
    window(0);
    if (!f.told.empty()) break;
  }
  const ChangeEvent& e = f.one(ChangeType::visibility_lost);
  CHECK(e.reason.find("30 of 32 assets fell silent at once") == 0);
  CHECK(f.count(ChangeType::asset_offline) == 30);
  for (const ChangeEvent& part : f.told) {
    if (part.type == ChangeType::asset_offline) CHECK(part.cause == e.id);
  }
}

TEST_CASE("traffic: far more is told of once, and once that it is usual again") {
  Fixture f;
  std::uint32_t w = live(f, 0, 9 * kDay, 4e6);
  std::vector<ChangeEvent> spikes, ends;
  std::vector<std::uint32_t> end_at;
  const auto go_on = [&](std::uint32_t windows, double octets) {
    for (const std::uint32_t end = w + windows; w < end; ++w) {
      live(f, w, w + 1, octets);
      for (const ChangeEvent& e : f.told) {
        if (e.type == ChangeType::traffic_spike) spikes.push_back(e);
        if (e.type != ChangeType::traffic_normal) continue;
        ends.push_back(e);
        end_at.push_back(w);
      }
    }
  };
  go_on(6, 40e6);
  REQUIRE(spikes.size() == 1);  // of the dependency, which explains its ends
  go_on(4, 4e6);
  go_on(2, 40e6);  // too early to be over; the same is told of again
  CHECK(ends.empty());
  const std::uint32_t usual_from = w;
  go_on(20, 4e6);
  REQUIRE(ends.size() == 1);
  CHECK(end_at[0] == usual_from + 5);
  CHECK(ends[0].subject == spikes[0].subject);
  CHECK(ends[0].severity == Severity::info);
  CHECK(subject_kind(ends[0]) == "dependency");
  CHECK(ends[0].reason == "10.0.0.1 and 10.0.0.9 have the usual traffic again, in 6 windows");
  // What has come to stay is usual after a while.
  spikes.clear();
  ends.clear();
  go_on(8 * kDay, 40e6);
  CHECK(spikes.size() == 1);
  CHECK(ends.size() == 1);
}

TEST_CASE("an asset that has gone into another: events are about that one") {
  Fixture f;
  std::uint32_t w = live(f, 0, 8 * kDay);
  const Id gone = f.graph.asset_of(Net::endpoint(9))->id;
  const Id into = f.graph.asset_of(Net::endpoint(2))->id;
  for (const Fact& fact : f.graph.facts_to_merge(into, gone, Net::start(w))) f.graph.apply(fact);
  REQUIRE(f.graph.asset_of(Net::endpoint(9))->id == into);
  for (int i = 0; i < 5; ++i, ++w) {
    f.see({row(3, 8, 53, w)});
    if (f.count(ChangeType::service_vanished) > 0) break;
  }
  CHECK(f.one(ChangeType::service_vanished).subject == into);
  CHECK(f.one(ChangeType::asset_offline).subject != gone);
}

TEST_CASE("a restart: what was saved goes on as if nothing had been; the map alone tells rhythms") {
  Fixture f;
  std::uint32_t w = live(f, 0, 9 * kDay, 4e6);
  Fixture saved, bare;
  const auto state = f.detector.save();
  REQUIRE(saved.detector.load(state).code == DiagnosticCode::none);
  CHECK(saved.detector.save() == state);
  saved.graph.apply(f.graph.copy());
  saved.detector.begin(saved.graph);
  bare.graph.apply(f.graph.copy());
  bare.detector.begin(bare.graph);
  CHECK(saved.detector.counters().baselines == f.detector.counters().baselines);
  CHECK(bare.detector.counters().dependencies == f.detector.counters().dependencies);

  std::vector<Id> of_one, of_saved, of_bare;
  const auto note = [](Fixture& x, std::vector<Id>& to,
                       const std::vector<ConnectionSummary>& rows) {
    for (const ChangeEvent& e : x.see(rows)) {
      if (e.type != ChangeType::traffic_spike) to.push_back(e.id);
    }
  };
  std::size_t spikes = 0;
  for (const std::uint32_t end = w + 40; w < end; ++w) {
    // 9 dies, 3 and 8 live on; later 3 asks 8 for five times as much.
    const std::vector<ConnectionSummary> rows{row(3, 8, 53, w), row(1, 8, 53, w)};
    note(f, of_one, rows);
    note(saved, of_saved, rows);
    note(bare, of_bare, rows);
    spikes += saved.count(ChangeType::traffic_spike);
  }
  CHECK(of_one.size() > 3);
  CHECK(of_saved == of_one);
  // Hours tell less than windows, so it comes later; with the same ids.
  std::sort(of_one.begin(), of_one.end());
  const auto is_known = [&](const Id& id) {
    return std::binary_search(of_one.begin(), of_one.end(), id);
  };
  CHECK(std::count_if(of_bare.begin(), of_bare.end(), is_known) >= 2);
  CHECK(spikes == 0);

  auto damaged = state;
  damaged[damaged.size() / 2] ^= std::byte{1};
  CHECK(saved.detector.load(damaged).code == DiagnosticCode::state_damaged);
  CHECK(saved.detector.load(std::span{state}.first(state.size() - 1)).code != DiagnosticCode::none);
  ChangeDetectorOptions other;
  other.window = 1min;
  CHECK(ChangeDetector{other}.load(state).code == DiagnosticCode::state_damaged);
}

TEST_CASE("saved state: what cannot have been is refused, whatever its checksum says") {
  Fixture f;
  live(f, 0, 10, 4e6);
  const std::vector<std::byte> good = f.detector.save();
  struct Case {
    const char* name;
    std::size_t offset;
    std::uint8_t value;
  };
  const Case cases[] = {
      {"not ours", 0, 'X'},
      {"another version", 5, 1},
      {"another window length", 13, 1},
      {"a time, and never begun", 14, 0},  // found by fuzz_changes
      {"a time that no clock has", 15, 0xff},
      {"longer blind than there was time", 19, 0x7f},
      {"more assets than there are", 31, 0xff},
  };
  const auto with = [&](std::size_t offset, std::uint8_t value) {
    std::vector<std::byte> state = good;
    state[offset] = std::byte{value};
    const std::size_t end = state.size() - 4;
    const std::uint32_t sum = base::crc32(std::span{state}.first(end));
    for (std::size_t i = 0; i < 4; ++i) {
      state[end + i] = static_cast<std::byte>(sum >> (24 - 8 * i) & 0xff);
    }
    return state;
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::vector<std::byte> state = with(c.offset, c.value);
    Fixture other;
    CHECK(other.detector.load(state).code != DiagnosticCode::none);
    CHECK(other.detector.counters().assets == 0);
  }
  CHECK(Fixture{}.detector.load(good).code == DiagnosticCode::none);
  // A pause longer than time is cut: the first asset's longest (found by fuzz_changes).
  Fixture cut;
  const std::vector<std::byte> long_pause = with(63, 0x80);
  CHECK(cut.detector.load(long_pause).code == DiagnosticCode::none);
  CHECK(cut.detector.save() != long_pause);
  CHECK(cut.detector.save().size() == good.size());
}
