#include "pipeline/data_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "flowlens/error.hpp"

namespace flowlensd {

using flowlens::IoError;

DataDir::DataDir(const std::filesystem::path& path) : path_(path) {
  std::error_code error;
  // Who talked to whom is for nobody else on this machine. A folder that is there keeps its permissions.
  if (std::filesystem::create_directories(path_, error)) {
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, error);
  }
  if (error) {
    throw IoError(path_.string() + ": the data folder cannot be made: " + error.message() +
                  "; give another one by --data-dir or FLOWLENS_DATA_DIR");
  }
  const std::filesystem::path file = path_ / kLockFile;
  lock_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) {
    throw IoError(file.string() + ": cannot be opened: " + std::strerror(errno) +
                  "; the data folder must be writable");
  }
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    close(lock_);
    throw IoError(path_.string() +
                  (reason == EWOULDBLOCK
                       ? ": another flowlensd uses this data folder; stop it, or "
                         "give this one another --data-dir"
                       : std::string(": cannot be locked: ") + std::strerror(reason)));
  }
}

DataDir::~DataDir() { close(lock_); }

}  // namespace flowlensd
