/// \file
/// graph: what is said of endpoints otherwise than by flows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.hpp"
#include "flowlens/fact.hpp"
#include "flowlens/revision.hpp"

namespace flowlens::graph {

/// Whether `a` counts before `b`, both on one attribute: the stronger source, then the later word. The
/// rest only makes the order whole, lest the order of arrival decide.
[[nodiscard]] bool is_better(const Fact& a, const Fact& b) noexcept;

/// All facts, by endpoint; of one endpoint by attribute, the best first.
class FactTable {
 public:
  enum class Taken : std::uint8_t { changed, repeated, outdated, no_room, not_there };

  FactTable(std::size_t max_facts, std::size_t max_of_one, std::uint64_t hash_seed)
      : max_facts_(max_facts), max_of_one_(max_of_one), said_(0, Hash{hash_seed}) {}

  /// A fact takes the place of what its origin said before of the attribute (of `asset`: with that
  /// `since`). The same value again keeps its time. One with an empty value takes it back.
  Taken take(const Fact& fact);
  /// All that is said of an endpoint is this, as far as there is room.
  void replace(const EndpointFacts& said);
  void remove(const Fact& fact);
  /// Removes what has expired. \return of which endpoints, ascending by when.
  [[nodiscard]] std::vector<Endpoint> expire(Timestamp now);

  /// Valid until the next change.
  [[nodiscard]] std::span<const Fact> of(const Endpoint& endpoint) const noexcept;
  [[nodiscard]] std::span<const Fact> of(const Endpoint& endpoint,
                                         std::string_view attribute) const noexcept;
  /// Ascending by endpoint.
  [[nodiscard]] std::vector<EndpointFacts> all() const;

  [[nodiscard]] bool empty() const noexcept { return said_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
  [[nodiscard]] std::uint64_t expired() const noexcept { return expired_; }

  /// What is said now of endpoints of which something else was said at the last call; ascending.
  [[nodiscard]] std::vector<EndpointFacts> take_changed();
  void forget_changes() noexcept { changed_.clear(); }

 private:
  struct Said {
    std::vector<Fact> facts;
    Timestamp expires_first = Timestamp::max();
  };
  struct Hash {
    std::uint64_t seed = 0;
    std::size_t operator()(const Endpoint& e) const noexcept {
      return static_cast<std::size_t>(base::hash_of(e, seed));
    }
  };
  Taken withdraw(const Fact& fact);
  /// After a change: looks when the first expires, and forgets an endpoint of which nothing is said.
  void note(const Endpoint& endpoint);

  std::size_t max_facts_;
  std::size_t max_of_one_;
  std::size_t size_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t expired_ = 0;
  std::unordered_map<Endpoint, Said, Hash> said_;
  std::set<std::pair<Timestamp, Endpoint>> expiring_;  ///< each endpoint with its first
  std::set<Endpoint> changed_;
};

}  // namespace flowlens::graph
