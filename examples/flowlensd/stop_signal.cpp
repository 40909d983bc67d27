#include "stop_signal.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "flowlens/error.hpp"
#include "log.hpp"

namespace flowlensd {

StopSignal::StopSignal() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of the one who writes it
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  event_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (signals_ < 0 || event_ < 0) {
    throw flowlens::IoError(std::string("signals cannot be read: ") + std::strerror(errno));
  }
}

StopSignal::~StopSignal() {
  close(signals_);
  close(event_);
}

void StopSignal::fail(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_.empty()) failure_ = why;
  }
  is_set_ = true;
  const std::uint64_t one = 1;
  // The counter cannot be full, and a reader that is gone needs no waking.
  [[maybe_unused]] const ssize_t written = write(event_, &one, sizeof one);
}

bool StopSignal::wait(std::chrono::milliseconds timeout) {
  std::array<pollfd, 2> fds{{{signals_, POLLIN, 0}, {event_, POLLIN, 0}}};
  poll(fds.data(), fds.size(), static_cast<int>(timeout.count()));
  signalfd_siginfo info{};
  while (read(signals_, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGHUP) {
      reload_ = true;
      continue;
    }
    log::info("daemon", "stopping", {{"signal", strsignal(static_cast<int>(info.ssi_signo))}});
    is_set_ = true;
  }
  return is_set_;
}

std::string StopSignal::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace flowlensd
