#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "flowlens/version.hpp"
#include "http/input_checks.hpp"
#include "http/live_client.hpp"

namespace flowlensd::http {
namespace {

namespace websocket = boost::beast::websocket;

/// Of what a client sends. It only subscribes.
constexpr std::size_t kMaxClientMessage = 16u << 10;  ///< octets; beyond: 1009
constexpr std::size_t kMaxClientRate = 32u << 10;     ///< octets a second; the rest waits
constexpr unsigned kMaxClientFrames = 60;             ///< messages, pings and pongs in kFramesTime
constexpr std::chrono::seconds kFramesTime{10};
/// The subprotocol; a browser must offer it beside the one that carries its token.
constexpr const char* kLiveProtocol = "flowlens.v1";

/// No compression is agreed on: nothing inflates here, and all clients share one text.
class WebSocketClient final : public LiveClient {
 public:
  WebSocketClient(AnyStream stream, ServerShared& shared, Request asked, const LiveRequest& begin)
      : LiveClient(shared, std::move(asked), begin),
        ws_(std::move(stream)),
        in_(2 * kMaxClientMessage) {}

  void accept(const beast::http::request<beast::http::string_body>& request) {
    lowest().expires_never();  // the WebSocket has its own clock
    lowest().rate_policy().read_limit(kMaxClientRate);
    websocket::stream_base::timeout times{};
    times.handshake_timeout = std::chrono::seconds{10};
    times.idle_timeout = 2 * shared_.options.ping_interval;
    times.keep_alive_pings = true;  // after half of it
    ws_.set_option(times);
    const bool is_offered =
        std::string(request["Sec-WebSocket-Protocol"]).find(kLiveProtocol) != std::string::npos;
    ws_.set_option(websocket::stream_base::decorator([is_offered](websocket::response_type& r) {
      r.set(beast::http::field::server, "flowlensd/" + std::string(flowlens::kVersion));
      if (is_offered) r.set(beast::http::field::sec_websocket_protocol, kLiveProtocol);
    }));
    ws_.read_message_max(kMaxClientMessage);
    ws_.auto_fragment(false);
    ws_.control_callback([this](websocket::frame_type, beast::string_view) { note_frame(); });
    ws_.async_accept(request, [me = me()](beast::error_code e) {
      if (e) return;
      const auto ping =
          std::chrono::duration_cast<std::chrono::seconds>(me->shared_.options.ping_interval);
      me->reply(me->live().hello(static_cast<std::uint64_t>(ping.count())).text);
      me->read();
    });
  }

  void wake() override { write(); }

 protected:
  void cut() override {
    is_closing_ = true;
    beast::error_code ignored;
    lowest().socket().close(ignored);
  }
  void expire() override { close(websocket::close_code::policy_error, "log in again"); }
  asio::any_io_executor executor() override { return ws_.get_executor(); }

 private:
  using Text = std::shared_ptr<const std::string>;

  std::shared_ptr<WebSocketClient> me() {
    return std::static_pointer_cast<WebSocketClient>(shared_from_this());
  }
  TcpStream& lowest() { return ws_.next_layer().next_layer(); }

  void read() {
    ws_.async_read(in_, [me = me()](beast::error_code e, std::size_t) { me->on_read(e); });
  }

  void on_read(beast::error_code error) {
    if (error) return on_end(error);
    if (is_closing_) return;
    if (!ws_.got_text())
      return expel(websocket::close_code::unknown_data, "only text is read here");
    note_frame();
    if (is_closing_) return;
    const std::string text = beast::buffers_to_string(in_.data());
    in_.consume(in_.size());
    take(text);
    if (!is_closing_) read();
  }

  void on_end(beast::error_code error) {
    const bool is_hostile = error == websocket::error::message_too_big ||
                            error == websocket::error::buffer_overflow ||
                            error == websocket::error::bad_frame_payload ||
                            make_error_condition(websocket::condition::protocol_violation) == error;
    if (is_hostile) ++shared_.account.live_expelled;
    if (error == beast::error::timeout) ++shared_.account.live_stalled;
    is_closing_ = true;
  }

