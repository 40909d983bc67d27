/// \file
/// aggregate: somebody called in vain: nobody answered, it was refused, or a firewall stood between.
#pragma once

#include "flowlens/connection_summary.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// Who called whom, once for each window in which it was so. Of internal clients and servers only.
struct Attempt {
  DependencyKey key;  ///< of the dependency that an answer would have made
  Timestamp window_start;
  friend bool operator==(const Attempt&, const Attempt&) noexcept = default;
};

}  // namespace flowlens
