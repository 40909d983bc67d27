#include "http/router.hpp"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/suggest.hpp"
#include "http/input_checks.hpp"
#include "log.hpp"

namespace flowlensd::http {
namespace {

constexpr std::size_t kLongestDetail = 1'000;  // it may repeat what was sent

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::vector<std::string> split(std::string_view text, char by) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(by);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string> decoded_segments(std::string_view path) {
  std::vector<std::string> segments;
  for (const std::string& raw : split(path.substr(1), '/')) {
    auto segment = percent_decoded(raw);
    // Checked after decoding, so that %2e%2e and %2f hide nothing.
    if (!segment || *segment == ".." || *segment == "." || !is_utf8(*segment) ||
        segment->find_first_of("/\\") != std::string::npos) {
      throw Problem{400, "Bad path",
                    "the path holds a broken escape, is no UTF-8, or climbs out of its tree"};
    }
    segments.push_back(std::move(*segment));
  }
  return segments;
}

std::map<std::string, std::string> decoded_query(std::string_view text) {
  std::map<std::string, std::string> query;
  for (std::string raw : split(text, '&')) {
    if (raw.empty()) continue;
    std::replace(raw.begin(), raw.end(), '+', ' ');
    const std::size_t equals = raw.find('=');
    auto name = percent_decoded(std::string_view(raw).substr(0, equals));
    auto value =
        percent_decoded(equals == std::string::npos ? std::string_view{}
                                                    : std::string_view(raw).substr(equals + 1));
    if (!name || !value || !is_utf8(*name) || !is_utf8(*value)) {
      throw Problem{400, "Bad query", "a query parameter holds a broken escape, or is no UTF-8"};
    }
    if (!query.emplace(*name, *value).second) {
      throw Problem{400, "Bad query", "query parameter `" + *name + "` is given twice"};
    }
  }
  return query;
}

void check_parameters(const Route& route, const Request& request) {
  for (const auto& [name, value] : request.query) {
    if (std::find(route.parameters.begin(), route.parameters.end(), name) !=
        route.parameters.end()) {
      continue;
    }
    throw Problem{400, "Unknown query parameter",
                  "`" + name + "` is no parameter of " + route.pattern +
                      suggestion(name, {route.parameters.begin(), route.parameters.end()})};
  }
}

/// `GET, HEAD`
std::string allowed_methods(const std::vector<const Route*>& routes) {
  std::string text;
  for (const Route* r : routes) {
    if (!text.empty()) text += ", ";
    text += r->method == "GET" ? "GET, HEAD" : r->method;
  }
  return text;
}

/// A page of another site can make a browser send a form or plain text, but JSON only after asking,
/// and only origins that the settings name are told yes.
void check_body(const Route& route, const Request& request) {
  const bool is_csv = request.header("content-type").starts_with("text/csv");
  if (route.takes_csv && is_csv) return;
  if (is_deeper(request.body)) {
    throw Problem{400, "Bad body",
                  "the body nests arrays or objects deeper than " + std::to_string(kMaxJsonDepth)};
  }
  // It has no body, and a page of another site must ask before it too.
  const bool has_no_body = request.method == "GET" || request.method == "DELETE";
  if (has_no_body || request.header("content-type").starts_with("application/json")) return;
  throw Problem{415, "Unsupported media type",
                "Content-Type is `" + std::string(request.header("content-type")) +
                    "`; send application/json" + (route.takes_csv ? " or text/csv" : "")};
}

void add_headers(Response& to, const std::vector<std::pair<std::string, std::string>>& headers) {
  to.headers.insert(to.headers.end(), headers.begin(), headers.end());
}

/// The target without its query, where a credential may stand.
Response failed(const Request& request, const std::exception& e) {
  log::error(
      "api", "a request failed",
      {{"target", request.target.substr(0, request.target.find('?'))}, {"reason", e.what()}});
  return problem(500, "Internal error", "the request failed; the log says why");
}

}  // namespace

Response problem(unsigned status, std::string_view title, std::string_view detail) {
  using Json = nlohmann::ordered_json;
  std::string said(detail.substr(0, kLongestDetail));
  if (detail.size() > kLongestDetail) said += " …";
  const Json body{{"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", said}};
  Response r;
  r.status = status;
  r.content_type = "application/problem+json";
  r.body = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  r.headers.emplace_back("Cache-Control", "no-store");
  return r;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low || (*high == 0 && *low == 0)) return std::nullopt;
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

void Router::add(Route route) {
  if (!route.asked_place) route.asked_place = place_;
  auto segments = split(std::string_view(route.pattern).substr(1), '/');
  entries_.push_back({std::move(route), std::move(segments)});
}

std::vector<const Route*> Router::routes() const {
  std::vector<const Route*> all;
  for (const Entry& e : entries_) all.push_back(&e.route);
  return all;
}

std::vector<const Route*> Router::find(const std::vector<std::string>& segments,
                                       std::map<std::string, std::string>& parameters) const {
  std::vector<const Route*> found;
  for (const Entry& e : entries_) {
    if (e.segments.size() != segments.size()) continue;
    if (!found.empty()) {
      if (e.route.pattern == found[0]->pattern) found.push_back(&e.route);
      continue;
    }
    parameters.clear();
    bool fits = true;
    for (std::size_t i = 0; fits && i < segments.size(); ++i) {
      const std::string& want = e.segments[i];
      if (want.starts_with('{')) {
        parameters[want.substr(1, want.size() - 2)] = segments[i];
      } else {
        fits = want == segments[i];
      }
    }
    if (fits) found.push_back(&e.route);
  }
  return found;
}

Response Router::answer_by(const Route& route, Request& request, std::string_view query,
                           bool is_checked) const {
  try {
    if (guard_ && !is_checked) guard_(request, route);
    check_body(route, request);
    request.query = decoded_query(query);
    check_parameters(route, request);
    if (forward_ && route.place() == AnsweredAt::resolver) return forward_(request);
    if (view_) request.shown_dependencies = view_();
    return route.handler(request);
  } catch (const Problem& p) {
    Response response = problem(p.status, p.title, p.detail);
    add_headers(response, p.headers);
    return response;
  } catch (const std::exception& e) {
    return failed(request, e);
  }
}

Response Router::answer(Request& request, bool is_checked) const {
  const std::string_view target = request.target;
  if (!target.starts_with('/'))
    throw Problem{400, "Bad target", "the request target must be a path"};
  const std::size_t question = std::min(target.find('?'), target.size());
  const auto segments = decoded_segments(target.substr(0, question));
  const auto routes = find(segments, request.path_parameters);
  if (routes.empty()) {
    throw Problem{404, "Not found", "there is nothing at this path; the lists are below /api/v1/"};
  }
  const auto wanted = std::find_if(routes.begin(), routes.end(),
                                   [&](const Route* r) { return r->method == request.method; });
  if (wanted == routes.end()) {
    const std::string allowed = allowed_methods(routes);
    Response response =
        problem(405, "Method not allowed", request.method + " is not allowed here; use " + allowed);
    response.headers.emplace_back("Allow", allowed);
    response.route = routes[0]->pattern;
    return response;
  }
  const Route& route = **wanted;
  Response response =
      answer_by(route, request, target.substr(std::min(question + 1, target.size())), is_checked);
  response.route = route.pattern;
  add_headers(response, request.answer_headers);
  if (witness_ && !is_checked) witness_(request, route, response);
  return response;
}

Response Router::handle(Request request) const noexcept { return handle(request, false); }
Response Router::run(Request request) const noexcept { return handle(request, true); }

Response Router::handle(Request& request, bool is_checked) const noexcept {
  try {
    return answer(request, is_checked);
  } catch (const Problem& p) {
    return problem(p.status, p.title, p.detail);
  } catch (const std::exception& e) {
    return failed(request, e);
  }
}

}  // namespace flowlensd::http