  void take(const std::string& text) {
    const Json message = is_deeper(text) ? Json() : Json::parse(text, nullptr, false);
    if (!message.is_object() || !message.contains("type") || !message["type"].is_string()) {
      return expel(websocket::close_code::policy_error, "send JSON objects with a type");
    }
    const std::string type = message["type"].get<std::string>();
    try {
      if (type == "subscribe") return subscribe(live_request(message));
      if (type == "unsubscribe") {
        unsubscribe(subscription_, message);
        return reply(said("unsubscribed"));
      }
      if (type == "ping") return reply(said("pong"));
    } catch (const Problem& p) {
      const Json error{{"type", "error"}, {"title", p.title}, {"detail", p.detail}};
      return reply(std::make_shared<const std::string>(
          error.dump(-1, ' ', false, Json::error_handler_t::replace)));
    }
    expel(websocket::close_code::policy_error, "type is subscribe, unsubscribe or ping");
  }

  void subscribe(LiveRequest wish) {
    subscription_ = std::move(wish.subscription);
    position_ = wish.after ? live().after(*wish.after, wish.instance) : live().end();
    reply(said("subscribed"));
  }

  Text said(const char* type) const {
    Json topics = Json::array();
    for (std::size_t i = 0; i < kLiveTopicCount; ++i) {
      if (subscription_.topics[i]) topics.push_back(kLiveTopicNames[i]);
    }
    const Json message{{"type", type},
                       {"revision", live().revision()},
                       {"instance", live().instance()},
                       {"topics", std::move(topics)}};
    return std::make_shared<const std::string>(message.dump());
  }

  /// Floods of small frames cost more than their octets.
  void note_frame() {
    const auto now = SteadyClock::now();
    if (now - frames_since_ > kFramesTime) {
      frames_since_ = now;
      frames_ = 0;
    }
    if (++frames_ == kMaxClientFrames) {
      expel(websocket::close_code::policy_error, "too many messages");
    }
  }

  /// Each answers a message, and few of those are let through, so few wait.
  void reply(Text text) {
    replies_.push_back(std::move(text));
    write();
  }

  void write() {
    if (out_ != nullptr || is_closing_) return;
    if (!replies_.empty()) {
      out_ = std::move(replies_.front());
      replies_.pop_front();
    } else {
      out_ = next_message().text;
    }
    if (out_ == nullptr) return;
    begin_writing();
    ws_.text(true);
    ws_.async_write(asio::buffer(*out_), [me = me()](beast::error_code e, std::size_t) {
      me->end_writing();
      me->out_.reset();
      if (!e) me->write();
    });
  }

  void expel(websocket::close_code code, const char* why) {
    if (is_closing_) return;
    ++shared_.account.live_expelled;
    close(code, why);
  }

  void close(websocket::close_code code, const char* why) {
    if (std::exchange(is_closing_, true)) return;
    replies_.clear();
    // From a handler of its own: a control callback runs inside of a read.
    asio::post(ws_.get_executor(), [me = me(), code, why] {
      me->ws_.async_close({code, why}, [me](beast::error_code) {});
    });
  }

  websocket::stream<AnyStream, false> ws_;  // without the code of permessage-deflate
  beast::flat_buffer in_;
  std::deque<Text> replies_;
  Text out_;  ///< being written; null: nothing is
  bool is_closing_ = false;
  unsigned frames_ = 0;
  SteadyClock::time_point frames_since_ = SteadyClock::now();
};

}  // namespace

void open_websocket(AnyStream stream, ServerShared& shared,
                    const beast::http::request<beast::http::string_body>& handshake, Request asked,
                    const LiveRequest& begin) {
  std::make_shared<WebSocketClient>(std::move(stream), shared, std::move(asked), begin)
      ->accept(handshake);
}

}  // namespace flowlensd::http
