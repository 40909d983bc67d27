/// \file
/// collect: a directory in which files appear: captures, IPFIX files and logs that others rotate, as nfcapd
/// does.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "flowlens/time.hpp"

namespace flowlens {

struct DirectoryWatchOptions {
  std::filesystem::path directory;
  /// Where files that were taken are remembered. Empty: only until the end.
  std::filesystem::path state_file;
  /// A file is whole once nobody has written to it for so long. Who writes into its last name and may
  /// pause needs more; who renames the finished file (nfcapd, most rotations) needs nothing.
  std::chrono::seconds settle{60};
  std::size_t max_files = 100'000;  ///< looked at, the first by name
};

struct DirectoryWatchCounters {
  std::uint64_t taken = 0;    ///< since the object was made
  std::size_t known = 0;      ///< in the directory, and taken by us or by who came before
  std::size_t unsettled = 0;  ///< at the last poll: somebody may still write to them
  std::size_t passed_over =
      0;                   ///< at the last poll: no files, or names of unfinished or hidden ones
  std::size_t beyond = 0;  ///< at the last poll: past max_files
};

/// Tells of each file once. A file is the same as long as its name and its inode are: what is appended
/// to one that was taken is not seen, and a new file under an old name is taken.
///
/// Names that begin with a point, end in `.tmp`, `.part` or `~`, or have `.current` in them are unfinished.
///
/// Thread-compatible.
class DirectoryWatch {
 public:
  /// \throws ConfigError without a directory or with a limit of 0.
  /// \throws IoError if the directory or the state file cannot be read.
  explicit DirectoryWatch(const DirectoryWatchOptions& options);
  ~DirectoryWatch();

  /// Whole files that were not taken yet, ascending by name. Those not taken come again.
  /// \param now  by the clock of the file system.
  /// \throws IoError if the directory cannot be read.
  std::vector<std::filesystem::path> poll(Timestamp now);
  /// From now on, and after a restart, poll() does not tell of it again.
  /// \throws IoError if that cannot be written down.
  void took(const std::filesystem::path& file);

  [[nodiscard]] const DirectoryWatchCounters& counters() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
