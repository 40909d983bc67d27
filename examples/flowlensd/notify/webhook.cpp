#include "notify/webhook.hpp"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <optional>

#include "flowlens/error.hpp"
#include "flowlens/version.hpp"

namespace flowlensd {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr std::size_t kMaxAnswerOctets = 64u << 10;  // of which the status alone counts

[[noreturn]] void bad_url(const char* why) {
  throw flowlens::ConfigError(std::string("alerts.webhook.url ") + why);
}

bool is_port(std::string_view text) {
  const bool has_digits_only =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return has_digits_only && !text.empty() && text.size() <= 5 &&
         std::stoul(std::string(text)) > 0 && std::stoul(std::string(text)) <= 65'535;
}

/// Splits `name:port`, `address:port`, `[address]:port`, all with or without the port.
void take_authority(std::string_view authority, WebhookOptions& out) {
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) bad_url("has a `[` without a `]`");
    out.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const std::size_t colon = authority.find(':');
    out.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  out.port = "80";
  if (port.empty()) return;
  if (!port.starts_with(':') || !is_port(port.substr(1))) bad_url("has no port of 1 to 65535");
  out.port = port.substr(1);
}

std::string host_header(const WebhookOptions& to) {
  const bool is_v6 = to.host.find(':') != std::string::npos;
  const std::string host = is_v6 ? "[" + to.host + "]" : to.host;
  return to.port == "80" ? host : host + ":" + to.port;
}

bhttp::request<bhttp::string_body> request_of(const WebhookOptions& to, const std::string& json) {
  bhttp::request<bhttp::string_body> request{bhttp::verb::post, to.target, 11};
  request.set(bhttp::field::host, host_header(to));
  request.set(bhttp::field::user_agent, "flowlensd/" + std::string(flowlens::kVersion));
  request.set(bhttp::field::content_type, "application/json");
  if (!to.authorization.empty()) request.set(bhttp::field::authorization, to.authorization);
  request.keep_alive(false);
  request.body() = json;
  request.prepare_payload();
  return request;
}

/// \return the status of the answer.
asio::awaitable<unsigned> post(const WebhookOptions& to, const std::string& json) {
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  const auto addresses = co_await resolver.async_resolve(to.host, to.port, asio::use_awaitable);
  beast::tcp_stream stream(executor);
  co_await stream.async_connect(addresses, asio::use_awaitable);
  const auto request = request_of(to, json);
  co_await bhttp::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer(kMaxAnswerOctets);
  bhttp::response_parser<bhttp::string_body> answer;
  answer.body_limit(kMaxAnswerOctets);
  co_await bhttp::async_read_header(stream, buffer, answer, asio::use_awaitable);
  const unsigned status = answer.get().result_int();
  // What else it says is read for the peace of the receiver alone.
  beast::error_code ignored;
  co_await bhttp::async_read(stream, buffer, answer,
                             asio::redirect_error(asio::use_awaitable, ignored));
  co_return status;
}

Delivery delivery_of(unsigned status) {
  if (status >= 200 && status < 300) return {};
  const bool is_passing = status >= 500 || status == 408 || status == 425 || status == 429;
  return {"HTTP status " + std::to_string(status), !is_passing};
}

}  // namespace

WebhookOptions parse_webhook_url(std::string_view url) {
  constexpr std::string_view kHttp = "http://";
  if (url.starts_with("https://")) {
    bad_url(
        "is https://, which this release does not speak; give http:// of a proxy on this host that "
        "speaks TLS to the receiver");
  }
  if (!url.starts_with(kHttp)) bad_url("is no http://HOST:PORT/PATH");
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7f'; };
  if (!std::all_of(url.begin(), url.end(), is_plain)) {
    bad_url("has blanks or other characters that are to be written as %20 and the like");
  }
  url.remove_prefix(kHttp.size());
  url = url.substr(0, url.find('#'));
  const std::size_t end = std::min(url.find_first_of("/?"), url.size());
  WebhookOptions out;
  if (url.substr(0, end).find('@') != std::string_view::npos) {
    bad_url("names a user; give credentials as alerts.webhook.authorization");
  }
  take_authority(url.substr(0, end), out);
  if (out.host.empty()) bad_url("names no host");
  out.target = url.substr(end);
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  return out;
}

Delivery post_json(const WebhookOptions& receiver, const std::string& json) {
  asio::io_context io{1};
  std::optional<unsigned> status;
  std::exception_ptr failure;
  asio::co_spawn(io, post(receiver, json), [&](std::exception_ptr e, unsigned s) {
    failure = e;
    if (!e) status = s;
  });
  io.run_for(receiver.timeout);
  const std::string where = "http://" + host_header(receiver) + ": ";
  if (failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const boost::system::system_error& e) {
      return {where + e.code().message()};
    }
  }
  if (!status) {
    return {where + "no answer within " + std::to_string(receiver.timeout.count()) + " ms"};
  }
  Delivery delivery = delivery_of(*status);
  if (!delivery.problem.empty()) delivery.problem.insert(0, where);
  return delivery;
}

}  // namespace flowlensd
