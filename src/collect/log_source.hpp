/// \file
/// collect: the octets of a file in bounded pieces, unpacked if it is gzip.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flowlens::collect {

/// What unpacks gzip; its members need zlib.
class Unzipper;

/// Reads one file from its beginning to its end. Gzip is told by its first octets; files of several
/// members, as appended logs are, count as one.
class LogSource {
 public:
  /// \param max_record  octets of the longest line or record that is handed out.
  /// \throws IoError if the file cannot be opened or read.
  LogSource(const std::filesystem::path& path, std::size_t max_record);
  ~LogSource();

  /// What comes next without taking it: `octets` of it, or less where the file or the longest record ends
  /// before. Valid until the next call.
  std::string_view peek(std::size_t octets);
  /// Takes octets that peek() showed.
  void skip(std::size_t octets);

  enum class Line : std::uint8_t { good, too_long, end };
  /// The next line without its end (LF or CR LF). One that is too long is passed over.
  /// \throws IoError at the end of a file that is damaged or cut short.
  Line next_line(std::string_view& line);

  /// Number of the line that next_line() gave last, or in which the next octet stands after skip().
  [[nodiscard]] std::uint64_t line_number() const noexcept { return line_; }
  /// Octets from the beginning of that line to the next octet, for columns after skip().
  [[nodiscard]] std::size_t octets_into_line() const noexcept { return into_line_; }
  /// Unpacked octets before the next one.
  [[nodiscard]] std::uint64_t offset() const noexcept { return taken_; }
  /// Octets of the file that were read, packed or not.
  [[nodiscard]] std::uint64_t octets_read() const noexcept { return octets_read_; }
  [[nodiscard]] std::size_t max_record() const noexcept { return max_record_; }
  /// \throws IoError if the file ended before it should.
  void check_end() const;

 private:
  bool fill();
  std::size_t read_some(char* to, std::size_t room);
  std::size_t read_file(char* to, std::size_t room);
  void pass_over_line();

  struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::unique_ptr<Unzipper> unzipper_;
  std::size_t max_record_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  ///< of what was read and not taken
  std::size_t end_ = 0;
  std::uint64_t line_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t octets_read_ = 0;
  std::size_t into_line_ = 0;
  bool is_at_end_ = false;
  std::string failure_;  ///< told once what came before it was taken
};

}  // namespace flowlens::collect
