/// \file
/// normalize: which VRF a flow is of, and what the exporter calls it.
#pragma once

#include <array>
#include <bitset>
#include <utility>

#include "flowlens/vrf.hpp"
#include "normalize/normalizer_state.hpp"

namespace flowlens::normalize {

/// Looks names up for one set; what was asked lately is at hand, since the flows of a router name
/// the same few VRFs over and over.
class VrfFinder {
 public:
  VrfFinder(Exporter& exporter, std::uint32_t domain) noexcept
      : exporter_(exporter), domain_(domain) {}

  [[nodiscard]] Vrf find(std::uint32_t id) noexcept {
    const std::size_t slot = id % recent_.size();
    if (!looked_for_[slot] || recent_[slot].id != id) {
      recent_[slot] = {id, name_of(id)};
      looked_for_.set(slot);
    }
    return recent_[slot];
  }

  /// \param of_reverse  the other half of a biflow: it came in where the first went out.
  [[nodiscard]] FlowVrf of_flow(const Plan& plan, const Scratch& told, std::size_t record,
                                bool of_reverse) noexcept {
    FlowVrf vrf;
    if (plan.has_ingress_vrf) vrf.ingress = find(told.ingress_vrf[record]);
    if (plan.has_egress_vrf) vrf.egress = find(told.egress_vrf[record]);
    if (of_reverse) std::swap(vrf.ingress, vrf.egress);
    return vrf;
  }

 private:
  /// Some routers tell the names in a domain of its own, 0 (RFC 7011 §3.1: the whole device).
  [[nodiscard]] std::uint64_t name_of(std::uint32_t id) noexcept {
    if (exporter_.names.size() == 0) return 0;
    constexpr auto kKind = static_cast<std::uint8_t>(NameKind::vrf_name);
    const NameFact* fact = exporter_.names.find({domain_, kKind, id});
    if (fact == nullptr) fact = exporter_.names.find({0, kKind, id});
    return fact != nullptr ? vrf_name_key(fact->text) : 0;
  }

  Exporter& exporter_;
  std::uint32_t domain_;
  std::array<Vrf, 8> recent_;
  std::bitset<8> looked_for_;
};

}  // namespace flowlens::normalize
