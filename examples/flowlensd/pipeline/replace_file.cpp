#include "pipeline/replace_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, std::string_view what, int error) {
  throw flowlens::IoError(file.string() + ": " + std::string(what) + ": " + std::strerror(error));
}

class File {
 public:
  File(const std::filesystem::path& path, int flags)
      : path_(path), descriptor_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    if (descriptor_ < 0) fail(path_, "cannot be opened", errno);
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void write_all(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t n = ::write(descriptor_, octets.data(), octets.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(path_, "cannot be written", errno);
      octets.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  void sync() {
    if (fsync(descriptor_) != 0) fail(path_, "cannot be synced to disk", errno);
  }

 private:
  const std::filesystem::path& path_;
  int descriptor_;
};

}  // namespace

void replace_file(const std::filesystem::path& file, std::string_view octets) {
  std::filesystem::path fresh = file;
  fresh += ".new";
  {
    File out(fresh, O_WRONLY | O_CREAT | O_TRUNC);
    out.write_all(octets);
    out.sync();
  }
  if (rename(fresh.c_str(), file.c_str()) != 0) fail(file, "cannot be replaced", errno);
  const std::filesystem::path folder = file.parent_path();
  File(folder, O_RDONLY | O_DIRECTORY).sync();
}

std::optional<std::string> read_file(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  std::ifstream in(file, std::ios::binary);
  std::string octets{std::istreambuf_iterator<char>(in), {}};
  if (!in) fail(file, "cannot be read", errno);
  return octets;
}

}  // namespace flowlensd
