/// \file
/// normalize: VRFs, the address spaces that one router keeps apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace flowlens {

/// A VRF as a flow tells it.
struct Vrf {
  std::uint32_t id = 0;    ///< elements 234, 235: each router's own number; 0 is its global table
  std::uint64_t name = 0;  ///< vrf_name_key() of what options call it (element 236); 0: not told
  friend bool operator==(const Vrf&, const Vrf&) = default;
};

/// The name of a VRF as a number that goes with each flow (FNV-1a, 64 bits). Never 0.
constexpr std::uint64_t vrf_name_key(std::string_view name) noexcept {
  std::uint64_t key = 0xcbf29ce484222325u;
  for (const char c : name) key = (key ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return key != 0 ? key : 1;
}

/// The VRFs of one flow: where it came in and where it went out.
struct FlowVrf {
  std::uint32_t flow = 0;      ///< index into FlowBatch::flows
  std::optional<Vrf> ingress;  ///< element 234
  std::optional<Vrf> egress;   ///< element 235

  // An end is in the VRF it is reached by; routers that tell only one of the two keep to it.
  [[nodiscard]] const std::optional<Vrf>& of_source() const noexcept {
    return ingress ? ingress : egress;
  }
  [[nodiscard]] const std::optional<Vrf>& of_destination() const noexcept {
    return egress ? egress : ingress;
  }
  friend bool operator==(const FlowVrf&, const FlowVrf&) = default;
};

}  // namespace flowlens
