/// \file
/// pipeline: what GeoIP files tell of external addresses.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "flowlens/geoip.hpp"
#include "library.hpp"

namespace flowlensd {

/// One file, replaced by the next that is put in its place. Thread-safe.
class GeoFile {
 public:
  /// \throws IoError if there is no sound database.
  explicit GeoFile(std::string path);

  /// Opens what is there now, if that is another file than before. What is damaged is refused, once:
  /// the one before goes on.
  /// \return what happened, for people; empty: nothing.
  std::string reload();
  [[nodiscard]] std::shared_ptr<const GeoDatabase> current() const;
  [[nodiscard]] std::uint64_t reloads() const;
  [[nodiscard]] std::string problem() const;  ///< why the newest file is not in use; empty: it is

 private:
  /// Tells one file from another in its place.
  struct Stamp {
    std::uint64_t device = 0, inode = 0, octets = 0;
    std::int64_t changed_seconds = 0, changed_nanoseconds = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  static Stamp stamp_of(const std::string& path);  ///< zeros: there is none

  const std::string path_;
  std::mutex reloading_;  ///< one at a time; held while a file is opened
  Stamp seen_;
  mutable std::mutex mutex_;  ///< of the rest; held for moments
  std::shared_ptr<const GeoDatabase> current_;
  std::uint64_t reloads_ = 0;
  std::string problem_;
};

/// Thread-safe.
class Geo {
 public:
  Geo() = default;  ///< tells nothing
  /// Opens the files that the settings name. \throws ConfigError naming the setting and why.
  explicit Geo(const Settings& settings);

  [[nodiscard]] bool empty() const noexcept { return !places_ && !systems_; }
  /// What both files tell together; empty where they tell nothing.
  [[nodiscard]] GeoRecord find(const IpAddress& address) const;

  /// Looks whether there are new files. \return what happened, a line each; it is in the log, too.
  std::vector<std::string> reload();
  [[nodiscard]] std::uint64_t reloads() const;  ///< of both files
  /// Why the newest files are not in use, a line each.
  [[nodiscard]] std::vector<std::string> problems() const;

 private:
  std::optional<GeoFile> places_;
  std::optional<GeoFile> systems_;
};

}  // namespace flowlensd
