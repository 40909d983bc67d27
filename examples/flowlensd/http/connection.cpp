#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "flowlens/version.hpp"
#include "http/connection_base.hpp"
#include "http/live_client.hpp"
#include "http/request_head.hpp"

namespace flowlensd::http {
namespace {

namespace bhttp = boost::beast::http;

/// Counts itself as long as it is there.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& count_;
};

/// Reads a request, answers it from the pool, again. Requests sent ahead wait in the buffer, so answers
/// keep their order.
class Connection final : public Reader, public std::enable_shared_from_this<Connection> {
 public:
  Connection(AnyStream stream, ServerShared& shared)
      : stream_(std::move(stream)),
        peer_(peer_of(lowest().socket())),
        buffer_(shared.options.max_header_octets * 2),
        answer_timer_(stream_.get_executor()),
        shared_(shared) {
    ++shared_.account.connections;
  }
  ~Connection() override {
    unregister();
    --shared_.account.connections;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Begins with what comes before HTTP, if anything does.
  void begin(bool is_full) {
    if (!stream_.is_tls()) return go_on(is_full);
    register_reader();
    lowest().expires_after(shared_.options.handshake_time);
    stream_.handshake([me = me(), is_full](beast::error_code e) {
      me->unregister();
      if (!e) return me->go_on(is_full);
      ++me->shared_.account.handshakes_failed;
    });
  }

  /// It has said nothing for long, and others wait.
  void make_room() override {
    unregister();
    beast::error_code ignored;
    lowest().socket().close(ignored);
  }

 private:
  using Parser = bhttp::request_parser<bhttp::string_body>;
  using BeastResponse = bhttp::response<bhttp::string_body>;

  std::shared_ptr<Connection> me() { return shared_from_this(); }
  TcpStream& lowest() { return stream_.next_layer(); }

  void register_reader() {
    since_ = SteadyClock::now();
    place_ = shared_.readers.insert(shared_.readers.end(), this);
  }
  void unregister() {
    if (place_) shared_.readers.erase(*place_);
    place_.reset();
  }

  void go_on(bool is_full) {
    if (!is_full) return read();
    is_last_ = true;
    is_head_ = false;
    method_ = "-";
    respond(problem(503, "Too many connections", "try again in a moment"));
  }

  void read() {
    register_reader();
    parser_.emplace();
    parser_->header_limit(shared_.options.max_header_octets);
    large_body_.reset();
    // The path may allow more; until it is known nothing of a body is read.
    body_limit_ = shared_.options.max_body_octets;
    parser_->body_limit(std::max(body_limit_, shared_.options.max_large_body_octets));
    lowest().expires_after(shared_.options.read_time);
    bhttp::async_read_header(stream_, buffer_, *parser_,
                             [me = me()](beast::error_code e, std::size_t) { me->on_header(e); });
  }

  void on_header(beast::error_code error) {
    begun_ = SteadyClock::now();
    if (error) return on_bad_request(error);
    const auto& head = parser_->get();
    method_ = std::string(head.method_string());
    is_head_ = head.method() == bhttp::verb::head;
    if (const auto refusal = objection(head, peer_, shared_.options)) {
      is_last_ = true;
      return respond(*refusal);
    }
    body_limit_ = body_limit_of(head.target(), shared_.options);
    if (const auto refusal = objection_to_body()) {
      is_last_ = true;
      return respond(*refusal);
    }
    parser_->body_limit(body_limit_);
    bhttp::async_read(stream_, buffer_, *parser_,
                      [me = me()](beast::error_code e, std::size_t) { me->on_request(e); });
  }

  /// Long bodies take memory, so there are few at a time.
  std::optional<Response> objection_to_body() {
    const auto length = parser_->content_length();
    if (length && *length > body_limit_) return body_too_long(body_limit_);
    const bool is_large =
        parser_->chunked() || (length && *length > shared_.options.max_body_octets);
    if (body_limit_ <= shared_.options.max_body_octets || !is_large) return std::nullopt;
    if (shared_.large_bodies >= shared_.options.max_large_bodies) {
      return problem(503, "Too many long bodies",
                     "others send some just now; try again in a moment");
    }
    large_body_.emplace(shared_.large_bodies);
    return std::nullopt;
  }

  void on_bad_request(beast::error_code error) {
    is_last_ = true;
    if (const auto refusal = refusal_of(error, shared_.options, body_limit_)) {
      return respond(*refusal);
    }
    unregister();
    beast::error_code ignored;
    lowest().socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

  void on_request(beast::error_code error) {
    if (error) return on_bad_request(error);
    unregister();
    const auto& message = parser_->get();
    is_last_ = is_last_ || !message.keep_alive();
    Request request = request_of(message, peer_, stream_.is_tls());
    if (is_head_) request.method = "GET";
    lowest().expires_never();
    ask(std::move(request));
  }

  /// From the pool; what takes too long is answered here, and forgotten when it comes.
  void ask(Request request) {
    const auto is_late =
        std::make_shared<std::atomic<bool>>(false);  // the handler may come after all
    answer_timer_.expires_after(shared_.options.answer_time);
    answer_timer_.async_wait([me = me(), is_late](beast::error_code e) {
      if (e || is_late->exchange(true)) return;
      ++me->shared_.account.late_answers;
      me->is_last_ = true;
      me->respond(problem(503, "No answer in time", "the service is busy; try again in a moment"));
    });
    asio::post(shared_.pool, [me = me(), executor = stream_.get_executor(), is_late,
                              request = std::move(request)]() mutable {
      Response response;
      if (!*is_late) response = me->shared_.handle(std::move(request));
      // The connection goes along: it must not end on a thread of the pool.
      asio::post(executor, [me = std::move(me), is_late, response = std::move(response)]() mutable {
        if (is_late->exchange(true)) return;
        me->answer_timer_.cancel();
        if (response.live && !(me->is_head_ && response.live->is_stream))
          me->go_live(std::move(response));
        else
          me->respond(std::move(response));
      });
    });
  }

  /// The connection becomes one of live updates.
  void go_live(Response response) {
    if (!shared_.has_live_room()) {
      ++shared_.account.live_refused;
      is_last_ = true;
      Response refusal = problem(503, "Too many live connections",
                                 "there is room for " + std::to_string(shared_.options.max_live) +
                                     "; try again in a moment");
      refusal.route = response.route;
      refusal.headers.emplace_back("Retry-After", "30");
      return respond(std::move(refusal));
    }
    Request asked = request_of(parser_->get(), peer_, stream_.is_tls());
    if (response.live->is_stream) {
      open_event_stream(std::move(stream_), shared_, response, std::move(asked));
    } else if (beast::websocket::is_upgrade(parser_->get()) && buffer_.size() == 0) {
      open_websocket(std::move(stream_), shared_, parser_->get(), std::move(asked), *response.live);
    } else {
      is_last_ = true;
      return respond(problem(400, "Bad upgrade", "the request is no WebSocket handshake"));
    }
    note_answer(response);
  }

  void respond(Response response) {
    unregister();
    BeastResponse& out = out_.emplace();
    out.result(response.status);
    out.version(11);
    out.set(bhttp::field::server, "flowlensd/" + std::string(flowlens::kVersion));
    out.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers) out.set(name, value);
    out.keep_alive(!is_last_);
    const bool has_body = response.status != 304 && response.status != 204;
    if (has_body) out.set(bhttp::field::content_type, response.content_type);
    out.body() = std::move(response.body);
    out.prepare_payload();
    if (is_head_) out.body().clear();  // the length of what GET would give stays
    response_ = std::move(response);
    lowest().expires_after(shared_.options.write_time);
    serializer_.emplace(out);
    const auto done = [me = me()](beast::error_code e, std::size_t) { me->on_written(e); };
    if (is_head_)
      bhttp::async_write_header(stream_, *serializer_, done);
    else
      bhttp::async_write(stream_, *serializer_, done);
  }

  void note_answer(const Response& response) {
    const std::chrono::duration<double> took = SteadyClock::now() - begun_;
    if (shared_.observe) shared_.observe(method_, response, took.count());
  }

  void on_written(beast::error_code error) {
    note_answer(response_);
    if (error) return;
    if (is_last_) return linger();
    read();
  }

  /// Closing while octets are unread would reset the connection and lose our answer on its way.
  void linger() {
    lowest().expires_after(std::chrono::seconds{2});
    buffer_.clear();
    stream_.shutdown([me = me()](beast::error_code e) {
      if (!e) me->drain(1u << 20);
    });
  }

  void drain(std::size_t left) {
    stream_.async_read_some(asio::buffer(discarded_),
                            [me = me(), left](beast::error_code e, std::size_t n) {
                              if (!e && n < left) me->drain(left - n);
                            });
  }

  AnyStream stream_;
  const flowlens::IpAddress peer_;
  beast::flat_buffer buffer_;
  asio::steady_timer answer_timer_;
  ServerShared& shared_;
  std::optional<std::list<Reader*>::iterator> place_;  ///< among those who wait for a request
  std::optional<Parser> parser_;
  std::uint64_t body_limit_ = 0;
  std::optional<Counted> large_body_;  ///< while there is one
  std::optional<BeastResponse> out_;
  std::optional<bhttp::response_serializer<bhttp::string_body>> serializer_;
  Response response_;
  std::string method_;
  std::array<char, 1024> discarded_{};
  SteadyClock::time_point begun_ = SteadyClock::now();
  bool is_head_ = false;
  bool is_last_ = false;
};

}  // namespace

void serve(AnyStream stream, ServerShared& shared, bool is_full) {
  std::make_shared<Connection>(std::move(stream), shared)->begin(is_full);
}

}  // namespace flowlensd::http
