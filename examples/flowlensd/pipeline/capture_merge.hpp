/// \file
/// pipeline: several captures read as one, in the order of capture time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "flowlens/capture_reader.hpp"
#include "library.hpp"

namespace flowlensd {

/// One file of a CaptureMerge.
struct CaptureFile {
  std::filesystem::path path;
  CaptureCounters counters;
  std::string problem;  ///< empty: read to its end
};

/// Packets of all files, ascending by time of capture; of equal ones the file named first. Each file
/// is an observation point of its own.
class CaptureMerge {
 public:
  /// \throws IoError naming the file that cannot be opened.
  explicit CaptureMerge(const std::vector<std::filesystem::path>& paths,
                        CaptureReaderOptions options = {});

  /// Valid until the next call. A file that turns out damaged ends there and is named by files().
  /// \return false at the end of all.
  bool next(CaptureItem& item);

  [[nodiscard]] std::vector<CaptureFile> files() const;

 private:
  struct Source {
    std::filesystem::path path;
    std::unique_ptr<CaptureReader> reader;
    CaptureItem head;
    std::string problem;
  };
  void advance(std::size_t source);
  [[nodiscard]] bool comes_later(std::size_t a, std::size_t b) const;

  std::vector<Source> sources_;
  std::vector<std::size_t> heap_;  ///< sources with a head, the earliest in front
  std::size_t taken_;              ///< whose head was given out; none: sources_.size()
};

}  // namespace flowlensd
