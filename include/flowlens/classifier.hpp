/// \file
/// classify: what each asset of a map is, how sure that is, and why.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flowlens/asset_features.hpp"
#include "flowlens/asset_type.hpp"
#include "flowlens/classification_rules.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/fact.hpp"

namespace flowlens {

/// What a rule added.
struct Contribution {
  AssetType type = AssetType::unknown;
  double weight = 0;
  std::string reason;  ///< `serves postgresql (tcp 5432) to 12 assets`
};

/// What the rules make of an asset's features.
struct Verdict {
  AssetType type = AssetType::unknown;  ///< the most probable
  /// By AssetType; they sum to 1. `unknown` competes with a fixed score.
  std::array<double, kAssetTypeCount> probability{};
  std::vector<Contribution> contributions;  ///< of all rules that apply, the heaviest first

  [[nodiscard]] double confidence() const noexcept {
    return probability[static_cast<std::size_t>(type)];
  }
  /// The strongest reasons for `t`, at most three, the strongest first.
  [[nodiscard]] std::vector<std::string> reasons(AssetType t) const;
};

/// Weighs the rules: their weights add up to a score for each type, and scores become probabilities.
[[nodiscard]] Verdict judge(const AssetFeatures& features,
                            std::span<const ClassificationRule> rules);

/// An answer, and since when it is given.
struct TypeAnswer {
  AssetType type = AssetType::unknown;
  float confidence = 0;  ///< 0 to 1: how often such an answer is right
  Timestamp at;
  std::vector<std::string> reasons;  ///< at most three
};

/// What is known of one asset's type.
struct Classification {
  TypeAnswer answer;                ///< the Classifier's; people may have said otherwise
  std::vector<TypeAnswer> history;  ///< answers before, the newest first
  Timestamp looked_at;              ///< last
};

struct ClassifierOptions {
  std::chrono::hours min_observation{24};  ///< from an asset's first to its last traffic
  std::uint64_t min_flows = 100;
  double update_confidence = 0.70;  ///< below it an answer is not given
  double high_confidence = 0.85;    ///< from it on an answer replaces another one at once
  std::chrono::hours reclassify_interval{24};
  Hour observation_hours = 14 * 24;       ///< looked at, back from now; at most 28 days
  std::size_t batch_size = 100;           ///< assets read before the map is let go of
  std::size_t max_assets = 4'000'000;     ///< held; further ones are not classified, and counted
  std::size_t max_dependencies = 16'384;  ///< read of one asset
  std::size_t max_history = 8;            ///< answers before, of one asset; the oldest goes
  /// Looks that must agree before an answer of less than high confidence replaces another one.
  std::uint32_t steady_looks = 3;
  std::vector<ClassificationRule> rules{};  ///< empty: the ones that FlowLens comes with
  NetworkRules networks{};
  /// Next hops in use (Gateways::in_use()), asked for at each look(); none: nothing is known of any.
  std::function<std::vector<Endpoint>()> gateways{};
};

struct ClassifierCounters {
  std::uint64_t assets = 0;   ///< held
  std::uint64_t typed = 0;    ///< of those, with another answer than unknown
  std::uint64_t looks = 0;    ///< at one asset each
  std::uint64_t changes = 0;  ///< from one answer to another, unknown not counted
  std::uint64_t refused = 0;  ///< assets that there was no room for, in the last pass
};

/// Looks at the assets of a map that are due, judges them by rules and network rules, and says so in
/// facts (attribute `type`, source `inferred`), so that what people declare goes on to win.
///
/// Which answer is given: a network rule's. Else that of the rules from `update_confidence` on, once
/// there is enough evidence. A given answer stays until another one is highly probable, or has been
/// the best for `steady_looks`; so one odd day changes nothing. The first answer alone may change at the
/// second look, an hour later, when the types of others are known.
///
/// The same map at the same times gives the same answers. Of a map of which all assets are due, all are
/// judged with the types as they were before, so their order does not matter.
///
/// Thread-safe: look() by one thread at a time, the const members by any.
class Classifier {
 public:
  /// \throws ConfigError if a limit is 0, or `update_confidence` or `high_confidence` is not in 0 … 1.
  explicit Classifier(ClassifierOptions options = {});
  ~Classifier();

  /// Looks at what is due. \param now  never goes back.
  /// \return what is new, for DependencyGraph::apply() or Resolver::add().
  [[nodiscard]] std::vector<Fact> look(const DependencyGraph& graph, Timestamp now);

  /// \return nothing for an asset that it has not come across.
  [[nodiscard]] std::optional<Classification> classification(const Id& asset) const;
  /// Judges one asset now, whether it is due or not, and keeps nothing of it.
  /// \return nothing if there is no such asset.
  [[nodiscard]] std::optional<Verdict> judge_now(const DependencyGraph& graph, const Id& asset,
                                                 Timestamp now,
                                                 AssetFeatures* features = nullptr) const;
  [[nodiscard]] ClassifierCounters counters() const;
  /// As given at construction; rules() may be others by now.
  [[nodiscard]] const ClassifierOptions& options() const noexcept;

  using Rules = std::vector<ClassificationRule>;
  [[nodiscard]] std::shared_ptr<const Rules> rules() const;
  /// Assets are judged by these from their next look on. Thread-safe.
  /// \param rules  empty: the ones that FlowLens comes with.
  void replace_rules(Rules rules);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
