/// \file
/// http: what WebSockets and server-sent events have in common: a client of live updates on some stream.
#pragma once

#include <boost/asio/post.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <utility>

#include "http/connection_base.hpp"
#include "http/live_subscription.hpp"

namespace flowlensd::http {

/// Counts itself among the sessions, and asks from time to time whether the client may still listen.
class LiveClient : public LiveSession, public std::enable_shared_from_this<LiveClient> {
 public:
  LiveClient(ServerShared& shared, Request asked, const LiveRequest& begin)
      : shared_(shared),
        asked_(std::move(asked)),
        is_stream_(begin.is_stream),
        subscription_(begin.subscription),
        position_(begin.after ? live().after(*begin.after, begin.instance) : live().end()) {
    ++count();
    shared_.sessions.insert(this);
    asked_.is_asked_again = true;
  }
  ~LiveClient() override {
    --count();
    shared_.sessions.erase(this);
  }
  LiveClient(const LiveClient&) = delete;
  LiveClient& operator=(const LiveClient&) = delete;

  std::shared_ptr<LiveSession> self() final { return shared_from_this(); }

  void look(SteadyClock::time_point now) override {
    if (write_begun_ && now - *write_begun_ > shared_.options.stall_time) {
      ++shared_.account.live_stalled;
      return cut();
    }
    if (now - asked_at_ >= shared_.options.ping_interval) ask_again(now);
  }

 protected:
  /// Ends the connection at once.
  virtual void cut() = 0;
  /// Ends it politely: the log-in has ended, or been taken back.
  virtual void expire() = 0;

  [[nodiscard]] LiveUpdates& live() const { return *shared_.options.live; }
  [[nodiscard]] LiveMessage next_message() {
    if (subscription_.empty()) return {};
    return live().next(position_, subscription_);
  }
  void begin_writing() { write_begun_ = SteadyClock::now(); }
  void end_writing() { write_begun_.reset(); }

  ServerShared& shared_;
  Request asked_;
  const bool is_stream_;
  LiveSubscription subscription_;
  LivePosition position_;

 private:
  std::atomic<std::uint64_t>& count() {
    return is_stream_ ? shared_.account.event_streams : shared_.account.websockets;
  }

  /// The same request again: an answer 401 or 403 ends what the first one began.
  void ask_again(SteadyClock::time_point now) {
    asked_at_ = now;
    asio::post(shared_.pool, [self = shared_from_this(), executor = executor()]() mutable {
      const unsigned status = self->shared_.handle(self->asked_).status;
      // The client goes along: it must not end on a thread of the pool.
      asio::post(executor, [self = std::move(self), status] {
        if (status != 401 && status != 403) return;
        ++self->shared_.account.live_expired;
        self->expire();
      });
    });
  }
  [[nodiscard]] virtual asio::any_io_executor executor() = 0;

  std::optional<SteadyClock::time_point> write_begun_;
  SteadyClock::time_point asked_at_ = SteadyClock::now();
};

/// The stream becomes a WebSocket that live updates are written to (RFC 6455).
/// \param handshake  is not used any more once this has returned.
void open_websocket(AnyStream stream, ServerShared& shared,
                    const beast::http::request<beast::http::string_body>& handshake, Request asked,
                    const LiveRequest& begin);
/// The stream goes on as server-sent events. \param answer  whose headers are sent.
void open_event_stream(AnyStream stream, ServerShared& shared, const Response& answer,
                       Request asked);

}  // namespace flowlensd::http
