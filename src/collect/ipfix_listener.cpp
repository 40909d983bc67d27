#include "flowlens/ipfix_listener.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/post.hpp>
#include <asio/ssl/error.hpp>
#include <asio/ssl/stream.hpp>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <utility>

#include "collect/message_frames.hpp"
#include "collect/tls_server.hpp"
#include "flowlens/error.hpp"

namespace flowlens {
namespace {

namespace ip = asio::ip;
using asio::error_code;
using collect::MessageFrames;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Reason = std::uint64_t IpfixListenerCounters::*;
using TlsStream = asio::ssl::stream<ip::tcp::socket&>;

constexpr milliseconds kSweepEvery{250};
constexpr std::size_t kMostAtOnce = 64;  // events of sockets in one receive()
constexpr std::size_t kLongestSubject = 256;

Timestamp wall_clock() noexcept {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

IpAddress from_asio(const ip::address& address) {
  if (address.is_v4()) return IpAddress::v4(address.to_v4().to_uint());
  return IpAddress::v6(address.to_v6().to_bytes());  // a v4-mapped one is that IPv4 address already
}

ip::address to_asio(const IpAddress& address) {
  if (address.is_v4()) return ip::address_v4(address.to_v4());
  ip::address_v6::bytes_type octets;
  std::copy(address.octets().begin(), address.octets().end(), octets.begin());
  return ip::address_v6(octets);
}

std::string name_of(const TransportSession& session) {
  return session.exporter.to_string() + " port " + std::to_string(session.exporter_port);
}

/// Without control characters, as the subject is the exporter's to choose.
std::string subject_of(const SSL* ssl) {
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return {};
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
  if (!out) return {};
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  if (length <= 0) return {};
  return std::string(text, std::min(static_cast<std::size_t>(length), kLongestSubject));
}

std::string why_no_handshake(const SSL* ssl, const error_code& error) {
  std::string why = "TLS handshake: " + error.message();
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) why += std::string(": ") + X509_verify_cert_error_string(verified);
  return why;
}

void check(const IpfixListenerOptions& o) {
  if (!o.tcp_port && !o.tls_port) throw ConfigError("IPFIX listener: no port; give at least one");
  if (o.max_connections == 0 || o.max_connections_per_address == 0) {
    throw ConfigError("IPFIX listener: the limits of connections must be 1 or more");
  }
  if (o.handshake_timeout <= milliseconds{0} || o.message_timeout <= milliseconds{0} ||
      o.idle_timeout < milliseconds{0}) {
    throw ConfigError("IPFIX listener: a time-out is not positive");
  }
}

/// One connection. Its counters and certificate are read by other threads, under the mutex of Impl.
struct Connection {
  Connection(ip::tcp::socket s, std::shared_ptr<asio::ssl::context> context)
      : socket(std::move(s)), tls_context(std::move(context)) {
    if (tls_context) tls = std::make_unique<TlsStream>(socket, *tls_context);
  }
  ip::tcp::socket socket;
  std::shared_ptr<asio::ssl::context> tls_context;  ///< the one it began with
  std::unique_ptr<TlsStream> tls;                   ///< null: plain TCP
  MessageFrames frames;
  IpfixConnection view;
  std::uint64_t number = 0;
  bool is_handshaking = false;
  bool is_within_message = false;
  Clock::duration waiting_since{};  ///< by Impl::working_time()
};

struct Door {
  Door(asio::io_context& io, bool tls) : acceptor(io), is_tls(tls) {}
  ip::tcp::acceptor acceptor;
  bool is_tls;
  bool is_waiting = false;
  std::uint16_t port = 0;
};

}  // namespace

struct IpfixListener::Impl {
  const IpfixListenerOptions options;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> always_works{io.get_executor()};
  std::vector<std::unique_ptr<Door>> doors;
  std::atomic<bool> is_stopping{false};

  mutable std::mutex mutex;  ///< for what other threads ask
  std::shared_ptr<asio::ssl::context> tls_context;
  IpfixListenerCounters counters;
  IpfixListenerProblem problem;
  std::map<std::uint64_t, std::shared_ptr<Connection>> connections;
  std::map<IpAddress, std::size_t> by_address;

