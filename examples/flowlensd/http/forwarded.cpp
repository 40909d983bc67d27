#include "http/forwarded.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "flowlens/error.hpp"

namespace flowlensd::http {
namespace {

using flowlens::IpAddress;
using flowlens::IpPrefix;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> parts(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t at = text.find(by);
    out.push_back(trimmed(text.substr(0, at)));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

/// `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]`, `"[2001:db8::1]:80"`.
std::optional<IpAddress> node_address(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  if (text.starts_with('[')) return IpAddress::parse(text.substr(1, text.find(']') - 1));
  const bool has_port = std::count(text.begin(), text.end(), ':') == 1;
  return IpAddress::parse(has_port ? text.substr(0, text.find(':')) : text);
}

/// \param begin  in lower case.
bool begins(std::string_view text, std::string_view begin) {
  return text.size() >= begin.size() &&
         std::equal(begin.begin(), begin.end(), text.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
         });
}
bool is_for(std::string_view pair) { return pair.size() > 4 && begins(pair, "for="); }

/// The `for` of each element of Forwarded; empty where one says nothing.
std::vector<std::string_view> forwarded_nodes(std::string_view header) {
  std::vector<std::string_view> nodes;
  for (const std::string_view element : parts(header, ',')) {
    const auto pairs = parts(element, ';');
    const auto at = std::find_if(pairs.begin(), pairs.end(), is_for);
    nodes.push_back(at == pairs.end() ? std::string_view{} : at->substr(4));
  }
  return nodes;
}

}  // namespace

std::vector<IpPrefix> parse_trusted_proxies(std::string_view list) {
  std::vector<IpPrefix> out;
  if (trimmed(list).empty()) return out;
  for (const std::string_view part : parts(list, ',')) {
    const auto prefix = IpPrefix::parse(part);
    if (!prefix) {
      throw flowlens::ConfigError("api.trusted_proxies: `" + std::string(part) +
                                  "` is not valid; give addresses or prefixes such as 10.0.0.5 or "
                                  "10.0.0.0/24, with commas between");
    }
    out.push_back(*prefix);
  }
  return out;
}

bool is_in(const IpAddress& address, const std::vector<IpPrefix>& networks) noexcept {
  return std::any_of(networks.begin(), networks.end(),
                     [&](const IpPrefix& p) { return p.contains(address); });
}

IpAddress client_of(const Request& request, const std::vector<IpPrefix>& trusted) {
  if (!is_in(request.peer, trusted)) return request.peer;
  const std::string_view standard = request.header("forwarded");
  const std::string_view usual = request.header("x-forwarded-for");
  auto nodes = !standard.empty() ? forwarded_nodes(standard)
               : !usual.empty()  ? parts(usual, ',')
                                 : std::vector<std::string_view>{};
  IpAddress client = request.peer;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const auto address = node_address(*node);
    if (!address) return client;  // hidden or damaged: the proxy that says so stands for it
    client = *address;
    if (!is_in(client, trusted)) return client;
  }
  return client;
}

bool is_encrypted(const Request& request, const std::vector<IpPrefix>& trusted) {
  if (request.is_encrypted || !is_in(request.peer, trusted)) return request.is_encrypted;
  const std::string_view standard = request.header("forwarded");
  if (standard.empty())
    return begins(parts(request.header("x-forwarded-proto"), ',').back(), "https");
  const auto pairs = parts(parts(standard, ',').back(), ';');
  return std::any_of(pairs.begin(), pairs.end(), [](std::string_view pair) {
    return begins(pair, "proto=https") || begins(pair, "proto=\"https");
  });
}

}  // namespace flowlensd::http
