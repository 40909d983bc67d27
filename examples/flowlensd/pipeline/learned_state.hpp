/// \file
/// pipeline: what a part has learned, kept over a restart in a file of its own.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "library.hpp"

namespace flowlensd {

/// A file that is missing or cannot be used costs what was learned and no more: the log says so. One that
/// cannot be written is tried again by the next save().
class LearnedState {
 public:
  using Load = std::function<Diagnostic(std::span<const std::byte>)>;
  using Save = std::function<std::vector<std::byte>()>;

  /// \param part  for the log: `changes`.
  LearnedState(std::string part, std::filesystem::path file, Load load, Save save)
      : part_(std::move(part)),
        file_(std::move(file)),
        load_(std::move(load)),
        save_(std::move(save)) {}

  void load() const;
  void save() const;

 private:
  std::string part_;
  std::filesystem::path file_;
  Load load_;
  Save save_;
};

}  // namespace flowlensd
