/// \file
/// aggregate: translators that nobody tells of: addresses that were seen as one end of the same
/// conversations, on one side of them and on the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "flowlens/endpoint.hpp"
#include "flowlens/time.hpp"

namespace flowlens::aggregate {

/// Pairs of addresses, of which one may stand for the other. Chance and habit make conversations
/// alike, too (two hosts that poll one server), so a pair is believed only if
/// - five or more conversations say so, of three or more sizes,
/// - hardly ever one exporter has seen both: then they are two conversations,
/// - which of the two is outside is clear: it stands for several, each of which has no other, or it
///   is the only one that is not internal,
/// - half of what is seen of the one outside is seen inside as well.
/// Further pairs of an address outside that was found so need two conversations.
///
/// Pairs not seen again for long are forgotten; past the bound there are no further ones. What is
/// believed depends on what was noted, not on its order, as long as the bound is not met.
/// Thread-compatible.
class Translators {
 public:
  Translators(std::size_t max_pairs, std::uint64_t seed)
      : pairs_(max_pairs, seed), addresses_(2 * max_pairs, seed) {}

  struct End {
    Endpoint endpoint;
    bool is_internal = false;
  };
  /// Two conversations are alike in all but this end.
  /// \param size  a hash of what both count. \param by_one  an exporter has seen both.
  void note(const End& a, const End& b, std::uint64_t size, bool by_one, std::int64_t window);
  /// A conversation of an address that is in some pair had one like it elsewhere, or none.
  void note(const Endpoint& address, bool has_twin);
  [[nodiscard]] bool speaks_of(const Endpoint& address) const noexcept;

  /// Decides by all that was noted, and forgets what was not seen for `kept` windows.
  void conclude(std::int64_t window, std::int64_t kept);

  enum class Part : std::uint8_t { none, inside, outside };
  /// As concluded last.
  [[nodiscard]] Part part_of(const Endpoint& address) const noexcept;
  [[nodiscard]] bool stands_for(const Endpoint& outer, const Endpoint& inner) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return pairs_.size() == 0; }
  [[nodiscard]] std::uint64_t believed() const noexcept { return believed_; }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  struct Key {
    Endpoint low, high;
    friend constexpr bool operator==(const Key&, const Key&) noexcept = default;
  };
  struct KeyHash {
    std::uint64_t operator()(const Key& k, std::uint64_t seed) const noexcept {
      return base::mix(base::hash_of(k.low, seed), base::hash_of(k.high, seed));
    }
  };
  struct AddressHash {
    std::uint64_t operator()(const Endpoint& e, std::uint64_t seed) const noexcept {
      return base::hash_of(e, seed);
    }
  };
  enum class Outer : std::uint8_t { neither, low, high };
  struct Pair {
    std::uint32_t alike = 0;
    std::uint32_t by_one = 0;
    std::uint64_t sizes = 0;  ///< a bit for each, by hash
    std::int64_t last_window = 0;
    Outer outer = Outer::neither;  ///< as concluded
    bool is_used = false;
  };
  struct Address {
    std::uint32_t pairs = 0;
    std::uint32_t seen = 0;  ///< conversations
    std::uint32_t twins = 0;
    std::uint32_t partners = 0;  ///< by well founded pairs
    Part part = Part::none;
    bool is_internal = false;
    bool translates = false;
  };

  Address& address(const Endpoint& e) noexcept { return addresses_[addresses_.find(e)].value; }
  void add_to(const End& end);
  void leave(const Endpoint& e);
  void forget(std::int64_t before);
  void fade();
  [[nodiscard]] static bool is_well_founded(const Pair& pair) noexcept;
  [[nodiscard]] static Outer outer_of(const Address& low, const Address& high) noexcept;
  void believe(const Key& key, Pair& pair, Outer outer);

  base::BoundedTable<Key, Pair, KeyHash> pairs_;
  base::BoundedTable<Endpoint, Address, AddressHash> addresses_;
  std::int64_t faded_ = INT64_MIN;  ///< the window in which it was
  std::uint64_t believed_ = 0;
  std::uint64_t refused_ = 0;
};

/// What a window's close needs to find conversations that are alike. Kept for its memory.
struct Likenesses {
  explicit Likenesses(std::size_t max_looks, std::uint64_t seed)
      : looks(max_looks, seed), groups(0xffff'fffeu, seed) {}

  struct WordHash {
    std::uint64_t operator()(std::uint64_t word, std::uint64_t seed) const noexcept {
      return base::hash_of(word, seed);
    }
  };
  /// Conversations that look alike at one end and in size: the first two, and how many.
  struct Look {
    std::uint32_t conversation[2] = {};
    std::uint8_t same_side[2] = {};
    std::uint32_t count = 0;
  };
  /// A conversation with an end that is inside or outside of a translator.
  struct Item {
    std::uint32_t conversation = 0;
    std::uint32_t next = 0;  ///< of its group
    std::uint8_t same_side = 0;
    bool is_outside = false;
    bool is_paired = false;
  };
  std::vector<std::uint64_t> names;  ///< of the window's endpoints, without their site if public
  base::BoundedTable<std::uint64_t, Look, WordHash> looks;
  std::uint64_t left_out = 0;        ///< looks with one of these bits are
  bool is_worth_it = false;          ///< there are several observers
  std::size_t comparisons_left = 0;  ///< of items, in this window
  std::vector<Item> items;
  base::BoundedTable<std::uint64_t, std::uint32_t, WordHash> groups;  ///< the first item of each

  /// How much earlier than inside conversations begin outside, and how much later they end.
  Timestamp::duration lead{}, lag{};

  void clear() noexcept {
    lead = lag = {};
    names.clear();
    looks.clear();
    items.clear();
    groups.clear();
  }
};

}  // namespace flowlens::aggregate
