/// \file
/// analyze: which assets belong together, and applications that keep their identity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "flowlens/asset_graph.hpp"
#include "flowlens/id.hpp"

namespace flowlens {

struct CommunityOptions {
  double resolution = 1;          ///< more than 1: smaller communities
  std::uint32_t max_rounds = 20;  ///< of moving and merging
  /// Groups that stay together, by asset: any number below that of the assets; kFree: not bound.
  /// Empty: nobody is. A group counts as hanging together.
  std::vector<std::uint32_t> bound;
  static constexpr std::uint32_t kFree = 0xffff'ffffu;
};

struct Communities {
  std::vector<std::uint32_t> of_asset;  ///< numbered from 0 in the order of their first asset
  std::uint32_t count = 0;
  double modularity = 0;  ///< of the whole, at the resolution
  bool is_cut = false;    ///< the rounds ran out before nothing moved any more
};

/// Leiden (Traag, Waltman, van Eck, 2019) by modularity, direction aside; without chance: assets are
/// taken in order, and of equal gains the lower number wins. Communities hang together. An asset
/// without neighbours is one of its own.
/// \param weights  by edge of the snapshot; more than 0. Parallel edges add up.
[[nodiscard]] Communities find_communities(const Snapshot& snapshot, const EdgeMask& mask,
                                           const std::vector<float>& weights,
                                           const CommunityOptions& options = {});
/// Weights for finding applications: 1 + log2 of hours with traffic, times confidence.
[[nodiscard]] std::vector<float> application_weights(const Snapshot& snapshot);

/// A proposed application, or one that a person has confirmed.
struct Application {
  Id id;
  std::string name;           ///< empty: nobody gave it one
  std::vector<Id> members;    ///< asset ids, ascending
  std::vector<Id> pinned;     ///< those a person put there, ascending: they stay
  bool is_confirmed = false;  ///< by a person: it keeps its id even when others fit better
};

struct ApplicationOptions {
  double resolution = 1;
  std::size_t min_members = 2;  ///< smaller ones are not proposed
  double min_overlap = 0.5;     ///< members of both over members of either, to be the same one
};

/// Proposes applications for a snapshot. Pinned assets are where they were pinned, and two
/// applications with pinned assets never become one. A community takes over the id and name of the
/// application before that it overlaps most, from min_overlap on, or whose pinned assets it holds;
/// else its id is derived from its first member; one smaller than min_members takes over none. Confirmed applications that no community continues
/// stay with the members that are left.
/// \param before  the answer of the run before, with what people changed in it.
/// \param mask  the edges that count: ServiceGraph::own_edges().
/// \return by id.
[[nodiscard]] std::vector<Application> propose_applications(const Snapshot& snapshot,
                                                            const EdgeMask& mask,
                                                            const std::vector<Application>& before,
                                                            const ApplicationOptions& options = {});

}  // namespace flowlens
