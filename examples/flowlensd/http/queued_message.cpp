#include "http/queued_message.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace flowlensd::http {
namespace {

using Json = nlohmann::json;

constexpr std::array<const char*, 6> kHeaders{"accept",   "accept-language", "content-type",
                                              "if-match", "if-none-match",   "prefer"};
constexpr std::size_t kMostHead = 65'536;

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json headers_of(const Request& request) {
  Json headers = Json::object();
  for (const char* name : kHeaders) {
    if (const auto value = request.header(name); !value.empty()) headers[name] = value;
  }
  return headers;
}

/// \throws nlohmann::json::exception
Request request_of(const Json& head) {
  Request request;
  request.method = head.at("method").get<std::string>();
  request.target = head.at("target").get<std::string>();
  for (const auto& [name, value] : head.at("headers").items()) {
    request.headers[name] = value.get<std::string>();
  }
  const Json& caller = head.at("caller");
  request.caller.name = caller.at("name").get<std::string>();
  const auto permission = caller.at("permission").get<unsigned>();
  request.caller.permission =
      static_cast<Permission>(std::min(permission, static_cast<unsigned>(Permission::admin)));
  if (const auto id = flowlens::Id::parse(caller.at("user").get<std::string>())) {
    request.caller.user = *id;
  }
  return request;
}

}  // namespace

std::string encode_request(const Request& request) {
  const Json head{{"method", request.method},
                  {"target", request.target},
                  {"headers", headers_of(request)},
                  {"caller",
                   {{"name", request.caller.name},
                    {"permission", static_cast<unsigned>(request.caller.permission)},
                    {"user", request.caller.user.to_string()}}}};
  return line_of(head) + '\n' + request.body;
}

std::optional<Request> decode_request(std::string_view octets) {
  const std::size_t end = octets.find('\n');
  if (end == octets.npos || end > kMostHead) return std::nullopt;
  try {
    Request request = request_of(Json::parse(octets.substr(0, end)));
    request.body = octets.substr(end + 1);
    return request;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

flowlens::QueuedAnswer encode_answer(Response response) {
  Json headers = Json::array();
  for (const auto& [name, value] : response.headers) headers.push_back({name, value});
  return {line_of({{"status", response.status},
                   {"content_type", response.content_type},
                   {"headers", std::move(headers)}}),
          std::move(response.body), 0};
}

std::optional<Response> decode_answer(flowlens::QueuedAnswer answer) {
  try {
    const Json head = Json::parse(answer.head);
    Response response;
    response.status = head.at("status").get<unsigned>();
    response.content_type = head.at("content_type").get<std::string>();
    for (const Json& header : head.at("headers")) {
      response.headers.emplace_back(header.at(0).get<std::string>(),
                                    header.at(1).get<std::string>());
    }
    response.body = std::move(answer.body);
    return response;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace flowlensd::http
