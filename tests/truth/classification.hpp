/// \file
/// What FlowLens says assets are, against what they are.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "flowlens/classifier.hpp"
#include "flowlens/resolver.hpp"
#include "truth/sources.hpp"

namespace truth {

using flowlens::AssetType;
using flowlens::kAssetTypeCount;

/// What stands at an address. One for which no word fits is not in it.
using TrueTypes = std::map<flowlens::IpAddress, AssetType>;

/// What an inventory of the scenario's world would say.
[[nodiscard]] TrueTypes true_types(const simnet::Options& scenario);

struct TypeScore {
  std::array<std::array<std::uint32_t, kAssetTypeCount>, kAssetTypeCount>
      answers{};  ///< [true][said]
  struct Bin {
    double confidence = 0;  ///< sum
    std::uint32_t right = 0;
    std::uint32_t count = 0;
  };
  std::array<Bin, 10> bins{};  ///< answers by their confidence
  std::uint32_t sides = 0;     ///< answered, where the truth is a client's or a server's type
  std::uint32_t right_sides = 0;
  std::uint64_t changes = 0;  ///< from one answer to another, or to none
  double asset_days = 0;      ///< with an answer

  void add(AssetType truth, AssetType said, double confidence);
  /// Over the types that the truth has; no answer counts as a miss.
  [[nodiscard]] double macro_f1() const;
  [[nodiscard]] double f1(AssetType type) const;
  [[nodiscard]] double client_server() const;
  /// Of answers: mean distance of confidence and share of right ones, by bins.
  [[nodiscard]] double calibration_error() const;
  [[nodiscard]] double changes_per_day() const;
  TypeScore& operator+=(const TypeScore& other);
};

/// Keeps a map and classifies it every day, by its own time.
class TypeRun {
 public:
  explicit TypeRun(flowlens::ClassifierOptions options = {});

  void add(const flowlens::FlowBatch& batch, flowlens::Timestamp now);
  /// Rows instead of flows.
  void add(std::span<const flowlens::ConnectionSummary> rows, flowlens::Timestamp now);
  /// Looks once more. \return the score, with assets that have enough evidence.
  [[nodiscard]] TypeScore finish(const TrueTypes& truth);
  /// Wrong answers, a line each with the reasons.
  void explain(const TrueTypes& truth, std::ostream& out) const;
  [[nodiscard]] const flowlens::DependencyGraph& graph() const { return resolver_.graph(); }

 private:
  void flush(flowlens::Timestamp now);
  void look(flowlens::Timestamp now);

  flowlens::Resolver resolver_;
  flowlens::Classifier classifier_;
  flowlens::Timestamp now_;
  flowlens::Timestamp next_flush_;
  flowlens::Timestamp next_look_;
  flowlens::Timestamp last_look_;
  std::map<flowlens::IpAddress, AssetType> said_;
  TypeScore score_;
};

/// Plays a scenario. \param wrong  null, or where wrong answers are explained.
[[nodiscard]] TypeScore score_types(const simnet::Options& scenario, std::ostream* wrong = nullptr);

/// A made-up network as CSV, see tests/truth/foreign/README.md: plays each line for two days.
/// \throws flowlens::IoError naming the file, and line.
[[nodiscard]] TypeScore score_network(const std::string& path, std::ostream* wrong = nullptr);

/// The confusion table and the figures, as Markdown.
void write_types(const TypeScore& score, std::ostream& out);

}  // namespace truth
