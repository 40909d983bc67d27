/// \file
/// http: what all connections of a server share. Only files of the server include it.
#pragma once

#include <algorithm>
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "http/any_stream.hpp"
#include "http/live.hpp"
#include "http/server.hpp"

namespace flowlensd::http {

using SteadyClock = std::chrono::steady_clock;

/// A connection that waits for the end of a request.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual void make_room() = 0;
  [[nodiscard]] SteadyClock::time_point since() const noexcept { return since_; }

 protected:
  SteadyClock::time_point since_ = SteadyClock::now();
};

/// A connection that has become one of live updates.
class LiveSession {
 public:
  virtual ~LiveSession() = default;
  virtual std::shared_ptr<LiveSession> self() = 0;
  /// There is something new.
  virtual void wake() = 0;
  /// From time to time.
  virtual void look(SteadyClock::time_point now) = 0;
};

struct ServerAccount {
  std::atomic<std::uint64_t> connections{0}, refused{0}, made_room{0}, handshakes_failed{0},
      late_answers{0}, websockets{0}, event_streams{0}, live_refused{0}, live_stalled{0},
      live_expelled{0}, live_expired{0};
};

/// Used by the one thread of the sockets, but for `account`, `handle`, `observe` and `pool`.
struct ServerShared {
  ServerOptions options;
  Server::Handle handle;
  Server::Observe observe;
  asio::thread_pool pool;
  ServerAccount account;
  std::list<Reader*> readers;  ///< who has waited longest first
  std::unordered_set<LiveSession*> sessions;
  std::size_t large_bodies = 0;  ///< that are read, or answered

  ServerShared(ServerOptions o, Server::Handle h, Server::Observe w)
      : options(std::move(o)),
        handle(std::move(h)),
        observe(std::move(w)),
        pool(options.handler_threads) {}

  /// Those that there are now; each may end meanwhile.
  [[nodiscard]] std::vector<std::shared_ptr<LiveSession>> all_sessions() const {
    std::vector<std::shared_ptr<LiveSession>> all;
    all.reserve(sessions.size());
    for (LiveSession* s : sessions) all.push_back(s->self());
    return all;
  }
  [[nodiscard]] bool has_live_room() const noexcept {
    return options.live != nullptr && account.websockets + account.event_streams < options.max_live;
  }
  /// Closes the connection that has waited longest for its request, if that is long.
  bool make_room() {
    if (readers.empty()) return false;
    Reader* first = readers.front();
    if (SteadyClock::now() - first->since() < options.least_patience) return false;
    ++account.made_room;
    first->make_room();
    return true;
  }
};

/// Reads a request, answers it, again, until either side ends it or it becomes one of live updates.
/// \param is_full  one answer, then the end.
void serve(AnyStream stream, ServerShared& shared, bool is_full);

}  // namespace flowlensd::http
