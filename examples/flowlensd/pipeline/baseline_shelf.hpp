/// \file
/// pipeline: baselines that people have taken, kept until they take them away.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "flowlens/baseline.hpp"
#include "library.hpp"

namespace flowlensd {

/// Named by ids that are derived from name and time. Thread-safe.
class BaselineShelf {
 public:
  static constexpr std::size_t kMostBaselines = 100;
  static constexpr std::size_t kMostEdges = 1'000'000;  ///< of all together

  /// Reads what the folder holds. \param folder  one file each; empty: in memory only.
  /// \throws ConfigError or IoError naming a file that is none.
  explicit BaselineShelf(std::filesystem::path folder);

  /// \return nothing if there is no room for it. \throws IoError if it cannot be written.
  std::optional<Id> put(Baseline baseline);
  /// Takes the place of the one with this id. \return false if there is none, or no room.
  bool replace(const Id& id, Baseline baseline);
  bool remove(const Id& id);
  /// Null: there is none.
  [[nodiscard]] std::shared_ptr<const Baseline> get(const Id& id) const;
  /// By id.
  [[nodiscard]] std::vector<std::pair<Id, std::shared_ptr<const Baseline>>> all() const;

  /// Those that are true no more, and since when; also of such as have been removed.
  [[nodiscard]] std::map<Id, Timestamp> drifting() const;
  /// \throws IoError if it cannot be written.
  void set_drifting(const std::map<Id, Timestamp>& drifting);

 private:
  [[nodiscard]] std::filesystem::path file_of(const Id& id) const;
  void read_drifting();
  bool keep(const Id& id, Baseline baseline);

  const std::filesystem::path folder_;
  mutable std::mutex mutex_;
  std::map<Id, std::shared_ptr<const Baseline>> baselines_;
  std::map<Id, Timestamp> drifting_;
};

}  // namespace flowlensd
