/// \file
/// pipeline: flows that wait for a thread which takes some at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "library.hpp"

namespace flowlensd {

/// First in, first out, bounded. Each flow moves once at most while it waits. Thread-compatible.
class FlowQueue {
 public:
  explicit FlowQueue(std::size_t bound) : bound_(bound) {}

  [[nodiscard]] std::size_t size() const noexcept { return flows_.size() - first_; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  /// \return how many found room: the first of them.
  std::size_t put(const std::vector<FlowRecord>& flows) {
    const std::size_t taken = std::min(bound_ - std::min(bound_, size()), flows.size());
    flows_.insert(flows_.end(), flows.begin(), flows.begin() + static_cast<std::ptrdiff_t>(taken));
    return taken;
  }

  /// \param out  overwritten by at most so many.
  void take(std::size_t most, std::vector<FlowRecord>& out) {
    const auto begin = flows_.begin() + static_cast<std::ptrdiff_t>(first_);
    const std::size_t taken = std::min(most, size());
    out.assign(begin, begin + static_cast<std::ptrdiff_t>(taken));
    first_ += taken;
    if (first_ < flows_.size() / 2) return;
    flows_.erase(flows_.begin(), flows_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }

  void clear() noexcept {
    flows_.clear();
    first_ = 0;
  }

 private:
  std::size_t bound_;
  std::vector<FlowRecord> flows_;
  std::size_t first_ = 0;  ///< those before it are taken
};

}  // namespace flowlensd
