#include "commands/http_get.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <exception>

namespace flowlensd {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;

constexpr std::uint64_t kMaxAnswerOctets = 16u << 20;

asio::awaitable<std::string> get(const tcp::endpoint& at, const std::string& target) {
  beast::tcp_stream stream(co_await asio::this_coro::executor);
  co_await stream.async_connect(at, asio::use_awaitable);
  bhttp::request<bhttp::empty_body> request{bhttp::verb::get, target, 11};
  request.set(bhttp::field::host, at.address().to_string());
  request.set(bhttp::field::user_agent, "flowlensd");
  request.keep_alive(false);
  co_await bhttp::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  bhttp::response_parser<bhttp::string_body> answer;
  answer.body_limit(kMaxAnswerOctets);
  co_await bhttp::async_read(stream, buffer, answer, asio::use_awaitable);
  co_return answer.get().body();
}

}  // namespace

std::optional<std::string> http_get(const flowlens::IpAddress& host, std::uint16_t port,
                                    const std::string& target, std::chrono::milliseconds wait) {
  const tcp::endpoint at{asio::ip::make_address(host.to_string()), port};
  asio::io_context io{1};
  std::optional<std::string> body;
  asio::co_spawn(io, get(at, target), [&](const std::exception_ptr& failure, std::string text) {
    if (!failure) body = std::move(text);
  });
  io.run_for(wait);
  return body;
}

}  // namespace flowlensd
