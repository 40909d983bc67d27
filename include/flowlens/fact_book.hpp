/// \file
/// lookup: what each origin said last, so that only news go on to the map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/fact.hpp"

namespace flowlens {

/// Thread-compatible.
class FactBook {
 public:
  /// \param max_facts  of all origins; past it, further ones are left out and counted.
  explicit FactBook(std::size_t max_facts = 1'000'000);

  /// All that `origin` says from now on. Facts with an attribute that is none, or a value too long or
  /// empty, are left out and counted; of two on one matter (subject, attribute, since) the later stands.
  /// \return what is new or says otherwise, and for what it says no longer a fact with an empty value
  ///   (`at` as given).
  [[nodiscard]] std::vector<Fact> replace(std::string_view origin, std::vector<Fact> facts,
                                          Timestamp at);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t size_of(std::string_view origin) const noexcept;
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  std::map<std::string, std::vector<Fact>, std::less<>> said_;  ///< ascending by matter
  std::size_t max_facts_;
  std::size_t size_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace flowlens
