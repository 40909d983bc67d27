/// \file
/// collect: several files read as one, in the order of time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "flowlens/input_source.hpp"

namespace flowlens {

/// What all files hold, ascending by time (of capture, or of a log's flow); of equal ones the file named
/// first. Each file is an observation point of its own.
///
/// Thread-compatible.
class InputMerge {
 public:
  /// \throws IoError naming the file that cannot be opened.
  explicit InputMerge(const std::vector<std::filesystem::path>& paths,
                      CaptureReaderOptions options = {});

  /// Valid until the next call. A file that turns out damaged ends there and is named by files().
  /// \return false at the end of all.
  bool next(InputItem& item);

  [[nodiscard]] std::vector<InputFile> files() const;

 private:
  struct Source {
    std::filesystem::path path;
    std::unique_ptr<InputSource> reader;
    InputItem head;
    std::string problem;
  };
  void advance(std::size_t source);
  [[nodiscard]] bool comes_later(std::size_t a, std::size_t b) const;

  std::vector<Source> sources_;
  std::vector<std::size_t> heap_;  ///< sources with a head, the earliest in front
  std::size_t taken_;              ///< whose head was given out; none: sources_.size()
};

}  // namespace flowlens
