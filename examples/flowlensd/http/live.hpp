/// \file
/// http: live updates: what each revision of the map changes, for clients that follow it. docs/live.md
/// shows the messages.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "http/live_subscription.hpp"
#include "library.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/geo.hpp"

namespace flowlensd::http {

struct LiveOptions {
  std::string instance;        ///< names this run; revisions of another one may differ
  std::uint64_t revision = 0;  ///< of the map as it is
  std::uint64_t epoch = 0;
  std::size_t max_updates = 256;               ///< kept, for those who come back
  std::size_t max_octets = 32u << 20;          ///< of those
  std::size_t max_rows = 5'000;                ///< of one topic in one update; more: only how many
  std::size_t max_told = 500;                  ///< of one topic in one message; the same
  std::size_t max_waiting = 8;                 ///< updates not yet made into text
  std::size_t max_sending_octets = 64u << 20;  ///< of all messages on their way
};

struct LiveCounters {
  std::uint64_t updates = 0;       ///< made
  std::uint64_t lost = 0;          ///< updates that came faster than they could be made
  std::uint64_t truncated = 0;     ///< topics of updates with more than max_rows
  std::uint64_t messages = 0;      ///< handed to clients
  std::uint64_t coalesced = 0;     ///< notices in place of what a client has missed
  std::uint64_t kept_updates = 0;  ///< now; so are the next two
  std::uint64_t kept_octets = 0;
  std::uint64_t sending_octets = 0;
};

/// Where a client stands: the number of the update that it gets next.
struct LivePosition {
  std::uint64_t next = 0;
};

/// One message, shared by all who are sent the same.
struct LiveMessage {
  std::shared_ptr<const std::string> text;  ///< null: nothing is new. shared_ptr: for that sharing
  std::uint64_t revision = 0;
};

struct LiveUpdate;

/// Keeps the last updates as text. A client is no queue but a position among them: one that falls behind
/// what is kept gets a single notice that it must read the map anew.
///
/// A thread of its own makes rows into text. Thread-safe but for start() and stop().
class LiveUpdates {
 public:
  /// \param geo  null: nothing is told of where external assets are. References outlive this.
  LiveUpdates(LiveOptions options, const SiteTable& sites, const Geo* geo, FatalHandler fatal);
  ~LiveUpdates();

  void start();
  void stop();
  /// \param listener  called by the thread when there is something new; must not wait. Empty: nobody is,
  /// any more, once this has returned.
  void on_news(std::function<void()> listener) {
    const std::lock_guard lock(listener_mutex_);
    listener_ = std::move(listener);
  }

  /// Copies what is needed; never waits for clients.
  void publish(const Revision& revision);
  void publish(const AlertChanges& changes);
  /// The same for a revision that does not follow on the one before: clients are told to read the map anew.
  void publish_after_gap(const Revision& revision);

  /// After all that is kept.
  [[nodiscard]] LivePosition end() const;
  /// After what the client has: at a notice if that is not known.
  [[nodiscard]] LivePosition after(std::uint64_t revision, const std::string& instance) const;
  /// What the client gets next; moves `at` on.
  [[nodiscard]] LiveMessage next(LivePosition& at, const LiveSubscription& wanted);
  /// The first message of a connection.
  [[nodiscard]] LiveMessage hello(std::uint64_t ping_seconds) const;

  [[nodiscard]] std::uint64_t revision() const;
  [[nodiscard]] const std::string& instance() const noexcept { return options_.instance; }
  [[nodiscard]] LiveCounters counters() const;

 private:
  /// Updates that were let go before anybody was told.
  struct Gap {
    std::uint64_t revision = 0;  ///< the last of them; 0: none was a revision
    std::uint64_t epoch = 0;
  };

  void run();
  void let_go_first();
  void begin_after(const Gap& gap);
  void submit(std::unique_ptr<LiveUpdate> update, bool is_after_gap = false);
  void keep(std::shared_ptr<LiveUpdate> update);
  void forget_first();
  [[nodiscard]] LiveMessage notice() const;
  [[nodiscard]] std::shared_ptr<const std::string> share(std::string text) const;
  [[nodiscard]] std::shared_ptr<const std::string> text_of_update(LiveUpdate& update,
                                                                  const LiveSubscription& wanted);

  const LiveOptions options_;
  const SiteTable& sites_;
  const Geo* geo_;
  const FatalHandler fatal_;
  std::mutex listener_mutex_;
  std::function<void()> listener_;
  /// shared_ptr: messages count themselves out after this object may have gone.
  const std::shared_ptr<std::atomic<std::uint64_t>> sending_octets_;

  mutable std::mutex mutex_;  ///< of all down to the empty line
  std::deque<std::shared_ptr<LiveUpdate>> kept_;
  std::uint64_t first_ = 1;  ///< the number of kept_'s first
  std::uint64_t revision_;
  std::uint64_t
      floor_;  ///< who has less than this revision has missed something that is kept no more
  std::uint64_t epoch_;
  LiveCounters counters_;

  mutable std::mutex waiting_mutex_;  ///< of the rest
  std::condition_variable changed_;
  std::deque<std::unique_ptr<LiveUpdate>> waiting_;
  std::uint64_t lost_ = 0;
  std::optional<Gap> gap_;  ///< before what waits
  bool is_running_ = false;
  std::thread thread_;
};

}  // namespace flowlensd::http
