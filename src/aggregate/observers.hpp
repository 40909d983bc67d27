/// \file
/// aggregate: who saw the traffic: exporters and their observation points, as small numbers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bounded_table.hpp"
#include "base/hash.hpp"
#include "flowlens/flow_record.hpp"

namespace flowlens::aggregate {

/// One point that meters: an exporter's ingress is another observer than its egress, since both may
/// see the same packets.
struct Observer {
  IpAddress exporter;
  std::uint32_t domain = 0;
  std::uint8_t flow_direction = 0;
  friend constexpr auto operator<=>(const Observer&, const Observer&) noexcept = default;
};

struct ObserverHash {
  std::uint64_t operator()(const Observer& o, std::uint64_t seed) const noexcept {
    return base::mix(base::hash_of(o.exporter, seed),
                     std::uint64_t{o.domain} << 8 | o.flow_direction);
  }
};

using ObserverIndex = std::uint16_t;
inline constexpr ObserverIndex kNoObserver = 0xffff;

/// Observers by number, for the life of an Aggregator. Past the bound all further ones share the
/// last number.
class Observers {
 public:
  Observers(std::size_t max_observers, std::uint64_t seed)
      : max_observers_(max_observers < kNoObserver ? max_observers : kNoObserver),
        table_(max_observers_, seed) {}

  ObserverIndex index_of(const FlowRecord& flow) {
    const Observer observer{flow.exporter, flow.observation_domain, flow.flow_direction};
    // Datagrams carry flows of one exporter, so the last one is asked for again and again.
    if (last_ != kNoObserver && table_[last_].key == observer) return last_;
    std::uint32_t position = table_.insert(observer).first;
    if (position == Table::kNone) position = static_cast<std::uint32_t>(max_observers_ - 1);
    last_ = static_cast<ObserverIndex>(position);
    return last_;
  }
  [[nodiscard]] bool are_several() const noexcept { return table_.size() > 1; }
  [[nodiscard]] const Observer& operator[](ObserverIndex i) const noexcept { return table_[i].key; }

 private:
  struct Nothing {};
  using Table = base::BoundedTable<Observer, Nothing, ObserverHash>;
  std::size_t max_observers_;
  Table table_;
  ObserverIndex last_ = kNoObserver;
};

}  // namespace flowlens::aggregate
