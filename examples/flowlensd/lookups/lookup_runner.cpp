#include "lookups/lookup_runner.hpp"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <system_error>

#include "log.hpp"
#include "pipeline/background.hpp"

namespace flowlensd {
namespace {

/// A source whose news never end may take this part of a thread.
constexpr int kRestForWork = 10;

Timestamp wall_clock() { return std::chrono::system_clock::now(); }

}  // namespace

std::string LookupRemarks::words() const {
  std::string text = first_error;
  if (text.empty() && broken > 0) text = std::to_string(broken) + " entries could not be read";
  if (beyond == 0) return text;
  return text + (text.empty() ? "" : "; ") + std::to_string(beyond) + " are past a limit";
}

LookupRunner::LookupRunner(std::vector<LookupSource> sources, FactDoor& door,
                           LookupRunnerOptions options)
    : options_(options), door_(door) {
  for (LookupSource& source : sources) {
    Entry& entry = entries_.emplace_back();
    entry.status.source = source.source;
    entry.status.origin = source.lister->origin();
    entry.status.interval = source.interval;
    entry.source = std::move(source);
  }
}

LookupRunner::~LookupRunner() { stop(); }

void LookupRunner::start() {
  const std::size_t count = std::min(options_.threads, entries_.size());
  for (std::size_t i = 0; i < count; ++i) {
    threads_.emplace_back([this] {
      pthread_setname_np(pthread_self(), "lookups");
      work_in_background();
      run();
    });
  }
}

void LookupRunner::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  for (const Entry& entry : entries_) {
    if (entry.source.stop) entry.source.stop();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void LookupRunner::ask_all() {
  for (Entry& entry : entries_) ask(entry);
}

std::vector<LookupStatus> LookupRunner::statuses() const {
  const std::lock_guard lock(mutex_);
  std::vector<LookupStatus> all;
  for (const Entry& entry : entries_) all.push_back(entry.status);
  return all;
}

void LookupRunner::run() {
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    Entry* entry = next_due();
    if (entry == nullptr) {
      changed_.wait_until(lock, next_look());
      continue;
    }
    entry->is_asked = true;
    lock.unlock();
    const auto begin = Clock::now();
    ask(*entry);
    lock.lock();
    entry->is_asked = false;
    const auto end = Clock::now();
    entry->due = end + entry->source.interval;
    entry->rested = end + kRestForWork * (end - begin);
  }
}

LookupRunner::Entry* LookupRunner::next_due() {
  const auto now = Clock::now();
  Entry* first = nullptr;
  for (Entry& entry : entries_) {
    if (entry.is_asked) continue;
    const bool has_changed =
        (!entry.source.file.empty() && stamp_of(entry.source) != entry.stamp) ||
        (entry.source.has_news && entry.source.has_news());
    if (has_changed) entry.due = std::min(entry.due, std::max(entry.rested, now));
    if (entry.due <= now && (first == nullptr || entry.due < first->due)) first = &entry;
  }
  return first;
}

LookupRunner::Clock::time_point LookupRunner::next_look() const {
  auto next = Clock::now() + std::chrono::minutes(1);
  for (const Entry& entry : entries_) {
    if (entry.is_asked) continue;
    next = std::min(next, entry.due);
    if (is_watched(entry.source)) next = std::min(next, Clock::now() + options_.file_interval);
  }
  return next;
}

bool LookupRunner::is_watched(const LookupSource& source) {
  return !source.file.empty() || source.has_news;
}

LookupRunner::Stamp LookupRunner::stamp_of(const LookupSource& source) {
  if (source.file.empty()) return {};
  std::error_code no_time, no_size;
  const auto time = std::filesystem::last_write_time(source.file, no_time);
  const auto size = std::filesystem::file_size(source.file, no_size);
  if (no_time || no_size) return {};
  return std::pair{time, size};
}

/// The stamp is taken first: what changes while it is read is read again.
void LookupRunner::ask(Entry& entry) {
  const Timestamp now = wall_clock();
  const Stamp stamp = stamp_of(entry.source);
  {
    const std::lock_guard lock(mutex_);
    entry.stamp = stamp;
    entry.status.asked_since = now;
  }
  const std::string& origin = entry.status.origin;
  std::string problem;
  LookupRemarks remarks;
  FactDoor::Said said;
  try {
    said = door_.replace(origin, entry.source.lister->list(now), now);
    if (entry.source.remarks) remarks = entry.source.remarks();
  } catch (const std::exception& e) {
    problem = e.what();
    if (problem.empty()) problem = "it gives no reason";
  }
  const std::lock_guard lock(mutex_);
  LookupStatus& status = entry.status;
  status.asked_since.reset();
  if (!problem.empty()) {
    ++status.failures;
    if (status.last_error != problem) {
      log::warning("lookup", "a source does not answer; what it said last stands",
                   {{"source", origin}, {"reason", problem}});
    }
    status.last_error = problem;
    status.last_error_at = wall_clock();
    return;
  }
  if (!status.last_success || !status.last_error.empty() || status.facts != said.facts) {
    log::info("lookup", "a source says what it knows",
              {{"source", origin}, {"facts", said.facts}, {"refused", said.refused}});
  }
  const std::string words = remarks.words();
  if (!words.empty() && words != status.remarks.words()) {
    log::warning("lookup", "not all that a source says can be used",
                 {{"source", origin}, {"reason", words}});
  }
  status.remarks = std::move(remarks);
  ++status.successes;
  status.last_error.clear();
  status.last_success = wall_clock();
  status.facts = said.facts;
  status.refused += said.refused;
}

}  // namespace flowlensd
