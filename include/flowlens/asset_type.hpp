/// \file
/// classify: what kinds of machines there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace flowlens {

/// What a machine is. `vm` and `container` are never found from traffic, since a virtual machine talks
/// as any other does; people and network rules may say so.
enum class AssetType : std::uint8_t {
  unknown,
  server,  ///< of something that has no type of its own, application servers among them
  workstation,
  vm,
  container,
  database,
  cache,
  web,
  load_balancer,
  dns,
  directory,
  mail,
  message_queue,
  storage,
  backup,
  monitoring,
  log_collector,
  proxy,
  vpn,
  voip,  ///< telephones and what connects them
  printer,
  camera,
  iot,
  hypervisor,
  container_host,
  network_device,
  scanner,  ///< tries out hosts and ports
  ntp,
  dhcp,
  remote_access,  ///< jump hosts and gateways to desktops
};
inline constexpr std::size_t kAssetTypeCount = 30;

/// `load_balancer`
[[nodiscard]] std::string_view to_string(AssetType t) noexcept;
[[nodiscard]] std::optional<AssetType> parse_asset_type(std::string_view name) noexcept;
/// All names, by AssetType.
[[nodiscard]] std::span<const std::string_view> asset_type_names() noexcept;

/// A machine that somebody sits at or that stands at the edge, rather than one that others depend on.
[[nodiscard]] bool is_client_type(AssetType t) noexcept;

/// Some of them.
class AssetTypes {
 public:
  void add(AssetType t) noexcept { bits_ |= 1u << static_cast<unsigned>(t); }
  [[nodiscard]] bool has(AssetType t) const noexcept {
    return (bits_ >> static_cast<unsigned>(t) & 1u) != 0;
  }
  friend bool operator==(AssetTypes, AssetTypes) noexcept = default;

 private:
  std::uint32_t bits_ = 0;
};

}  // namespace flowlens
