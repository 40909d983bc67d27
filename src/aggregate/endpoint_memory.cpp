#include "aggregate/endpoint_memory.hpp"

#include <algorithm>
#include <bit>

namespace flowlens::aggregate {

namespace {

constexpr std::int64_t kLifetime = 4;  ///< half-lives

void halve(EndpointMemory::End& end, std::int64_t times) noexcept {
  const auto shift = std::min<std::int64_t>(times, 15);
  end.served = static_cast<std::uint16_t>(end.served >> shift);
  end.used = static_cast<std::uint16_t>(end.used >> shift);
}

}  // namespace

SeenOnce::SeenOnce(std::size_t entries)
    : mask_(std::bit_ceil(std::clamp<std::size_t>(4 * entries, 1u << 10, 1u << 24)) - 1),
      times_(mask_ + 1) {}

void SeenOnce::turn() noexcept {
  for (std::uint8_t& times : times_) times = static_cast<std::uint8_t>((times & 3) << 2);
}

EndpointMemory::EndpointMemory(const AggregatorOptions& options)
    : once(options.max_remembered_ends),
      called(options.max_remembered_ends / 4 + 1),
      // A seed would decide which ports look as if they came again.
      ends_(options.max_remembered_ends),
      half_life_(std::max<std::int64_t>(options.memory_half_life / options.window, 1)) {}

std::int64_t EndpointMemory::halvings(std::int64_t windows) const noexcept {
  return windows <= 0 ? 0 : windows / half_life_;
}

Evidence::Past EndpointMemory::past(const ServiceKey& key, std::uint64_t hash) const noexcept {
  const std::uint32_t position = ends_.find(key, hash);
  if (position == Ends::kNone) return {};
  const End& end = ends_[position].value;
  const std::int64_t age = halvings(number_ - end.last);
  if (age >= kLifetime) return {};
  End aged = end;
  halve(aged, age);
  return {aged.served, aged.used, end.peers.count(), end.client_ports.count()};
}

EndpointMemory::End* EndpointMemory::meet(const ServiceKey& key, std::uint64_t hash,
                                          std::int64_t number, bool make) {
  std::uint32_t position = ends_.find(key, hash);
  if (position == Ends::kNone) {
    if (!make) return nullptr;
    if (ends_.full()) make_room(number);
    position = ends_.insert(key, hash).first;
    End& end = ends_[position].value;
    end.last = end.since = number;
    return &end;
  }
  End& end = ends_[position].value;
  const std::int64_t age = halvings(number - end.last);
  if (age > 0) halve(end, age);
  if (age >= kLifetime || halvings(number - end.since) >= kLifetime) {
    end.peers = {};
    end.client_ports = {};
    end.since = number;
  }
  end.last = std::max(end.last, number);
  return &end;
}

bool EndpointMemory::mark_served(End& end, std::int64_t number) noexcept {
  if (end.served_in == number) return false;
  const bool is_new = end.served == 0;
  end.served_in = number;
  if (end.served < 0xffff) ++end.served;
  return is_new;
}

void EndpointMemory::mark_used(End& end, std::int64_t number) noexcept {
  if (end.used_in == number) return;
  end.used_in = number;
  if (end.used < 0xffff) ++end.used;
}

void EndpointMemory::forget(std::uint32_t position) {
  ends_[position].value.alive = false;
  ends_.erase(position);
}

void EndpointMemory::make_room(std::int64_t number) {
  constexpr std::uint32_t kLooked = 16;
  std::uint32_t worst = Ends::kNone;
  const auto worth = [&](const End& end) {
    return (end.served != 0 ? half_life_ : 0) - (number - end.last);
  };
  for (std::uint32_t i = 0; i < kLooked && i < ends_.positions(); ++i) {
    hand_ = hand_ + 1 < ends_.positions() ? hand_ + 1 : 0;
    const End& end = ends_[hand_].value;
    if (!end.alive) continue;
    if (worst == Ends::kNone || worth(end) < worth(ends_[worst].value)) worst = hand_;
  }
  if (worst == Ends::kNone) return;
  forget(worst);
  ++evicted_;
}

void EndpointMemory::age(std::int64_t number) {
  number_ = std::max(number_, number);
  if (last_turn_ == kNever) last_turn_ = number;
  if (halvings(4 * (number - last_turn_)) > 0) {
    once.turn();
    called.turn();
    last_turn_ = number;
  }
  // A sixteenth of all, so that each is looked at several times in a half-life.
  for (std::uint32_t i = 0; i < ends_.positions() / 16 + 1 && ends_.positions() != 0; ++i) {
    hand_ = hand_ + 1 < ends_.positions() ? hand_ + 1 : 0;
    const End& end = ends_[hand_].value;
    if (end.alive && halvings(number - end.last) >= kLifetime) forget(hand_);
  }
}

}  // namespace flowlens::aggregate
