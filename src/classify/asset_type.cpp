#include "flowlens/asset_type.hpp"

#include <algorithm>
#include <array>

namespace flowlens {

namespace {

constexpr std::array<std::string_view, kAssetTypeCount> kNames = {"unknown",
                                                                  "server",
                                                                  "workstation",
                                                                  "vm",
                                                                  "container",
                                                                  "database",
                                                                  "cache",
                                                                  "web",
                                                                  "load_balancer",
                                                                  "dns",
                                                                  "directory",
                                                                  "mail",
                                                                  "message_queue",
                                                                  "storage",
                                                                  "backup",
                                                                  "monitoring",
                                                                  "log_collector",
                                                                  "proxy",
                                                                  "vpn",
                                                                  "voip",
                                                                  "printer",
                                                                  "camera",
                                                                  "iot",
                                                                  "hypervisor",
                                                                  "container_host",
                                                                  "network_device",
                                                                  "scanner",
                                                                  "ntp",
                                                                  "dhcp",
                                                                  "remote_access"};
static_assert(static_cast<std::size_t>(AssetType::remote_access) + 1 == kAssetTypeCount);

}  // namespace

std::string_view to_string(AssetType t) noexcept { return kNames[static_cast<std::size_t>(t)]; }

std::optional<AssetType> parse_asset_type(std::string_view name) noexcept {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<AssetType>(found - kNames.begin());
}

std::span<const std::string_view> asset_type_names() noexcept { return kNames; }

bool is_client_type(AssetType t) noexcept {
  switch (t) {
    case AssetType::workstation:
    case AssetType::voip:
    case AssetType::printer:
    case AssetType::camera:
    case AssetType::iot:
    case AssetType::scanner:
      return true;
    default:
      return false;
  }
}

}  // namespace flowlens
