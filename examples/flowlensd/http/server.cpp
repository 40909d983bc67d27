#include "http/server.hpp"

#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "flowlens/error.hpp"
#include "http/connection_base.hpp"
#include "http/tls_context.hpp"
#include "log.hpp"

namespace flowlensd::http {
namespace {

tcp::endpoint endpoint_of(const flowlens::IpAddress& address, std::uint16_t port) {
  return {asio::ip::make_address(address.to_string()), port};
}

/// Raises the limit on open files as far as the connections may need it.
void allow_files(std::size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted) return;
  log::warning("api", "fewer files may be open than there may be connections",
               {{"limit", static_cast<std::uint64_t>(limit.rlim_cur)},
                {"wanted", wanted},
                {"remedy", "ulimit -n, or LimitNOFILE= of systemd"}});
}

constexpr std::size_t kOtherFiles = 256;  // stores, captures, receivers

}  // namespace

struct Server::Impl {
  ServerShared shared;  // outlives the connections that io still holds at the end
  std::optional<TlsContext> tls;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer accept_pause{io};
  asio::steady_timer next_look{io};
  std::atomic<bool> is_waking{false};
  std::thread thread;
  std::atomic<std::chrono::steady_clock::time_point> last_sign{std::chrono::steady_clock::now()};
  std::atomic<bool> is_asked{false};

  Impl(const ServerOptions& options, Handle handle, Observe observe)
      : shared(options, std::move(handle), std::move(observe)) {
    allow_files(2 * options.max_connections + options.max_live + kOtherFiles);
    if (!options.tls.certificate.empty()) tls.emplace(options.tls);
    const tcp::endpoint at = endpoint_of(options.address, options.port);
    beast::error_code error;
    acceptor.open(at.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(at, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      throw flowlens::IoError("the API cannot listen on " + options.address.to_string() + " port " +
                              std::to_string(options.port) + ": " + error.message() +
                              "; another --api-port or API_PORT would help");
    }
    if (options.live != nullptr) options.live->on_news([this] { wake_soon(); });
  }

  void accept() {
    acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return accept_later(error);
      serve(std::move(socket));
      accept();
    });
  }

  /// Out of descriptors, most likely: give some connections time to end.
  void accept_later(beast::error_code error) {
    log::warning("api", "a connection could not be accepted", {{"reason", error.message()}});
    accept_pause.expires_after(std::chrono::seconds{1});
    accept_pause.async_wait([this](beast::error_code e) {
      if (!e) accept();
    });
  }

  void serve(tcp::socket socket) {
    beast::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    const std::size_t most = shared.options.max_connections;
    const bool is_full = shared.account.connections >= most && !shared.make_room();
    if (is_full) ++shared.account.refused;
    // Past twice the bound even saying so costs too much.
    if (shared.account.connections >= 2 * most) return;
    http::serve(AnyStream(std::move(socket), tls ? tls->current() : nullptr), shared, is_full);
  }

  /// From any thread. Wakes that come before one is done are one.
  void wake_soon() {
    if (is_waking.exchange(true)) return;
    asio::post(io, [this] {
      is_waking = false;
      for (const auto& session : shared.all_sessions()) session->wake();
    });
  }

  void look_often() {
    next_look.expires_after(std::min<std::chrono::milliseconds>(std::chrono::seconds{1},
                                                                shared.options.ping_interval / 2));
    next_look.async_wait([this](beast::error_code e) {
      if (e) return;
      const auto now = SteadyClock::now();
      for (const auto& session : shared.all_sessions()) session->look(now);
      look_often();
    });
  }
};

Server::Server(const ServerOptions& options, Handle handle, Observe observe)
    : impl_(std::make_unique<Impl>(options, std::move(handle), std::move(observe))) {}

Server::~Server() { stop(); }

void Server::start() {
  impl_->accept();
  impl_->look_often();
  impl_->thread = std::thread([this] {
    pthread_setname_np(pthread_self(), "api-sockets");
    impl_->io.run();
  });
}

void Server::stop() {
  if (impl_->shared.options.live != nullptr) impl_->shared.options.live->on_news({});
  impl_->io.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->shared.pool.join();
}

std::string Server::reload_certificates() {
  return impl_->tls ? impl_->tls->reload() : std::string{};
}

std::uint16_t Server::port() const noexcept {
  beast::error_code ignored;
  return impl_->acceptor.local_endpoint(ignored).port();
}

void Server::ask_sign() {
  if (impl_->is_asked.exchange(true)) return;
  asio::post(impl_->io, [this] {
    impl_->last_sign = std::chrono::steady_clock::now();
    impl_->is_asked = false;
  });
}

std::chrono::steady_clock::duration Server::silent_for() const noexcept {
  return std::chrono::steady_clock::now() - impl_->last_sign.load();
}

ServerCounters Server::counters() const noexcept {
  const ServerAccount& a = impl_->shared.account;
  return {a.connections,  a.refused,       a.made_room,     a.handshakes_failed,
          a.late_answers, a.websockets,    a.event_streams, a.live_refused,
          a.live_stalled, a.live_expelled, a.live_expired};
}

}  // namespace flowlensd::http
