/// \file
/// detect: which events were taken already.
#pragma once

#include <cstddef>
#include <deque>
#include <set>
#include <utility>
#include <vector>

#include "flowlens/id.hpp"

namespace flowlens::detect {

/// The ids of events taken, the oldest of which go.
class SeenEvents {
 public:
  explicit SeenEvents(std::size_t most) : most_(most) {}

  /// \return false if it was there.
  bool add(const Id& id) {
    if (!ids_.insert(id).second) return false;
    order_.push_back(id);
    fresh_.push_back(id);
    if (order_.size() > most_) {
      ids_.erase(order_.front());
      gone_.push_back(order_.front());
      order_.pop_front();
    }
    return true;
  }
  void load(const std::vector<Id>& ids) {
    for (const Id& id : ids) add(id);
    fresh_.clear();
  }
  void take(std::vector<Id>& fresh, std::vector<Id>& gone) {
    fresh = std::exchange(fresh_, {});
    gone = std::exchange(gone_, {});
  }

 private:
  std::size_t most_;
  std::set<Id> ids_;
  std::deque<Id> order_;
  std::vector<Id> fresh_, gone_;
};

}  // namespace flowlens::detect
