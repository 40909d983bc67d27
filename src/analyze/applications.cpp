// Communities as applications: pins, and identity over time.
#include <algorithm>
#include <map>
#include <tuple>

#include "flowlens/communities.hpp"

namespace flowlens {

namespace {

constexpr std::uint32_t kFree = CommunityOptions::kFree;

/// The asset with this id; kFree: there is none.
std::uint32_t find_asset(const Snapshot& s, const Id& id) {
  const auto at = std::lower_bound(s.assets.begin(), s.assets.end(), id);
  return at == s.assets.end() || *at != id ? kFree
                                           : static_cast<std::uint32_t>(at - s.assets.begin());
}

/// The position in `before` that an asset is pinned to, by asset.
std::vector<std::uint32_t> pins_of(const Snapshot& s, const std::vector<Application>& before) {
  std::vector<std::uint32_t> pins(s.assets.size(), kFree);
  for (std::uint32_t i = 0; i < before.size(); ++i) {
    for (const Id& id : before[i].pinned) {
      const std::uint32_t asset = find_asset(s, id);
      if (asset != kFree && pins[asset] == kFree) pins[asset] = i;
    }
  }
  return pins;
}

/// Where a community holds pins of several applications, the others of it go with the pins they are
/// nearest to, heavier edges first.
class Divider {
 public:
  Divider(const Snapshot& s, const EdgeMask& mask, const std::vector<float>& weights)
      : snapshot_(s), mask_(mask), weights_(weights) {}

  /// \param group_of  by asset: the pin it goes with; kFree where it has yet to be found. Only assets
  ///   of `members` are looked at.
  void divide(const std::vector<std::uint32_t>& members, std::vector<std::uint32_t>& group_of,
              const std::vector<std::uint32_t>& community) const {
    for (bool any = true; any;) {
      std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
      for (const std::uint32_t asset : members) {
        if (group_of[asset] != kFree) continue;
        const std::uint32_t group = heaviest_group(asset, group_of, community);
        if (group != kFree) found.emplace_back(asset, group);
      }
      for (const auto& [asset, group] : found) group_of[asset] = group;
      any = !found.empty();
    }
  }

 private:
  std::uint32_t heaviest_group(std::uint32_t asset, const std::vector<std::uint32_t>& group_of,
                               const std::vector<std::uint32_t>& community) const {
    std::map<std::uint32_t, double> sums;
    const auto add = [&](std::uint32_t edge, std::uint32_t other) {
      if (!mask_.empty() && !mask_[edge]) return;
      if (community[other] != community[asset] || group_of[other] == kFree) return;
      sums[group_of[other]] += weights_[edge];
    };
    const Snapshot& s = snapshot_;
    for (std::uint32_t i = s.out_offsets[asset]; i < s.out_offsets[asset + 1]; ++i) {
      add(i, s.edges[i].server.value);
    }
    for (std::uint32_t i = s.in_offsets[asset]; i < s.in_offsets[asset + 1]; ++i) {
      add(s.in_edges[i], s.edges[s.in_edges[i]].client.value);
    }
    std::uint32_t best = kFree;
    for (const auto& [group, sum] : sums) {
      if (best == kFree || sum > sums[best]) best = group;
    }
    return best;
  }

