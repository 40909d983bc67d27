/// \file
/// What is compared with the truth: the map that a tool made of the flows, and its answers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "truth/conversations.hpp"

namespace truth {

/// An edge on a map.
struct FoundDependency {
  bool is_peer = false;
  bool is_undecided = false;           ///< shown without saying who serves
  std::uint64_t octets_to_server = 0;  ///< sampling undone
  std::uint64_t octets_to_client = 0;
  std::optional<float> confidence;  ///< of the direction, where the tool gives one
};

/// What a tool said of one conversation.
struct Answer {
  enum class Kind : std::uint8_t { client_server, peer, unknown } kind = Kind::client_server;
  std::size_t client_side = 0;
  std::string_view evidence;  ///< the tool's word for why; static text
};

/// A tool and its map. Peers are held with the lower address as client.
class Contender {
 public:
  virtual ~Contender() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual const std::map<DependencyKey, FoundDependency>& map() const = 0;
  /// \param suspect  the client side that would be wrong: many conversations share the right edge, so
  ///   where both edges are on the map, this one went to the other.
  /// \return nothing where the tool shows no such dependency.
  [[nodiscard]] virtual std::optional<Answer> answer(const ConversationKey& key,
                                                     const Conversation& c,
                                                     std::size_t suspect) const = 0;
};

}  // namespace truth
