/// \file
/// FlowLens at work on a stream of flows: what flowlensd does with a capture, without the daemon.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "flowlens/resolver.hpp"
#include "truth/contender.hpp"

namespace truth {

/// Thread-compatible.
class MapRun : public Contender {
 public:
  struct Options {
    flowlens::ResolverOptions resolver;
    std::chrono::seconds flush_interval{60};  ///< of the time that `now` tells
  };
  MapRun() : MapRun(Options{}) {}
  explicit MapRun(const Options& options);

  void add(const flowlens::FlowBatch& batch, flowlens::Timestamp now);
  /// Closes every window. Only then are the members below whole.
  void finish();

  std::string name() const override { return "FlowLens"; }
  const std::map<DependencyKey, FoundDependency>& map() const override { return map_; }
  /// As applications see it: what intermediaries pass on belongs to who asked them.
  [[nodiscard]] const std::map<DependencyKey, FoundDependency>& application_map() const noexcept {
    return application_map_;
  }
  std::optional<Answer> answer(const ConversationKey& key, const Conversation& c,
                               std::size_t suspect) const override;

  [[nodiscard]] const flowlens::Resolver& resolver() const noexcept { return resolver_; }
  /// Octets of all flows given to add(), as exported.
  [[nodiscard]] std::uint64_t octets_in() const noexcept { return octets_in_; }
  /// Octets of all final summaries, as exported.
  [[nodiscard]] std::uint64_t octets_in_windows() const noexcept { return octets_in_windows_; }

 private:
  struct Decided {
    std::int64_t window = 0;
    flowlens::Direction direction = flowlens::Direction::unknown;
    flowlens::DirectionRung rung = flowlens::DirectionRung::none;
  };
  void take(flowlens::FlushedSummaries& summaries);
  [[nodiscard]] static Answer answer_of(const Decided& row, std::size_t client);
  [[nodiscard]] const Decided* decided(const DependencyKey& key, std::int64_t window,
                                       std::int64_t distance) const;

  Options options_;
  flowlens::Resolver resolver_;
  flowlens::FlushedSummaries summaries_;
  flowlens::Timestamp now_;
  flowlens::Timestamp next_flush_;
  std::uint64_t octets_in_ = 0;
  std::uint64_t octets_in_windows_ = 0;
  std::map<DependencyKey, std::vector<Decided>> decided_;  ///< final rows, ascending by window
  std::map<DependencyKey, FoundDependency> map_;
  std::map<DependencyKey, FoundDependency> application_map_;
};

}  // namespace truth
