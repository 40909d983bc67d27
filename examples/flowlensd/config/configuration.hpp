/// \file
/// config: the settings of a running daemon, and how they change: by SIGHUP and by the settings API.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace flowlensd {

/// What a reload or a change did.
struct ConfigurationChange {
  std::vector<std::string> changed;        ///< `log.level: info -> debug`; secrets masked
  std::vector<std::string> needs_restart;  ///< what differs now from what the daemon goes by
};

/// Thread-safe but for the members that say otherwise.
class Configuration {
 public:
  /// Reads all sources again. \throws flowlens::ConfigError, flowlens::IoError.
  using Read = std::function<Loaded()>;
  /// Carries out what was prepared; must not throw.
  using Commit = std::function<void()>;
  /// Makes ready to go by the new settings; changes nothing yet.
  /// \param words  takes what will have changed beside the settings: `rules.txt: was read again`.
  /// \return empty: there is nothing to do. \throws flowlens::ConfigError if something about them is wrong: then nothing changes at all.
  using Prepare = std::function<Commit(const Settings& now, std::vector<std::string>& words)>;

  /// \param read  may be empty: then reload() does nothing.
  Configuration(Loaded loaded, Read read);

  /// Not while another member runs. What `prepare` refers to outlives this.
  void on_change(Prepare prepare) { at_change_.push_back(std::move(prepare)); }
  /// The same, for files and the like: asked by reload() only.
  void on_reload(Prepare prepare) { at_reload_.push_back(std::move(prepare)); }
  /// A file that is read at the start only: a reload says if it has changed since. Not while another
  /// member runs. \param path  may be empty.
  void watch_file(const Setting& setting, const std::string& path);

  /// What the daemon goes by.
  [[nodiscard]] std::shared_ptr<const Loaded> current() const;

  /// Takes over what can change live.
  /// \throws flowlens::ConfigError, flowlens::IoError for what is wrong, and where; then all stays as it was.
  ConfigurationChange reload();
  /// Changes settings by name, and keeps that in changes_file(). No value: what the other sources say again.
  /// \throws flowlens::ConfigError for names and values that will not do, flowlens::IoError if it cannot be
  /// kept; then all stays as it was.
  ConfigurationChange change(const std::map<std::string, std::optional<std::string>>& values);

 private:
  struct WatchedFile {
    std::string name;
    std::string path;
    std::size_t content = 0;  ///< its hash
  };

  [[nodiscard]] Loaded read_again() const;
  [[nodiscard]] Loaded with(const std::map<std::string, std::optional<std::string>>& values) const;
  ConfigurationChange take(const Loaded& wanted, bool is_reload);
  void add_changed_files(ConfigurationChange& change) const;

  std::mutex changing_;  ///< one change at a time
  mutable std::mutex mutex_;
  std::shared_ptr<const Loaded> current_;
  const Read read_;
  std::vector<Prepare> at_change_;
  std::vector<Prepare> at_reload_;
  std::vector<WatchedFile> files_;
};

}  // namespace flowlensd
