#include "config/text_file.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "flowlens/error.hpp"

namespace flowlensd {

std::string read_text_file(const std::string& path, std::size_t max_octets) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);  // of a folder it is an error
  if (!error && size > max_octets) {
    throw flowlens::IoError(path + ": cannot be read: longer than the " +
                            std::to_string(max_octets) + " octets that there is room for");
  }
  std::ifstream in(path, std::ios::binary);
  if (error || !in) {
    const std::string reason = error ? error.message() : std::strerror(errno);
    throw flowlens::IoError(path + ": cannot be read: " + reason);
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string read_file_of(std::string_view key, const std::string& path, std::size_t max_octets) {
  try {
    return read_text_file(path, max_octets);
  } catch (const flowlens::IoError& e) {
    throw flowlens::ConfigError(std::string(key) + ": " + e.what());
  }
}

}  // namespace flowlensd
