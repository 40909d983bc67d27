/// \file
/// What else stands in an enterprise: printers, cameras, telephones, hypervisors, switches and the like.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "rng.hpp"
#include "world.hpp"

namespace simnet {

using HostIndexes = std::vector<std::uint32_t>;

/// What the builder of a world lends.
struct EquipmentSite {
  /// Makes so many hosts. \param type  what an inventory calls them.
  std::function<HostIndexes(std::string_view name, std::string_view type, Segment, std::uint32_t)>
      add;
  std::function<void(std::uint32_t client, std::uint32_t server, const Service&)> use;
  std::function<void(std::uint32_t client, std::uint32_t server)> ask_for_address;  ///< by DHCP
  std::function<const HostIndexes&(Tier)> all;
  Rng& rng;
};

/// Adds `sets` of each kind and connects them with each other and with what is there.
void add_equipment(const EquipmentSite& site, std::uint32_t sets);

/// What an inventory calls the hosts of a tier; empty where no word fits.
[[nodiscard]] std::string_view asset_type_of(Tier tier) noexcept;

}  // namespace simnet
