#include "http/server.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "flowlens/error.hpp"
#include "flowlens/version.hpp"
#include "log.hpp"

namespace flowlensd::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using tcp = asio::ip::tcp;

using BeastResponse = bhttp::response<bhttp::string_body>;
using Parser = bhttp::request_parser<bhttp::string_body>;

tcp::endpoint endpoint_of(const flowlens::IpAddress& address, std::uint16_t port) {
  return {asio::ip::make_address(address.to_string()), port};
}

flowlens::IpAddress peer_of(const tcp::socket& socket) {
  beast::error_code ignored;
  const auto address = socket.remote_endpoint(ignored).address();
  return flowlens::IpAddress::parse(address.to_string()).value_or(flowlens::IpAddress{});
}

char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The host of a Host header without its port, brackets kept.
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

/// On loopback without a log-in, a name that an outside page made point here (DNS rebinding) is the
/// one way in from a browser. Literal addresses cannot be rebound.
bool is_trusted_host(std::string_view host) {
  std::string_view name = host_name(host);
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  return flowlens::IpAddress::parse(name).has_value();
}

struct Shared {
  ServerOptions options;
  Server::Handle handle;
  Server::Observe observe;
  asio::thread_pool pool;
  std::atomic<std::uint64_t> connections{0};
  std::atomic<std::uint64_t> refused{0};

  Shared(const ServerOptions& o, Server::Handle h, Server::Observe w)
      : options(o), handle(std::move(h)), observe(std::move(w)), pool(o.handler_threads) {}
};

