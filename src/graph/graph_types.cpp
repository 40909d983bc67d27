// What assets are, as somebody says.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "graph/graph_state.hpp"

namespace flowlens::graph {

namespace {

constexpr std::string_view kUnknown = "unknown";
constexpr std::size_t kLongestType = 50;

/// `load_balancer`: the graph keeps types, what there are is for others to know.
bool is_type(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kLongestType &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

struct SaidType {
  std::string_view type;
  float confidence = 1.0f;
};

/// `database 0.9312`
std::optional<SaidType> read_type(std::string_view value) noexcept {
  SaidType said;
  const std::size_t space = value.find(' ');
  said.type = value.substr(0, space);
  if (!is_type(said.type)) return std::nullopt;
  if (space == std::string_view::npos) return said;
  const std::string_view number = value.substr(space + 1);
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), said.confidence);
  const bool is_whole = error == std::errc{} && end == number.data() + number.size();
  if (!is_whole || !(said.confidence >= 0 && said.confidence <= 1)) return std::nullopt;
  return said;
}

std::string change_text(std::string_view before, std::string_view after, FactSource source) {
  return "was " + std::string(before) + ", is " + std::string(after) + " (" +
         std::string(to_string(source)) + ")";
}

}  // namespace

bool State::is_type_text(std::string_view text) noexcept { return is_type(text); }

bool State::is_type_value(std::string_view value) noexcept { return read_type(value).has_value(); }

bool State::infer_type(const Fact& fact, std::uint32_t asset) {
  const auto said = read_type(fact.value.empty() ? kUnknown : std::string_view{fact.value});
  if (!said) return false;
  AssetState& a = assets[asset].value;
  if (a.extra &&
      std::pair{fact.source, fact.at} < std::pair{a.extra->type_source, a.extra->type_at}) {
    return false;
  }
  if (!a.extra && said->type == kUnknown) return true;
  set_type(asset, said->type, said->confidence, fact.source, fact.at);
  return true;
}

/// The type as of now, told where one known type becomes another.
void State::set_type(std::uint32_t asset, std::string_view type, float confidence,
                     FactSource source, Timestamp at) {
  AssetExtra& extra = assets[asset].value.more();
  const bool is_other = extra.asset_type != type, is_unknown = type == kUnknown;
  if (is_other && extra.asset_type != kUnknown && !is_unknown) {
    raise(ChangeType::asset_type_changed, assets[asset].key, {}, at,
          change_text(extra.asset_type, type, source), extra.asset_type, std::string(type));
  }
  extra.asset_type = type;
  extra.type_confidence = is_unknown ? 0.0f : confidence;
  extra.type_source = is_unknown ? FactSource::observed : source;
  if (is_other) extra.type_at = at;
  mark_asset(asset);
}

/// What a classifier said stands in the row alone as long as nobody else says anything: of most assets
/// nobody does.
void State::settle_type(std::uint32_t asset, Timestamp at) {
  const AssetState& a = assets[asset].value;
  const bool is_inferred = a.extra && a.extra->type_source == FactSource::inferred;
  if (is_inferred && best_of(asset, "type")) facts.take(inferred_fact(asset));
  const Fact* best = best_of(asset, "type");
  if (!best) {
    if (is_inferred || !a.extra || a.extra->type_source == FactSource::observed) return;
    return set_type(asset, kUnknown, 0, FactSource::observed, at);
  }
  const auto said = read_type(best->value);
  const bool is_same = a.extra && a.extra->asset_type == said->type &&
                       a.extra->type_source == best->source &&
                       a.extra->type_confidence == said->confidence;
  if (!is_same) set_type(asset, said->type, said->confidence, best->source, std::max(at, best->at));
}

Fact State::inferred_fact(std::uint32_t asset) const {
  const AssetExtra& extra = *assets[asset].value.extra;
  std::array<char, 32> number{};
  const auto end =
      std::to_chars(number.data(), number.data() + number.size(), extra.type_confidence).ptr;
  Fact fact;
  fact.subject = endpoints[first_open(asset)].key;
  fact.attribute = "type";
  fact.value = extra.asset_type + ' ' + std::string(number.data(), end);
  fact.source = FactSource::inferred;
  fact.at = extra.type_at;
  return fact;
}

}  // namespace flowlens::graph
