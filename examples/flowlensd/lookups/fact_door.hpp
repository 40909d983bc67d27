/// \file
/// lookups: the one door by which facts come into the map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "flowlens/fact_book.hpp"
#include "library.hpp"

namespace flowlensd {

/// Takes what look-ups say, and lets through what is new. Thread-safe; the map is held for a few facts at
/// a time, so that flows never wait for a source.
class FactDoor {
 public:
  /// \param take  tells the map; any thread. \return how many it has taken.
  using Take = std::function<std::size_t(std::span<const Fact>)>;
  struct Said {
    std::size_t facts = 0;      ///< of the origin now
    std::uint64_t refused = 0;  ///< no facts, or too many, or without room in the map
  };

  FactDoor(Take take, std::size_t max_facts);

  /// What the map has from the run before, of origins that list: all that does not expire by itself.
  void remember(std::span<const EndpointFacts> facts);
  /// Takes back what remembered origins said that are none of `there`: nobody asks them any more.
  void forget_others(const std::set<std::string>& there, Timestamp now);

  /// All that an origin says from now on.
  Said replace(const std::string& origin, std::vector<Fact> facts, Timestamp now);
  /// Some of what an origin says, from one that is asked of single addresses: each fact should expire.
  Said tell(std::span<const Fact> facts);

 private:
  std::size_t hand_on(std::span<const Fact> facts);

  const Take take_;
  std::mutex mutex_;  ///< of the book; not held while the map takes
  FactBook book_;
  std::set<std::string> remembered_;
};

}  // namespace flowlensd
