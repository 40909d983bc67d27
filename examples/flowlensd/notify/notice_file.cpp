#include "notify/notice_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

[[noreturn]] void fail(const std::filesystem::path& file, const char* what, int error) {
  throw flowlens::IoError(file.string() + ": " + what + ": " + std::strerror(error));
}

}  // namespace

void append_line(const std::filesystem::path& file, std::string_view text) {
  const int out = open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
  if (out < 0) fail(file, "cannot be opened", errno);
  std::string line{text};
  line += '\n';
  const off_t end = lseek(out, 0, SEEK_END);
  const ssize_t written = write(out, line.data(), line.size());
  int error = written < 0 ? errno : 0;
  if (error == 0 && static_cast<std::size_t>(written) < line.size()) {
    error = ENOSPC;
    // Half a line would spoil the next one.
    if (ftruncate(out, end) != 0) error = errno;
  }
  close(out);
  if (error != 0) fail(file, "cannot be written", error);
}

}  // namespace flowlensd
