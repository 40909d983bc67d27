/// \file
/// lookup: sources that know all their facts at once: files, inventories, clouds, clusters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flowlens/fact.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// One such source, asked again from time to time. Thread-compatible.
class FactLister {
 public:
  virtual ~FactLister() = default;

  /// What its facts carry as origin: `hosts:/etc/hosts`. The same for its whole life.
  [[nodiscard]] virtual const std::string& origin() const noexcept = 0;
  /// All that it knows now, each with its origin. Waits for disks and networks, bounded by time-outs.
  /// \param now  wall clock: when the facts are said.
  /// \throws IoError where the source does not answer, or what it says cannot be read: then what it
  ///   said last stands. The message has file and line, or address and status.
  [[nodiscard]] virtual std::vector<Fact> list(Timestamp now) = 0;

 protected:
  FactLister() = default;
  FactLister(const FactLister&) = default;
  FactLister& operator=(const FactLister&) = default;
};

}  // namespace flowlens
