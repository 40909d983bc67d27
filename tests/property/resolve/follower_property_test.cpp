// Who follows from any moment on has the writer's map, row for row, whatever flows bring and people say.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "flowlens/resolver.hpp"
#include "flowlens/revision_codec.hpp"
#include "support/traffic.hpp"

using namespace flowlens;
using namespace flowlens::testing;
using namespace std::chrono_literals;

namespace {

using Rows = std::map<std::string, std::vector<std::byte>>;

/// Every row by kind and id, as octets.
Rows rows_of(const DependencyGraph& graph) {
  Rows rows;
  const Revision all = graph.copy();
  const auto add = [&](const char* kind, const auto& each, auto member, auto name_of) {
    for (const auto& row : each) {
      Revision one;
      (one.*member).push_back(row);
      rows[kind + name_of(row)] = encode_revision(one, graph.sites());
    }
  };
  const auto id_of = [](const auto& row) { return row.id.to_string(); };
  add("asset ", all.assets, &Revision::assets, id_of);
  add("dependency ", all.dependencies, &Revision::dependencies, id_of);
  add("event ", all.events, &Revision::events, id_of);
  add("intermediary ", all.intermediaries, &Revision::intermediaries, id_of);
  add("alias ", all.aliases, &Revision::aliases, id_of);
  add("facts ", all.facts, &Revision::facts,
      [](const EndpointFacts& said) { return said.subject.address.to_string(); });
  add("annotation ", all.annotations, &Revision::annotations,
      [](const Annotation& said) { return said.subject.to_string(); });
  return rows;
}

/// Names of rows that are otherwise, or missing; empty: none.
std::string difference(const Rows& truth, const Rows& found) {
  std::string text;
  for (const auto& [name, octets] : truth) {
    const auto at = found.find(name);
    if (at == found.end()) text += name + " is missing\n";
    if (at != found.end() && at->second != octets) text += name + " is otherwise\n";
  }
  for (const auto& [name, octets] : found) {
    if (!truth.contains(name)) text += name + " is too much\n";
  }
  return text;
}

template <typename Row>
Id one_of(Dice& dice, const std::vector<Row>& rows) {
  return rows.empty() ? Id{} : rows[dice.below(rows.size())].id;
}

/// \param before  null: nobody has said anything of it.
Annotation words(Dice& dice, const Id& subject, Timestamp now,
                 const std::shared_ptr<const Annotation>& before = nullptr) {
  Annotation said;
  said.subject = subject;
  said.is_declared = before && before->is_declared;
  if (!dice.one_in(4)) said.tags = {"tag" + std::to_string(dice.below(5))};
  if (dice.one_in(2)) said.notes = "note";
  said.is_confirmed = dice.one_in(3);
  said.said_by = "anna";
  said.said_at = now;
  return said;
}

Endpoint some_endpoint(Dice& dice) {
  return {{}, address("10.0.1." + std::to_string(1 + dice.below(9)))};
}

void tell(DependencyGraph& graph, const std::vector<Fact>& facts) {
  for (const Fact& fact : facts) (void)graph.apply(fact);
}

/// One thing that people, or who looks at the map for them, may say.
void say_something(Dice& dice, DependencyGraph& graph, Timestamp now) {
  const Revision map = graph.copy();
  const Id asset = one_of(dice, map.assets), other = one_of(dice, map.assets);
  const Id dependency = one_of(dice, map.dependencies);
  const auto row = graph.asset(asset);
  switch (dice.below(13)) {
    case 0:
    case 1:
      return (void)graph.apply(words(dice, asset, now, row ? row->annotation : nullptr));
    case 2:
      if (const auto known = graph.dependency(dependency)) {
        (void)graph.apply(words(dice, dependency, now, known->annotation));
      }
      return;
    case 3:
      return tell(graph, graph.facts_to_merge(asset, other, now));
    case 4: {
      if (!row || row->endpoints.size() < 2) return;
      const Endpoint first = row->endpoints.front().endpoint;
      return tell(graph, graph.facts_to_split(asset, std::span{&first, 1}, now));
    }
    case 5: {
      const Endpoint put_in[] = {some_endpoint(dice)};
      return (void)graph.declare_asset(put_in, dice.one_in(2), words(dice, {}, now));
    }
    case 6:
      return (void)graph.declare_dependency(
          {some_endpoint(dice), {{}, address("10.0.0.1")}, 443, 6}, words(dice, {}, now));
    case 7:
      if (dice.one_in(4)) (void)graph.remove_asset(asset, now, "gone");
      return;
    case 8:
      return (void)graph.remove_dependency(dependency, now, "gone");
    case 9: {
      ChangeEvent event;
      event.type = ChangeType::new_asset;
      event.subject = asset;
      event.at = now;
      event.id = derive_id(event_namespace(), std::to_string(dice.next()));
      event.reason = "told";
      return graph.apply(std::span{&event, 1});
    }
    case 10:
    case 11: {
      const Endpoint endpoint = some_endpoint(dice);
      Fact fact{endpoint, dice.one_in(2) ? "name" : "owner", "it", FactSource::inventory, now, {}};
      fact.value += std::to_string(dice.below(3));
      if (dice.one_in(3)) {
        fact.attribute = "asset";
        fact.value = derive_id(asset_namespace(), fact.value).to_string();
        fact.since = now - std::chrono::minutes(dice.below(60));
      }
      fact.origin = "file" + std::to_string(dice.below(2));
      if (dice.one_in(2)) fact.expires = now + std::chrono::seconds(dice.below(300));
      if (dice.one_in(4)) fact.value.clear();
      return (void)graph.apply(fact);
    }
    default: {
      if (!row || row->endpoints.empty()) return;
      const bool is_name = dice.one_in(2);
      (void)graph.apply({row->endpoints.front().endpoint,
                         is_name ? "name" : "type",
                         is_name ? "host" + std::to_string(dice.below(9)) : "database 0.9",
                         dice.one_in(2) ? FactSource::declared : FactSource::inferred,
                         now,
                         {}});
    }
  }
}

/// Gets revisions as a follower in another process does.
class Copy {
 public:
  /// \param from  the map to begin with.
  explicit Copy(const Revision& from) { graph_->apply(from); }

