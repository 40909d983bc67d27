#include <array>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <utility>

#include "flowlens/version.hpp"
#include "http/live_client.hpp"

namespace flowlensd::http {
namespace {

/// As the HTML standard has them. The answer has no length: its end is the connection's.
class EventStreamClient final : public LiveClient {
 public:
  EventStreamClient(AnyStream stream, ServerShared& shared, Request asked, const LiveRequest& begin)
      : LiveClient(shared, std::move(asked), begin), stream_(std::move(stream)) {}

  /// \param response  whose headers are sent.
  void begin(const Response& response) {
    stream_.next_layer().expires_never();
    stream_.next_layer().rate_policy().read_limit(1024);
    head_ = "HTTP/1.1 200 OK\r\nServer: flowlensd/" + std::string(flowlens::kVersion) +
            "\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
            "X-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n";
    for (const auto& [name, value] : response.headers) head_ += name + ": " + value + "\r\n";
    head_ += "\r\nretry: 3000\n\n";
    send(std::make_shared<const std::string>());
    read();
  }

  void wake() override {
    if (out_ == nullptr && !is_ended_) write();
  }

  void look(SteadyClock::time_point now) override {
    LiveClient::look(now);
    if (out_ != nullptr || is_ended_ || now - sent_at_ < shared_.options.ping_interval) return;
    head_ = ": still here\n\n";
    send(std::make_shared<const std::string>());
  }

 protected:
  void cut() override {
    is_ended_ = true;
    beast::error_code ignored;
    stream_.next_layer().socket().close(ignored);
  }
  void expire() override { cut(); }
  asio::any_io_executor executor() override { return stream_.get_executor(); }

 private:
  std::shared_ptr<EventStreamClient> me() {
    return std::static_pointer_cast<EventStreamClient>(shared_from_this());
  }

  void write() {
    LiveMessage message = next_message();
    if (message.text == nullptr) return;
    head_ = "id: " + live().instance() + "-" + std::to_string(message.revision) + "\ndata: ";
    send(std::move(message.text));
  }

  void send(std::shared_ptr<const std::string> text) {
    out_ = std::move(text);
    sent_at_ = SteadyClock::now();
    begin_writing();
    const bool has_data = !out_->empty();
    const std::array<asio::const_buffer, 3> parts{asio::buffer(head_), asio::buffer(*out_),
                                                  asio::buffer("\n\n", has_data ? 2 : 0)};
    asio::async_write(stream_, parts, [me = me()](beast::error_code e, std::size_t) {
      me->end_writing();
      me->out_.reset();
      if (e)
        me->cut();
      else if (!me->is_ended_)
        me->write();
    });
  }

  /// A client has nothing more to say; this finds its end.
  void read() {
    stream_.async_read_some(asio::buffer(in_), [me = me()](beast::error_code e, std::size_t n) {
      me->said_ += n;
      if (me->said_ > kMaxSaid) ++me->shared_.account.live_expelled;
      if (e || me->said_ > kMaxSaid) return me->cut();
      me->read();
    });
  }

  static constexpr std::size_t kMaxSaid = 4'096;

  AnyStream stream_;
  std::string head_;
  std::shared_ptr<const std::string> out_;  ///< being written; null: nothing is
  bool is_ended_ = false;
  SteadyClock::time_point sent_at_ = SteadyClock::now();
  std::size_t said_ = 0;
  std::array<char, 512> in_{};
};

}  // namespace

void open_event_stream(AnyStream stream, ServerShared& shared, const Response& answer,
                       Request asked) {
  std::make_shared<EventStreamClient>(std::move(stream), shared, std::move(asked), *answer.live)
      ->begin(answer);
}

}  // namespace flowlensd::http
