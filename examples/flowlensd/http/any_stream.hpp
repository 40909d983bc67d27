/// \file
/// http: a TCP connection that may speak TLS, as one type: all that reads and writes is compiled once. Only
/// files of the server include it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/rate_policy.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace flowlensd::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

/// Its clock ends what takes too long. The rate is that of what live clients send.
using TcpStream = beast::basic_stream<tcp, asio::any_io_executor, beast::simple_rate_policy>;

/// Models Asio's AsyncStream. Moved from, it may only be destroyed.
class AnyStream {
 public:
  using executor_type = asio::any_io_executor;
  using next_layer_type = TcpStream;
  /// Called once. std::function: one type for all, so that TLS is compiled for it alone.
  using Done = std::function<void(beast::error_code, std::size_t)>;

  /// \param context  null: without TLS; else it is kept as long as this.
  AnyStream(tcp::socket socket, std::shared_ptr<asio::ssl::context> context);
  AnyStream(AnyStream&&) noexcept;
  AnyStream& operator=(AnyStream&&) noexcept;
  ~AnyStream();

  [[nodiscard]] executor_type get_executor() noexcept;
  [[nodiscard]] TcpStream& next_layer() noexcept;
  [[nodiscard]] const TcpStream& next_layer() const noexcept;
  [[nodiscard]] bool is_tls() const noexcept;

  /// What comes before the first request; without TLS at once.
  void handshake(std::function<void(beast::error_code)> done);
  /// Says that no more will be written. \param done  with TLS once the other side knows.
  void shutdown(std::function<void(beast::error_code)> done);

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(beast::error_code, std::size_t)>(
        [this](auto handler, const Buffers& b) { read(first_of(b), erased(std::move(handler))); },
        token, buffers);
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(beast::error_code, std::size_t)>(
        [this](auto handler, const Buffers& b) { write(gathered(b), erased(std::move(handler))); },
        token, buffers);
  }

 private:
  struct Impl;
  static constexpr std::size_t kMostBuffers = 16;
  struct Gathered {
    asio::const_buffer buffers[kMostBuffers];
    std::size_t count = 0;
  };

  void read(asio::mutable_buffer buffer, Done done);
  void write(const Gathered& buffers, Done done);

  /// The first that is not empty; a stream may read less than it is asked.
  template <typename Buffers>
  static asio::mutable_buffer first_of(const Buffers& buffers) {
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers);
         ++at) {
      const asio::mutable_buffer buffer(*at);
      if (buffer.size() > 0) return buffer;
    }
    return {};
  }
  /// As many as fit; a stream may write less than it is asked.
  template <typename Buffers>
  static Gathered gathered(const Buffers& buffers) {
    Gathered out;
    for (auto at = asio::buffer_sequence_begin(buffers);
         at != asio::buffer_sequence_end(buffers) && out.count < kMostBuffers; ++at) {
      const asio::const_buffer buffer(*at);
      if (buffer.size() > 0) out.buffers[out.count++] = buffer;
    }
    return out;
  }
  /// std::function copies, handlers do not; its executor and what it holds stay with it.
  template <typename Handler>
  Done erased(Handler handler) {
    const auto executor = asio::get_associated_executor(handler, get_executor());
    const auto held = std::make_shared<Handler>(std::move(handler));
    return [held, executor](beast::error_code e, std::size_t n) {
      asio::dispatch(executor, [held, e, n] { std::move (*held)(e, n); });
    };
  }

  std::unique_ptr<Impl> impl_;
};

/// How a WebSocket ends.
void teardown(beast::role_type role, AnyStream& stream, beast::error_code& error);
template <typename Handler>
void async_teardown(beast::role_type, AnyStream& stream, Handler&& handler) {
  const auto held = std::make_shared<std::decay_t<Handler>>(std::forward<Handler>(handler));
  const auto executor = asio::get_associated_executor(*held, stream.get_executor());
  stream.shutdown([held, executor](beast::error_code e) {
    asio::post(executor, [held, e] { std::move (*held)(e); });
  });
}

}  // namespace flowlensd::http