  // Of receive().
  std::uint64_t next_number = 0;
  Clock::time_point left_at = Clock::now();
  Clock::duration paused{};
  Clock::duration next_sweep{};
  std::size_t given = 0;
  const std::function<void(const ReceivedDatagram&)>* take = nullptr;
  const std::function<void(const TransportSession&)>* ended = nullptr;

  explicit Impl(const IpfixListenerOptions& o);

  /// Stands still while nobody listens: an exporter is not to blame for that.
  [[nodiscard]] Clock::duration working_time() const {
    return Clock::now().time_since_epoch() - paused;
  }

  void open_door(std::uint16_t port, bool is_tls);
  void accept(Door& door);
  void admit(Door& door, ip::tcp::socket socket);
  void begin(const std::shared_ptr<Connection>& c);
  void read(const std::shared_ptr<Connection>& c);
  void on_read(const std::shared_ptr<Connection>& c, const error_code& error, std::size_t octets);
  void give_messages(Connection& c);
  void end_by_peer(Connection& c, const error_code& error);
  void end(Connection& c, Reason reason, const std::string& why);
  void note(const std::string& text);
  void turn_away(const TransportSession& session, Reason reason, const char* why);
  void sweep();
  void look_at(Connection& c, Clock::duration now);
  std::size_t receive(milliseconds timeout);
};

IpfixListener::Impl::Impl(const IpfixListenerOptions& o) : options(o) {
  check(options);
  if (options.tls_port) tls_context = collect::make_tls_server(options.tls);
  if (options.tcp_port) open_door(*options.tcp_port, false);
  if (options.tls_port) open_door(*options.tls_port, true);
}

void IpfixListener::Impl::open_door(std::uint16_t port, bool is_tls) {
  auto door = std::make_unique<Door>(io, is_tls);
  ip::address address = to_asio(options.bind_address);
  error_code error;
  door->acceptor.open(address.is_v4() ? ip::tcp::v4() : ip::tcp::v6(), error);
  if (error && options.bind_address == IpAddress{}) {
    address = ip::address_v4::any();  // no IPv6 here
    door->acceptor.open(ip::tcp::v4(), error);
  }
  if (!error && address.is_v6()) door->acceptor.set_option(ip::v6_only(false), error);
  if (!error) door->acceptor.set_option(ip::tcp::acceptor::reuse_address(true), error);
  if (!error) door->acceptor.bind({address, port}, error);
  if (!error) door->acceptor.listen(ip::tcp::acceptor::max_listen_connections, error);
  if (error) {
    throw IoError("cannot listen for IPFIX on " + options.bind_address.to_string() + " TCP port " +
                  std::to_string(port) + ": " + error.message());
  }
  door->port = door->acceptor.local_endpoint().port();
  accept(*doors.emplace_back(std::move(door)));
}

void IpfixListener::Impl::accept(Door& door) {
  door.is_waiting = true;
  door.acceptor.async_accept([this, &door](const error_code& error, ip::tcp::socket socket) {
    door.is_waiting = false;
    if (is_stopping) return;
    if (error) {
      // No descriptors left, most likely: tried again by the next sweep.
      const std::lock_guard lock(mutex);
      ++counters.accept_failures;
      note("cannot accept a connection: " + error.message());
      return;
    }
    admit(door, std::move(socket));
    accept(door);
  });
}

/// Whoever calls holds the mutex.
void IpfixListener::Impl::note(const std::string& text) { problem = {wall_clock(), text}; }

/// Whoever calls holds the mutex.
void IpfixListener::Impl::turn_away(const TransportSession& session, Reason reason,
                                    const char* why) {
  ++(counters.*reason);
  note(name_of(session) + ": " + why);
}

void IpfixListener::Impl::admit(Door& door, ip::tcp::socket socket) {
  error_code error;
  const ip::tcp::endpoint peer = socket.remote_endpoint(error);
  TransportSession session;
  session.exporter = from_asio(peer.address());
  session.exporter_port = peer.port();
  session.collector_port = door.port;
  session.transport = door.is_tls ? Transport::tls : Transport::tcp;
  const bool is_allowed = !options.allows || options.allows(session.exporter);

  std::shared_ptr<Connection> c;
  {
    const std::lock_guard lock(mutex);
    ++counters.accepted;
    if (error) {
      ++counters.failed;  // gone again already
      return;
    }
    if (!is_allowed) return turn_away(session, &IpfixListenerCounters::not_allowed, "not allowed");
    const auto same = by_address.find(session.exporter);
    if (connections.size() >= options.max_connections ||
        (same != by_address.end() && same->second >= options.max_connections_per_address)) {
      return turn_away(session, &IpfixListenerCounters::too_many,
                       "one connection more than the limit allows");
    }
    c = std::make_shared<Connection>(std::move(socket), door.is_tls ? tls_context : nullptr);
    c->view.session = session;
    c->view.since = c->view.last_message = wall_clock();
    c->number = next_number++;
    ++by_address[session.exporter];
    connections.emplace(c->number, c);
  }
  c->socket.set_option(ip::tcp::socket::keep_alive(true), error);
  begin(c);
}

void IpfixListener::Impl::begin(const std::shared_ptr<Connection>& c) {
  c->waiting_since = working_time();
  if (!c->tls) return read(c);
  c->is_handshaking = true;
  c->tls->async_handshake(TlsStream::server, [this, c](const error_code& error) {
    if (!c->socket.is_open()) return;
    if (error) {
      return end(*c, &IpfixListenerCounters::handshake_failed,
                 why_no_handshake(c->tls->native_handle(), error));
    }
    c->is_handshaking = false;
    c->waiting_since = working_time();
    {
      const std::lock_guard lock(mutex);
      c->view.certificate = subject_of(c->tls->native_handle());
    }
    read(c);
  });
}

void IpfixListener::Impl::read(const std::shared_ptr<Connection>& c) {
  const std::span<std::byte> room = c->frames.room();
  const asio::mutable_buffer buffer(room.data(), room.size());
  const auto done = [this, c](const error_code& error, std::size_t octets) {
    on_read(c, error, octets);
  };
  if (c->tls) {
    c->tls->async_read_some(buffer, done);
  } else {
    c->socket.async_read_some(buffer, done);
  }
}

void IpfixListener::Impl::on_read(const std::shared_ptr<Connection>& c, const error_code& error,
                                  std::size_t octets) {
  if (!c->socket.is_open()) return;
  c->frames.filled(octets);
  try {
    give_messages(*c);
  } catch (...) {
    end(*c, &IpfixListenerCounters::failed, "its messages could not be taken");
    throw;
  }
  if (!c->socket.is_open()) return;
  if (error) return end_by_peer(*c, error);
  read(c);
}

void IpfixListener::Impl::give_messages(Connection& c) {
  using Found = MessageFrames::Found;
  const auto begun = Clock::now();
  ReceivedDatagram message;
  message.session = c.view.session;
  message.received = wall_clock();
  std::size_t messages = 0;
  std::size_t octets = 0;
  Found found = c.frames.next(message.octets);
  for (; found == Found::message; found = c.frames.next(message.octets)) {
    ++messages;
    octets += message.octets.size();
    (*take)(message);
  }
  paused += Clock::now() - begun;
  given += messages;
  const bool is_within = c.frames.pending() > 0;
  if (messages > 0 || is_within != c.is_within_message) c.waiting_since = working_time();
  c.is_within_message = is_within;
  if (messages > 0) {
    const std::lock_guard lock(mutex);
    counters.messages += messages;
    counters.octets += octets;
    c.view.messages += messages;
    c.view.octets += octets;
    c.view.last_message = message.received;
  }
  if (found == Found::bad_version) {
    end(c, &IpfixListenerCounters::bad_version,
        "what stands where a message should begin is not IPFIX; the connection was closed");
  } else if (found == Found::bad_length) {
    end(c, &IpfixListenerCounters::bad_length,
        "a message says that it is shorter than its header; the connection was closed");
  }
}

void IpfixListener::Impl::end_by_peer(Connection& c, const error_code& error) {
  const bool is_end = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
  if (c.frames.pending() > 0) {
    end(c, &IpfixListenerCounters::cut,
        "the connection ended within a message: " + error.message());
  } else if (is_end) {
    end(c, &IpfixListenerCounters::ended, {});
  } else {
    end(c, &IpfixListenerCounters::failed, error.message());
  }
}

/// \param why  empty: nothing is wrong.
void IpfixListener::Impl::end(Connection& c, Reason reason, const std::string& why) {
  const TransportSession session = c.view.session;
  error_code ignored;
  c.socket.close(ignored);
  std::shared_ptr<Connection> last;  // lives as long as this call
  {
    const std::lock_guard lock(mutex);
    ++(counters.*reason);
    counters.discarded_octets += c.frames.pending();
    if (!why.empty()) note(name_of(session) + ": " + why);
    const auto same = by_address.find(session.exporter);
    if (--same->second == 0) by_address.erase(same);
    const auto found = connections.find(c.number);
    last = std::move(found->second);
    connections.erase(found);
  }
  (*ended)(session);
}

void IpfixListener::Impl::sweep() {
  const Clock::duration now = working_time();
  if (now < next_sweep) return;
  next_sweep = now + kSweepEvery;
  if (is_stopping) return;
  for (const auto& door : doors) {
    if (!door->is_waiting) accept(*door);
  }
  std::vector<std::shared_ptr<Connection>> all;  // end() changes the map
  all.reserve(connections.size());
  for (const auto& [number, c] : connections) all.push_back(c);
  for (const auto& c : all) look_at(*c, now);
}

void IpfixListener::Impl::look_at(Connection& c, Clock::duration now) {
  const Clock::duration waited = now - c.waiting_since;
  if (options.allows && !options.allows(c.view.session.exporter)) {
    end(c, &IpfixListenerCounters::not_allowed, "not allowed any more");
  } else if (c.is_handshaking && waited >= options.handshake_timeout) {
    end(c, &IpfixListenerCounters::handshake_timed_out, "the TLS handshake took too long");
  } else if (c.is_handshaking) {
    return;
  } else if (c.is_within_message && waited >= options.message_timeout) {
    end(c, &IpfixListenerCounters::stalled, "a message did not come to its end in time");
  } else if (!c.is_within_message && options.idle_timeout > milliseconds{0} &&
             waited >= options.idle_timeout) {
    end(c, &IpfixListenerCounters::idle, "no message came for too long");
  }
}

std::size_t IpfixListener::Impl::receive(milliseconds timeout) {
  const auto begun = Clock::now();
  paused += begun - left_at;
  given = 0;
  while (given == 0) {
    sweep();
    const auto left = timeout - std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
    const bool waits = !is_stopping && left > milliseconds{0};
    const std::size_t done = waits ? io.run_one_for(std::min(left, kSweepEvery)) : io.poll_one();
    if (!waits && done == 0) break;
  }
  for (std::size_t i = 0; i < kMostAtOnce && io.poll_one() > 0; ++i) {
  }
  left_at = Clock::now();
  return given;
}

IpfixListener::IpfixListener(const IpfixListenerOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
IpfixListener::~IpfixListener() = default;

std::size_t IpfixListener::receive(std::chrono::milliseconds timeout,
                                   const std::function<void(const ReceivedDatagram&)>& take,
                                   const std::function<void(const TransportSession&)>& ended) {
  impl_->take = &take;
  impl_->ended = &ended;
  return impl_->receive(timeout);
}

void IpfixListener::stop() noexcept {
  impl_->is_stopping = true;
  try {
    asio::post(impl_->io, [] {});
  } catch (const std::exception&) {
    return;  // no memory to wake it; it wakes by itself within kSweepEvery
  }
}

void IpfixListener::reload_certificates() {
  if (!impl_->options.tls_port) return;
  auto fresh = collect::make_tls_server(impl_->options.tls);
  const std::lock_guard lock(impl_->mutex);
  impl_->tls_context = std::move(fresh);
}

IpfixListenerCounters IpfixListener::counters() const {
  const std::lock_guard lock(impl_->mutex);
  IpfixListenerCounters counters = impl_->counters;
  counters.open = impl_->connections.size();
  return counters;
}

IpfixListenerProblem IpfixListener::last_problem() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->problem;
}

std::vector<IpfixConnection> IpfixListener::connections(std::size_t most) const {
  std::vector<IpfixConnection> all;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [number, c] : impl_->connections) all.push_back(c->view);
  }
  std::sort(all.begin(), all.end(), [](const IpfixConnection& a, const IpfixConnection& b) {
    return a.session < b.session;
  });
  if (all.size() > most) all.resize(most);
  return all;
}

std::uint16_t IpfixListener::tcp_port() const noexcept {
  return impl_->options.tcp_port ? impl_->doors.front()->port : 0;
}
std::uint16_t IpfixListener::tls_port() const noexcept {
  return impl_->options.tls_port ? impl_->doors.back()->port : 0;
}

}  // namespace flowlens
