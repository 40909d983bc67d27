#include "lookup/curl/server.hpp"

#include "flowlens/error.hpp"
#include "flowlens/ip_address.hpp"

namespace flowlens::lookup {

namespace {

bool is_this_machine(std::string_view host) {
  if (host == "localhost") return true;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  return address && address->is_loopback();
}

/// Without the port.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

}  // namespace

void require_tls(const std::string& url, std::string_view what) {
  constexpr std::string_view kPlain = "http://", kSecure = "https://";
  const bool is_plain = url.starts_with(kPlain);
  const std::string_view rest = std::string_view(url).substr(
      is_plain ? kPlain.size() : kSecure.size() * url.starts_with(kSecure));
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const bool is_good = is_plain ? is_this_machine(host_of(authority)) : url.starts_with(kSecure);
  // A password in the URL is not repeated here.
  if (authority.find('@') != std::string_view::npos) {
    throw ConfigError(std::string(what) + " is a URL without user and password");
  }
  if (!is_good || host_of(authority).empty()) {
    throw ConfigError(std::string(what) +
                      " is a URL with https://, or with http:// on this machine; '" + url +
                      "' is none");
  }
}

}  // namespace flowlens::lookup
