/// \file
/// pipeline: the folder that holds all a daemon keeps; one daemon at a time.
#pragma once

#include <filesystem>

namespace flowlensd {

inline constexpr const char* kSqliteFile = "flowlens.sqlite";
inline constexpr const char* kLockFile = "lock";

/// Holds the lock of a data folder.
class DataDir {
 public:
  /// Makes the folder if need be and locks it.
  /// \throws flowlens::IoError if it cannot be made, written, or another daemon holds it.
  explicit DataDir(const std::filesystem::path& path);
  ~DataDir();
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path database() const { return path_ / kSqliteFile; }
  [[nodiscard]] std::filesystem::path flows() const { return path_ / "flows.sqlite"; }
  [[nodiscard]] std::filesystem::path spool() const { return path_ / "spool"; }
  [[nodiscard]] std::filesystem::path decoder_state() const { return path_ / "decoder-state.bin"; }
  [[nodiscard]] std::filesystem::path change_state() const { return path_ / "change-state.bin"; }
  [[nodiscard]] std::filesystem::path gateway_state() const { return path_ / "gateway-state.bin"; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace flowlensd