  void follow(const Revision& revision) {
    Revision read;
    const auto octets = encode_revision(revision, graph_->sites());
    REQUIRE(decode_revision(octets, graph_->sites(), read).code == DiagnosticCode::none);
    graph_->apply(read);
  }
  DependencyGraph& graph() { return *graph_; }

 private:
  std::unique_ptr<DependencyGraph> graph_ = std::make_unique<DependencyGraph>();
};

}  // namespace

TEST_CASE(
    "followers: the copy is the writer's map, from whatever moment on, and nothing piles up") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Dice dice{seed};
    TrafficOptions options;
    options.conversations = 30 + dice.below(120);
    options.hosts = 3 + dice.below(10);
    std::vector<FlowRecord> flows = draw_traffic(dice, options);
    std::sort(flows.begin(), flows.end(),
              [](const FlowRecord& a, const FlowRecord& b) { return a.end < b.end; });
    Resolver resolver;
    resolver.begin(Epoch{1}, 0);
    std::vector<Copy> copies;
    const auto hand_on = [&](const Revision& revision) {
      for (Copy& copy : copies) copy.follow(revision);
      if (dice.one_in(5) && copies.size() < 4) copies.emplace_back(resolver.graph().copy());
    };
    copies.emplace_back(Revision{});
    Timestamp now = kNoon;
    for (FlowRecord& flow : flows) {
      now = std::max(now, flow.end + 1s);
      flow.received = now;
      resolver.add(std::span{&flow, 1}, now);
      if (dice.one_in(6)) say_something(dice, resolver.graph(), now);
      if (dice.one_in(10)) hand_on(resolver.flush(now));
    }
    hand_on(resolver.finish(now));
    const Rows truth = rows_of(resolver.graph());
    for (std::size_t i = 0; i < copies.size(); ++i) {
      CAPTURE(i);
      CHECK(difference(truth, rows_of(copies[i].graph())) == "");
      CHECK(copies[i].graph().take_revision(1'000, Epoch{1}, now).empty());
    }
  }
}
