/// \file
/// pipeline: folders in which captures, IPFIX files and flow logs appear, read into the live map.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <filesystem>
#include <mutex>
#include <vector>

#include "flowlens/input_source.hpp"
#include "pipeline/feed.hpp"
#include "pipeline/ingest_view.hpp"

namespace flowlensd {

struct FileWatchingOptions {
  std::vector<std::filesystem::path> directories;
  /// Where it is remembered which files were taken; empty: only until the end.
  std::filesystem::path state_folder;
  std::chrono::seconds settle{60};
  std::vector<std::uint16_t> exporter_ports;
};

/// A file is written down as taken before it is read: after a crash in the middle its rest is missing, but
/// no part of any file counts twice.
class FileWatching {
 public:
  /// \throws IoError if a folder or what is remembered of it cannot be read.
  FileWatching(const FileWatchingOptions& options, Feed& feed);

  /// Until `stopping`. A file that is being read then is read on for a few seconds.
  void run(const std::atomic<bool>& stopping);

  /// Thread-safe.
  [[nodiscard]] std::vector<WatchedDirectory> view() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Folder {
    std::unique_ptr<DirectoryWatch> watch;
    WatchedDirectory view;  ///< under the mutex
    std::string last_problem;
  };
  void look(Folder& folder, const std::atomic<bool>& stopping);
  void read(Folder& folder, const std::filesystem::path& file, const std::atomic<bool>& stopping);
  bool read_items(Folder& folder, InputSource& source, const std::atomic<bool>& stopping);
  void note(Folder& folder, const std::string& problem);

  const FileWatchingOptions options_;
  Feed& feed_;
  std::deque<Folder> folders_;
  mutable std::mutex mutex_;
};

}  // namespace flowlensd
