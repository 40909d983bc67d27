#include "pipeline/periodic.hpp"

#include <exception>
#include <utility>

#include "pipeline/background.hpp"

namespace flowlensd {

Periodic::Periodic(std::string name, std::chrono::milliseconds interval,
                   std::function<void(Timestamp)> work, FatalHandler fatal)
    : name_(std::move(name)),
      interval_(interval),
      work_(std::move(work)),
      fatal_(std::move(fatal)) {}

Periodic::~Periodic() { stop(); }

void Periodic::start() {
  thread_ = std::thread([this] {
    try {
      run();
    } catch (const std::exception& e) {
      fatal_(name_ + " failed: " + e.what());
    }
  });
}

void Periodic::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Periodic::run() {
  work_in_background();
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    lock.unlock();
    work_(std::chrono::system_clock::now());
    lock.lock();
    changed_.wait_for(lock, interval_, [this] { return is_ending_; });
  }
}

}  // namespace flowlensd
