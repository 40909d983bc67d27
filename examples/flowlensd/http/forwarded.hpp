/// \file
/// http: who asks, where a proxy stands before us.
#pragma once

#include <string_view>
#include <vector>

#include "flowlens/ip_address.hpp"
#include "http/message.hpp"

namespace flowlensd::http {

/// \param list  addresses and prefixes with commas between. \throws flowlens::ConfigError naming the one
/// that is none.
[[nodiscard]] std::vector<flowlens::IpPrefix> parse_trusted_proxies(std::string_view list);

[[nodiscard]] bool is_in(const flowlens::IpAddress& address,
                         const std::vector<flowlens::IpPrefix>& networks) noexcept;

/// The peer, or whom it speaks for if it is trusted: of Forwarded (RFC 7239), else X-Forwarded-For, the last
/// one that no trusted proxy is. What stands before that may be invented.
[[nodiscard]] flowlens::IpAddress client_of(const Request& request,
                                            const std::vector<flowlens::IpPrefix>& trusted);

/// Whether what the peer speaks for came by TLS: to us, or to a trusted proxy that says so by
/// X-Forwarded-Proto or the `proto` of Forwarded.
[[nodiscard]] bool is_encrypted(const Request& request,
                                const std::vector<flowlens::IpPrefix>& trusted);

}  // namespace flowlensd::http
