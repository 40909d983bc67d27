// Rules to scores, scores to probabilities.
#include <algorithm>
#include <cmath>
#include <limits>

#include "flowlens/classifier.hpp"
#include "flowlens/enricher.hpp"

namespace flowlens {

namespace {

/// What `unknown` scores: a type needs more than a hint.
constexpr double kUnknownScore = 1.5;
constexpr std::size_t kMostReasons = 3;

const ServiceUse* find(const std::vector<ServiceUse>& uses, ServiceKind kind) noexcept {
  const auto found =
      std::lower_bound(uses.begin(), uses.end(), kind,
                       [](const ServiceUse& u, ServiceKind k) { return u.kind < k; });
  return found != uses.end() && found->kind == kind ? &*found : nullptr;
}

/// `postgresql (tcp 5432)`
std::string service_text(const ServiceUse& use) {
  // Ports that serve two ends have the name of the one that was found.
  const bool is_named = service_kind(use.protocol, use.port, 0) == use.kind;
  const std::string_view name =
      is_named ? service_name(find_service(use.protocol, use.port)) : std::string_view{};
  const std::string_view protocol = protocol_name(use.protocol);
  std::string where =
      protocol.empty() ? "protocol " + std::to_string(use.protocol) : std::string(protocol);
  if (use.port != 0) where += " " + std::to_string(use.port);
  if (use.ports > 1) where += " and " + std::to_string(use.ports - 1) + " more";
  return (name.empty() ? std::string(to_string(use.kind)) : std::string(name)) + " (" + where + ")";
}

std::string reason_of(const ClassificationRule& rule, const ServiceUse* use) {
  if (use == nullptr) return rule.words;
  const std::string assets = std::to_string(use->peers) + (use->peers == 1 ? " asset" : " assets");
  std::string text = rule.side == ServiceSide::serves
                         ? "serves " + service_text(*use) + " to " + assets
                         : "uses " + service_text(*use) + " of " + assets;
  if (!rule.words.empty()) text += ": " + rule.words;
  return text;
}

void to_probabilities(Verdict& verdict, const std::array<double, kAssetTypeCount>& scores) {
  const double best = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (std::size_t i = 0; i < kAssetTypeCount; ++i) {
    verdict.probability[i] = std::exp(scores[i] - best);
    sum += verdict.probability[i];
  }
  for (double& p : verdict.probability) p /= sum;
  const auto top = std::max_element(verdict.probability.begin(), verdict.probability.end());
  verdict.type = static_cast<AssetType>(top - verdict.probability.begin());
}

}  // namespace

std::vector<std::string> Verdict::reasons(AssetType t) const {
  std::vector<std::string> texts;
  for (const Contribution& c : contributions) {
    if (c.type == t && c.weight > 0 && texts.size() < kMostReasons) texts.push_back(c.reason);
  }
  return texts;
}

Verdict judge(const AssetFeatures& features, std::span<const ClassificationRule> rules) {
  Verdict verdict;
  std::array<double, kAssetTypeCount> scores;
  scores.fill(-std::numeric_limits<double>::infinity());
  scores[static_cast<std::size_t>(AssetType::unknown)] = kUnknownScore;
  for (const ClassificationRule& rule : rules) {
    const ServiceUse* use = nullptr;
    if (rule.side != ServiceSide::none) {
      use = find(rule.side == ServiceSide::serves ? features.serves : features.uses, rule.kind);
      if (use == nullptr) continue;
    }
    if (rule.condition && !rule.condition.matches(RuleSubject{&features, use})) continue;
    double& score = scores[static_cast<std::size_t>(rule.type)];
    score = (std::isinf(score) ? 0.0 : score) + rule.weight;
    verdict.contributions.push_back({rule.type, rule.weight, reason_of(rule, use)});
  }
  std::stable_sort(
      verdict.contributions.begin(), verdict.contributions.end(),
      [](const Contribution& a, const Contribution& b) { return a.weight > b.weight; });
  to_probabilities(verdict, scores);
  return verdict;
}

}  // namespace flowlens
