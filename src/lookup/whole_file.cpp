#include "lookup/whole_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "flowlens/error.hpp"

namespace flowlens::lookup {

namespace {

/// An open file, closed at the end.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path)
      // Without waiting: to open a pipe nobody writes to would take for ever.
      : path_(path), file_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {
    if (file_ < 0) fail(std::strerror(errno));
  }
  ~OpenFile() {
    if (file_ >= 0) ::close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  [[noreturn]] void fail(const std::string& why) const {
    throw IoError(path_.string() + ": " + why);
  }
  [[nodiscard]] bool is_regular() const noexcept {
    struct stat about {};
    return ::fstat(file_, &about) == 0 && S_ISREG(about.st_mode);
  }
  /// \return 0 at the end.
  std::size_t read(char* to, std::size_t room) const {
    for (;;) {
      const ::ssize_t got = ::read(file_, to, room);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) fail(std::strerror(errno));
    }
  }

 private:
  const std::filesystem::path& path_;
  int file_;
};

}  // namespace

std::string read_file(const std::filesystem::path& path, std::size_t max_octets) {
  const OpenFile file{path};
  if (!file.is_regular()) file.fail("is no file");
  constexpr std::size_t kPiece = 65'536;
  std::string text;
  for (;;) {
    const std::size_t had = text.size();
    text.resize(had + kPiece);
    const std::size_t got = file.read(text.data() + had, kPiece);
    text.resize(had + got);
    if (got == 0) return text;
    if (text.size() > max_octets) {
      file.fail("has more than " + std::to_string(max_octets) + " octets, the limit");
    }
  }
}

}  // namespace flowlens::lookup