  const Snapshot& snapshot_;
  const EdgeMask& mask_;
  const std::vector<float>& weights_;
};

/// Communities after pins, as lists of assets; `pin` is the application they must become.
struct Proposal {
  std::vector<std::uint32_t> assets;
  std::uint32_t pin = kFree;
};
std::vector<Proposal> proposals(const Snapshot& s, const EdgeMask& mask,
                                const std::vector<std::uint32_t>& pins,
                                const ApplicationOptions& options) {
  const std::vector<float> weights = application_weights(s);
  CommunityOptions community_options;
  community_options.resolution = options.resolution;
  const bool has_pins =
      std::any_of(pins.begin(), pins.end(), [](std::uint32_t p) { return p != kFree; });
  if (has_pins) {
    std::vector<std::uint32_t> numbers = pins;  // below the number of assets
    std::map<std::uint32_t, std::uint32_t> dense;
    for (std::uint32_t& n : numbers) {
      if (n == kFree) continue;
      n = dense.try_emplace(n, static_cast<std::uint32_t>(dense.size())).first->second;
    }
    community_options.bound = std::move(numbers);
  }
  const Communities found = find_communities(s, mask, weights, community_options);
  std::vector<std::vector<std::uint32_t>> members(found.count);
  for (std::uint32_t a = 0; a < s.assets.size(); ++a) members[found.of_asset[a]].push_back(a);
  std::vector<std::uint32_t> group_of = pins;
  const Divider divider{s, mask, weights};
  std::vector<Proposal> list;
  for (const auto& assets : members) {
    std::map<std::uint32_t, Proposal> parts;  // by pin
    for (const std::uint32_t a : assets) {
      if (pins[a] != kFree) parts[pins[a]].pin = pins[a];
    }
    if (parts.size() > 1) divider.divide(assets, group_of, found.of_asset);
    const std::uint32_t only = parts.size() == 1 ? parts.begin()->first : kFree;
    for (const std::uint32_t a : assets) {
      parts[parts.size() > 1 ? group_of[a] : only].assets.push_back(a);
    }
    for (auto& [pin, part] : parts) {
      if (!part.assets.empty()) list.push_back(std::move(part));
    }
  }
  return list;
}

/// Which application of before a proposal continues.
struct Match {
  double overlap = 0;
  std::uint32_t proposal = 0;
  std::uint32_t before = 0;
};
std::vector<Match> matches(const Snapshot& s, const std::vector<Proposal>& list,
                           const std::vector<Application>& before, double min_overlap) {
  std::vector<std::uint32_t> proposal_of(s.assets.size(), kFree);
  for (std::uint32_t i = 0; i < list.size(); ++i) {
    for (const std::uint32_t a : list[i].assets) proposal_of[a] = i;
  }
  std::vector<Match> found;
  for (std::uint32_t b = 0; b < before.size(); ++b) {
    std::map<std::uint32_t, std::size_t> common;
    for (const Id& id : before[b].members) {
      const std::uint32_t asset = find_asset(s, id);
      if (asset != kFree && proposal_of[asset] != kFree) ++common[proposal_of[asset]];
    }
    for (const auto& [proposal, n] : common) {
      const std::size_t either = before[b].members.size() + list[proposal].assets.size() - n;
      const double overlap = static_cast<double>(n) / static_cast<double>(either);
      if (overlap >= min_overlap) found.push_back({overlap, proposal, b});
    }
  }
  std::sort(found.begin(), found.end(), [&](const Match& x, const Match& y) {
    return std::tuple{-x.overlap, before[x.before].id, x.proposal} <
           std::tuple{-y.overlap, before[y.before].id, y.proposal};
  });
  return found;
}

/// By proposal: the position in `before` it continues, each taken once; pins first. What is too small
/// to be proposed continues nothing else: one of two assets that stand alone is not both of them.
std::vector<std::uint32_t> continued(const Snapshot& s, const std::vector<Proposal>& list,
                                     const std::vector<Application>& before,
                                     const ApplicationOptions& options) {
  std::vector<std::uint32_t> of_proposal(list.size(), kFree);
  std::vector<bool> is_taken(before.size());
  for (std::uint32_t i = 0; i < list.size(); ++i) {
    if (list[i].pin == kFree) continue;
    of_proposal[i] = list[i].pin;
    is_taken[list[i].pin] = true;
  }
  for (const Match& m : matches(s, list, before, options.min_overlap)) {
    if (list[m.proposal].assets.size() < options.min_members) continue;
    if (of_proposal[m.proposal] != kFree || is_taken[m.before]) continue;
    of_proposal[m.proposal] = m.before;
    is_taken[m.before] = true;
  }
  return of_proposal;
}

Id derived_id(const Id& first_member, const std::vector<Id>& used) {
  const std::string name = "application " + first_member.to_string();
  Id id = derive_id(asset_namespace(), name);
  for (int again = 2; std::binary_search(used.begin(), used.end(), id); ++again) {
    id = derive_id(asset_namespace(), name + " " + std::to_string(again));
  }
  return id;
}

}  // namespace

std::vector<Application> propose_applications(const Snapshot& snapshot, const EdgeMask& mask,
                                              const std::vector<Application>& before,
                                              const ApplicationOptions& options) {
  const std::vector<std::uint32_t> pins = pins_of(snapshot, before);
  const std::vector<Proposal> list = proposals(snapshot, mask, pins, options);
  const std::vector<std::uint32_t> of_proposal = continued(snapshot, list, before, options);
  std::vector<Id> used;
  for (const Application& a : before) used.push_back(a.id);
  std::sort(used.begin(), used.end());
  std::vector<Application> found;
  std::vector<bool> is_member(snapshot.assets.size()), is_continued(before.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (of_proposal[i] == kFree && list[i].assets.size() < options.min_members) continue;
    Application a;
    if (of_proposal[i] != kFree) {
      a = before[of_proposal[i]];
      is_continued[of_proposal[i]] = true;
      a.members.clear();
    }
    for (const std::uint32_t asset : list[i].assets) {
      a.members.push_back(snapshot.assets[asset]);
      is_member[asset] = true;
    }
    if (a.id.is_none()) a.id = derived_id(a.members.front(), used);
    found.push_back(std::move(a));
  }
  for (std::size_t b = 0; b < before.size(); ++b) {
    if (is_continued[b] || !before[b].is_confirmed) continue;
    Application kept = before[b];
    std::erase_if(kept.members, [&](const Id& id) {
      const std::uint32_t asset = find_asset(snapshot, id);
      return asset != kFree && is_member[asset];
    });
    found.push_back(std::move(kept));
  }
  std::sort(found.begin(), found.end(),
            [](const Application& a, const Application& b) { return a.id < b.id; });
  return found;
}

}  // namespace flowlens
