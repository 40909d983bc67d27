// What assets are, as somebody says.
#include <algorithm>
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

bool State::apply_type(const Fact& fact, std::uint32_t asset) {
  const auto said = read_type(fact.value);
  if (!said) return false;
  AssetState& a = assets[asset].value;
  const auto held = a.extra ? std::pair{a.extra->type_source, a.extra->type_at}
                            : std::pair{FactSource::observed, Timestamp::min()};
  if (std::pair{fact.source, fact.at} < held) return false;
  const bool is_released = said->type == kUnknown;
  if (!a.extra && is_released) return true;
  AssetExtra& extra = a.more();
  const bool is_other = extra.asset_type != said->type;
  if (is_other && extra.asset_type != kUnknown && !is_released) {
    raise(ChangeType::asset_type_changed, assets[asset].key, {}, fact.at,
          change_text(extra.asset_type, said->type, fact.source), extra.asset_type,
          std::string(said->type));
  }
  extra.asset_type = said->type;
  extra.type_confidence = is_released ? 0.0f : said->confidence;
  extra.type_source = is_released ? FactSource::observed : fact.source;
  if (is_other) extra.type_at = fact.at;
  mark_asset(asset);
  return true;
}

}  // namespace flowlens::graph
