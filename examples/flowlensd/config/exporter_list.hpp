/// \file
/// config: who may send datagrams.
#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "library.hpp"

namespace flowlensd {

/// Addresses by ranges that do not touch, so that a look-up is one binary search. An empty list holds
/// every address. Immutable.
class ExporterList {
 public:
  ExporterList() = default;
  explicit ExporterList(const std::vector<IpPrefix>& prefixes);

  [[nodiscard]] bool contains(const IpAddress& address) const noexcept {
    if (ranges_.empty()) return true;
    const auto next =
        std::upper_bound(ranges_.begin(), ranges_.end(), address,
                         [](const IpAddress& a, const Range& r) { return a < r.first; });
    return next != ranges_.begin() && address <= std::prev(next)->last;
  }

 private:
  struct Range {
    IpAddress first;
    IpAddress last;
  };
  std::vector<Range> ranges_;
};

/// \param list  addresses and prefixes with commas between.
/// \throws ConfigError naming the one that is none.
[[nodiscard]] ExporterList parse_exporter_list(std::string_view list);

/// The list that holds now. Thread-safe.
class AllowedExporters {
 public:
  explicit AllowedExporters(ExporterList list) { change(std::move(list)); }

  void change(ExporterList list) {
    auto next = std::make_shared<const ExporterList>(std::move(list));
    const std::lock_guard lock(mutex_);
    list_ = std::move(next);
  }
  [[nodiscard]] std::shared_ptr<const ExporterList> now() const {
    const std::lock_guard lock(mutex_);
    return list_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const ExporterList> list_;
};

}  // namespace flowlensd
