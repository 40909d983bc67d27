// What people say of many assets at once: all of it is taken, or nothing.
#include <algorithm>
#include <unordered_set>
#include <vector>

#include "graph/graph_state.hpp"

namespace flowlens::graph {

namespace {

struct HashEndpoint {
  std::size_t operator()(const Endpoint& e) const noexcept {
    return static_cast<std::size_t>(base::hash_of(e, 0));
  }
};

/// Looks at words one after another, and sums up what they need.
class WordsCheck {
 public:
  using Why = AssetWordsRefused::Why;
  explicit WordsCheck(const State& graph) : graph_(graph) {}

  /// \param holder  set to the asset that is meant; kNoPosition: it is to be made.
  std::optional<Why> look(const AssetWords& words, std::uint32_t& holder) {
    if (words.endpoints.empty() || !is_valid(words.said)) return Why::invalid;
    if (!words.asset_type.empty() && !State::is_type_text(words.asset_type)) return Why::invalid;
    holder = kNoPosition;
    for (const Endpoint& e : words.endpoints) {
      if (e.address.is_unspecified()) return Why::invalid;
      if (!endpoints_.insert(e).second) return Why::named_twice;
      const std::uint32_t position = graph_.endpoints.find(e);
      const std::uint32_t asset =
          position == kNoPosition ? kNoPosition : graph_.endpoints[position].value.asset;
      if (asset == kNoPosition) {
        ++more_endpoints_;
      } else if (holder != kNoPosition && holder != asset) {
        return Why::held_by_several;
      } else {
        holder = asset;
      }
    }
    if (holder == kNoPosition) {
      ++more_assets_;
      ++more_annotations_;
    } else {
      if (!assets_.insert(holder).second) return Why::named_twice;
      const bool has_said = graph_.annotation_of(graph_.assets[holder].key) != nullptr;
      if (!has_said && !words.said.empty()) ++more_annotations_;
    }
    return has_room() ? std::nullopt : std::optional{Why::no_room};
  }

 private:
  [[nodiscard]] bool has_room() const noexcept {
    return graph_.assets.size() + more_assets_ <= graph_.options.max_assets &&
           graph_.has_room_for_endpoints(more_endpoints_) &&
           graph_.annotations.size() + more_annotations_ <= graph_.options.max_annotations;
  }

  const State& graph_;
  std::unordered_set<Endpoint, HashEndpoint> endpoints_;
  std::unordered_set<std::uint32_t> assets_;
  std::size_t more_assets_ = 0;
  std::size_t more_endpoints_ = 0;
  std::size_t more_annotations_ = 0;
};

void take(State& graph, const AssetWords& words, std::uint32_t asset) {
  const Timestamp at = words.said.said_at;
  Annotation said = words.said;
  if (asset == kNoPosition) {
    asset = graph.declare_asset(words.endpoints, words.is_internal, at);
    said.is_declared = true;
  } else {
    for (const Endpoint& e : words.endpoints) {
      const std::uint32_t position = graph.endpoints.find(e);
      const bool is_held =
          position != kNoPosition && graph.endpoints[position].value.asset != kNoPosition;
      if (!is_held) graph.hold_declared(asset, e, at);
    }
    graph.mark_asset(asset);
  }
  said.subject = graph.assets[asset].key;
  graph.annotate(said);
  Fact fact;
  fact.subject = words.endpoints.front();
  fact.source = FactSource::declared;
  fact.at = at;
  const auto say = [&](const char* attribute, const std::string& value) {
    if (value.empty()) return;
    fact.attribute = attribute;
    fact.value = value;
    graph.take_fact(fact);
  };
  say("name", words.name);
  say("type", words.asset_type);
}

}  // namespace

std::optional<AssetWordsRefused> State::take_words(std::span<const AssetWords> words) {
  WordsCheck check{*this};
  std::vector<std::uint32_t> meant(words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (const auto why = check.look(words[i], meant[i])) return AssetWordsRefused{*why, i};
  }
  for (std::size_t i = 0; i < words.size(); ++i) take(*this, words[i], meant[i]);
  settle();
  return std::nullopt;
}

}  // namespace flowlens::graph
