#include "exit_deadline.hpp"

#include <cstdlib>

#include "log.hpp"

namespace flowlensd {

ExitDeadline::ExitDeadline(std::chrono::milliseconds limit)
    : thread_([this, limit] {
        std::unique_lock lock(mutex_);
        if (over_.wait_for(lock, limit, [this] { return is_over_; })) return;
        log::error("daemon",
                   "not stopped in time: something does not answer, most likely the database; what "
                   "was not written is lost",
                   {{"seconds", std::chrono::duration<double>(limit).count()}});
        log::flush();
        std::_Exit(1);
      }) {}

ExitDeadline::~ExitDeadline() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  over_.notify_all();
  thread_.join();
}

}  // namespace flowlensd
