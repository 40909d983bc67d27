/// \file
/// normalize: steps that fill what a record says of address translation.
#pragma once

#include "normalize/steps.hpp"

namespace flowlens::normalize {

template <auto Member>
void put_nat_number(const Block& block, std::size_t offset, std::size_t width) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    auto& target = block.nat->events[i].*Member;
    target = static_cast<std::remove_reference_t<decltype(target)>>(wire::load_unsigned(p, width));
  });
}
/// Behind put_nat_v6, where a template has both: the one that is not zero counts.
template <auto Member>
void put_nat_v4(const Block& block, std::size_t offset, std::size_t) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    IpAddress& target = block.nat->events[i].*Member;
    if (wire::load32(p) != 0 || target == IpAddress{}) target = wire::load_v4(p);
  });
}
template <auto Member>
void put_nat_v6(const Block& block, std::size_t offset, std::size_t) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    block.nat->events[i].*Member = wire::load_v6(p);
  });
}
inline void put_port_block_size(const Block& block, std::size_t offset,
                                std::size_t width) noexcept {
  for_block(block, offset, [&](std::size_t i, const std::byte* p) {
    block.nat->port_block_size[i] = static_cast<std::uint16_t>(wire::load_unsigned(p, width));
  });
}

}  // namespace flowlens::normalize