/// One connection: read a request, answer it from the pool, again. Requests sent ahead wait in the
/// buffer, so answers keep their order.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Shared& shared)
      : peer_(peer_of(socket)),
        stream_(std::move(socket)),
        buffer_(shared.options.max_header_octets * 2),
        shared_(shared) {
    ++shared_.connections;
  }
  ~Connection() { --shared_.connections; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void read() {
    parser_.emplace();
    parser_->header_limit(shared_.options.max_header_octets);
    parser_->body_limit(shared_.options.max_body_octets);
    stream_.expires_after(shared_.options.read_time);
    bhttp::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code e, std::size_t) { self->on_header(e); });
  }

  /// One answer, then the end: the server is full.
  void refuse() {
    is_last_ = true;
    is_head_ = false;
    method_ = "-";
    respond(problem(503, "Too many connections", "try again in a moment"));
  }

 private:
  void on_header(beast::error_code error) {
    begun_ = std::chrono::steady_clock::now();
    if (error) return on_bad_request(error);
    const auto& head = parser_->get();
    method_ = std::string(head.method_string());
    is_head_ = head.method() == bhttp::verb::head;
    if (const auto refusal = objection(head)) {
      is_last_ = true;
      return respond(*refusal);
    }
    if (beast::iequals(head[bhttp::field::expect], "100-continue")) {
      is_last_ = true;
      return respond(problem(417, "Expectation failed", "send the body at once"));
    }
    bhttp::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code e, std::size_t) { self->on_request(e); });
  }

  std::optional<Response> objection(const bhttp::request_header<>& head) const {
    if (head.version() != 11 && head.version() != 10) {
      return problem(505, "HTTP version not supported", "use HTTP/1.1");
    }
    if (head.version() == 11 && head.count(bhttp::field::host) != 1) {
      return problem(400, "Bad request", "an HTTP/1.1 request has exactly one Host header");
    }
    const std::string host(head[bhttp::field::host]);
    if (shared_.options.address.is_loopback() && !host.empty() && !is_trusted_host(host)) {
      return problem(421, "Misdirected request",
                     "this server listens on loopback and answers for an address or localhost; "
                     "`" +
                         host + "` is neither");
    }
    return std::nullopt;
  }

  void on_bad_request(beast::error_code error) {
    is_last_ = true;
    if (error == bhttp::error::header_limit || error == bhttp::error::buffer_overflow) {
      return respond(problem(
          431, "Request header too large",
          "the header may have " + std::to_string(shared_.options.max_header_octets) + " octets"));
    }
    if (error == bhttp::error::body_limit) {
      return respond(problem(
          413, "Content too large",
          "a body may have " + std::to_string(shared_.options.max_body_octets) + " octets"));
    }
    const bool is_syntax = error.category() == make_error_code(bhttp::error::bad_method).category();
    const bool is_end =
        error == bhttp::error::end_of_stream || error == bhttp::error::partial_message;
    if (is_syntax && !is_end) {
      return respond(
          problem(400, "Bad request", "the request is not HTTP/1.1: " + error.message()));
    }
    close();
  }

  void on_request(beast::error_code error) {
    if (error) return on_bad_request(error);
    auto& message = parser_->get();
    is_last_ = is_last_ || !message.keep_alive();
    Request request;
    request.method = is_head_ ? "GET" : method_;
    request.target = std::string(message.target());
    for (const auto& field : message) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(), lower_case);
      request.headers.emplace(std::move(name), field.value());
    }
    request.body = std::move(message.body());
    request.peer = peer_;
    stream_.expires_never();
    asio::post(shared_.pool, [self = shared_from_this(), request = std::move(request)]() mutable {
      Response response = self->shared_.handle(std::move(request));
      asio::post(self->stream_.get_executor(), [self, response = std::move(response)]() mutable {
        self->respond(std::move(response));
      });
    });
  }

  void respond(Response response) {
    BeastResponse& out = out_.emplace();
    out.result(response.status);
    out.version(11);
    out.set(bhttp::field::server, "flowlensd/" + std::string(flowlens::kVersion));
    out.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers) out.set(name, value);
    out.keep_alive(!is_last_);
    if (response.status != 304) out.set(bhttp::field::content_type, response.content_type);
    out.body() = std::move(response.body);
    out.prepare_payload();
    if (is_head_) out.body().clear();  // the length of what GET would give stays
    response_ = std::move(response);
    stream_.expires_after(shared_.options.write_time);
    serializer_.emplace(out);
    const auto done = [self = shared_from_this()](beast::error_code e, std::size_t) {
      self->on_written(e);
    };
    if (is_head_) {
      bhttp::async_write_header(stream_, *serializer_, done);
    } else {
      bhttp::async_write(stream_, *serializer_, done);
    }
  }

  void on_written(beast::error_code error) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun_;
    if (shared_.observe) shared_.observe(method_, response_, took.count());
    if (error) return;
    if (is_last_) return linger();
    read();
  }

  /// Closing while octets are unread would reset the connection and lose our answer on its way.
  void linger() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(std::chrono::seconds{2});
    buffer_.clear();
    drain(1u << 20);
  }

  void drain(std::size_t left) {
    stream_.async_read_some(asio::buffer(discarded_),
                            [self = shared_from_this(), left](beast::error_code e, std::size_t n) {
                              if (!e && n < left) self->drain(left - n);
                            });
  }

  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

  const flowlens::IpAddress peer_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  Shared& shared_;
  std::optional<Parser> parser_;
  std::optional<BeastResponse> out_;
  std::optional<bhttp::response_serializer<bhttp::string_body>> serializer_;
  Response response_;
  std::string method_;
  std::array<char, 1024> discarded_{};
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  bool is_head_ = false;
  bool is_last_ = false;
};

}  // namespace

struct Server::Impl {
  Shared shared;  // outlives the connections that io still holds at the end
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer accept_pause{io};
  std::thread thread;

  Impl(const ServerOptions& options, Handle handle, Observe observe)
      : shared(options, std::move(handle), std::move(observe)) {
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
    const bool is_full = shared.connections >= shared.options.max_connections;
    // Past twice the bound even saying so costs too much.
    if (shared.connections >= 2 * shared.options.max_connections) {
      ++shared.refused;
      return;
    }
    const auto connection = std::make_shared<Connection>(std::move(socket), shared);
    if (!is_full) return connection->read();
    ++shared.refused;
    connection->refuse();
  }
};

Server::Server(const ServerOptions& options, Handle handle, Observe observe)
    : impl_(std::make_unique<Impl>(options, std::move(handle), std::move(observe))) {}

Server::~Server() { stop(); }

void Server::start() {
  impl_->accept();
  impl_->thread = std::thread([this] { impl_->io.run(); });
}

void Server::stop() {
  impl_->io.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->shared.pool.join();
}

std::uint16_t Server::port() const noexcept {
  beast::error_code ignored;
  return impl_->acceptor.local_endpoint(ignored).port();
}

ServerCounters Server::counters() const noexcept {
  return {impl_->shared.connections, impl_->shared.refused};
}

}  // namespace flowlensd::http
