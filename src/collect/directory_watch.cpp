#include "flowlens/directory_watch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <system_error>

#include "flowlens/error.hpp"

namespace flowlens {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const char* what) {
  throw IoError(path.string() + ' ' + what + ": " + std::strerror(errno));
}

bool is_unfinished(std::string_view name) noexcept {
  return name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(".part") ||
         name.ends_with('~') || name.find(".current") != std::string_view::npos ||
         name.find('\n') != std::string_view::npos;
}

struct Status {
  std::uint64_t inode = 0;
  Timestamp changed;
  bool is_file = false;
};
Status status_of(const fs::path& path) noexcept {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) return {};
  return {s.st_ino,
          Timestamp{std::chrono::seconds{s.st_mtim.tv_sec} +
                    std::chrono::nanoseconds{s.st_mtim.tv_nsec}},
          S_ISREG(s.st_mode)};
}

}  // namespace

struct DirectoryWatch::Impl {
  DirectoryWatchOptions options;
  DirectoryWatchCounters counters;
  std::map<std::string, std::uint64_t, std::less<>> taken;  ///< name to inode

  explicit Impl(const DirectoryWatchOptions& o) : options(o) {
    if (options.directory.empty()) throw ConfigError("DirectoryWatchOptions::directory is missing");
    if (options.max_files == 0) {
      throw ConfigError("DirectoryWatchOptions::max_files must be 1 or more");
    }
    (void)names();  // throws where they cannot be read
    load();
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::error_code error;
    std::vector<std::string> names;
    for (fs::directory_iterator it(options.directory, error), end; !error && it != end;
         it.increment(error)) {
      names.push_back(it->path().filename().string());
    }
    if (error) {
      throw IoError(options.directory.string() + " cannot be read: " + error.message());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  /// Lines of an inode and a name. The last one may be cut short by a crash: then that file comes again.
  void load() {
    if (options.state_file.empty()) return;
    std::ifstream in(options.state_file, std::ios::binary);
    if (!in) {
      if (fs::exists(options.state_file)) fail(options.state_file, "cannot be read");
      return;
    }
    std::string line;
    while (std::getline(in, line) && !in.eof()) {
      std::uint64_t inode = 0;
      const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), inode);
      if (error == std::errc{} && *end == ' ') taken.insert_or_assign(end + 1, inode);
    }
    if (in.bad()) fail(options.state_file, "cannot be read");
    forget_what_is_gone();
    rewrite();
  }

  void forget_what_is_gone() {
    std::erase_if(taken, [this](const auto& entry) {
      const Status status = status_of(options.directory / entry.first);
      return !status.is_file || status.inode != entry.second;
    });
  }

  static std::string line_of(const std::string& name, std::uint64_t inode) {
    return std::to_string(inode) + ' ' + name + '\n';
  }

  void write(const fs::path& path, const std::string& text, int flags) const {
    const int file = ::open(path.c_str(), flags | O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    if (file < 0) fail(path, "cannot be opened");
    std::size_t done = 0;
    while (done < text.size()) {
      const ::ssize_t n = ::write(file, text.data() + done, text.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) break;
      done += static_cast<std::size_t>(n);
    }
    const bool is_good = done == text.size() && ::fdatasync(file) == 0;
    const int why = errno;
    ::close(file);
    errno = why;
    if (!is_good) fail(path, "cannot be written");
  }

  void rewrite() const {
    std::string text;
    for (const auto& [name, inode] : taken) text += line_of(name, inode);
    fs::path fresh = options.state_file;
    fresh += ".tmp";
    write(fresh, text, O_TRUNC);
    std::error_code error;
    fs::rename(fresh, options.state_file, error);
    if (error) {
      throw IoError(options.state_file.string() + " cannot be replaced: " + error.message());
    }
  }

  std::vector<fs::path> poll(Timestamp now) {
    std::vector<fs::path> whole;
    counters.unsettled = counters.passed_over = counters.beyond = counters.known = 0;
    std::size_t looked_at = 0;
    for (const std::string& name : names()) {
      if (looked_at == options.max_files) {
        ++counters.beyond;
        continue;
      }
      ++looked_at;
      const fs::path path = options.directory / name;
      const Status status = status_of(path);
      if (!status.is_file || is_unfinished(name) || is_own(path)) {
        ++counters.passed_over;
        continue;
      }
      const auto known = taken.find(name);
      if (known != taken.end() && known->second == status.inode) {
        ++counters.known;
      } else if (status.changed + options.settle > now) {
        ++counters.unsettled;
      } else {
        whole.push_back(path);
      }
    }
    return whole;
  }

  /// The state file may lie in the directory itself.
  [[nodiscard]] bool is_own(const fs::path& path) const {
    std::error_code error;
    return !options.state_file.empty() && fs::equivalent(path, options.state_file, error);
  }

  void took(const fs::path& file) {
    const std::string name = file.filename().string();
    const Status status = status_of(options.directory / name);
    ++counters.taken;
    if (!status.is_file) return;  // already gone
    taken.insert_or_assign(name, status.inode);
    // As many names again as the directory holds: most of them are gone.
    if (taken.size() > 2 * options.max_files) forget_what_is_gone();
    if (!options.state_file.empty()) {
      write(options.state_file, line_of(name, status.inode), O_APPEND);
    }
  }
};

DirectoryWatch::DirectoryWatch(const DirectoryWatchOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
DirectoryWatch::~DirectoryWatch() = default;

std::vector<std::filesystem::path> DirectoryWatch::poll(Timestamp now) { return impl_->poll(now); }
void DirectoryWatch::took(const std::filesystem::path& file) { impl_->took(file); }
const DirectoryWatchCounters& DirectoryWatch::counters() const noexcept { return impl_->counters; }

}  // namespace flowlens
