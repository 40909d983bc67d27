#include "pipeline/announcing.hpp"

#include <utility>

#include "log.hpp"

namespace flowlensd {
namespace {
constexpr std::size_t kMostWaiting = 4;  // as many as the store may be behind, and some by hand
}

Announcing::Announcing(std::unique_ptr<RevisionAnnouncer> announcer, FatalHandler fatal)
    : announcer_(std::move(announcer)), fatal_(std::move(fatal)) {}

Announcing::~Announcing() { stop(); }

void Announcing::start() {
  thread_ = std::thread([this] {
    try {
      run();
    } catch (const std::exception& e) {
      fatal_(std::string("revisions cannot be announced: ") + e.what());
    }
  });
}

void Announcing::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Announcing::offer(std::shared_ptr<const Revision> revision) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(revision));
    if (waiting_.size() > kMostWaiting) {
      waiting_.pop_front();
      ++view_.passed_over;
    }
  }
  changed_.notify_all();
}

AnnouncingView Announcing::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void Announcing::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (is_ending_) return;
    const auto revision = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    announce(*revision);
    lock.lock();
  }
}

void Announcing::announce(const Revision& revision) {
  std::string problem;
  try {
    announcer_->announce(revision);
  } catch (const IoError& e) {
    problem = e.what();
  }
  const std::lock_guard lock(mutex_);
  ++(problem.empty() ? view_.announced : view_.passed_over);
  if (!problem.empty() && view_.problem.empty()) {
    log::warning("follower", "a revision could not be announced; followers get it by the store",
                 {{"reason", problem}});
  }
  view_.problem = std::move(problem);
}

}  // namespace flowlensd
