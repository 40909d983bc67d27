/// \file
/// lookup: what a DNS server says to one question (RFC 1035 §4), and no more than that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/ip_address.hpp"

namespace flowlens::lookup {

enum class DnsType : std::uint16_t { a = 1, cname = 5, soa = 6, ptr = 12, aaaa = 28 };

inline constexpr std::size_t kMostSteps = 8;      ///< CNAMEs followed
inline constexpr std::size_t kMostRecords = 256;  ///< of an answer; further ones are not read

/// `4.3.2.1.in-addr.arpa`, or the nibbles of RFC 3596 §2.5.
[[nodiscard]] std::string reverse_name(const IpAddress& address);

struct DnsReply {
  /// Of type PTR, lower case, as in a zone file without escapes: labels may hold anything, so that
  /// is_host_name() has to follow. A label with a point in it is left out as none.
  std::vector<std::string> names;
  std::size_t refused_names = 0;
  std::vector<IpAddress> addresses;           ///< of type A or AAAA
  std::uint32_t ttl = 0;                      ///< seconds; the least of all records that led here
  std::optional<std::uint32_t> negative_ttl;  ///< RFC 2308 §5; where the server says it
};

/// \param asked  what the question was, lower case.
/// \return nothing for a message that is damaged, or answers another question.
[[nodiscard]] std::optional<DnsReply> read_dns_reply(std::span<const std::byte> message,
                                                     std::string_view asked, DnsType type);

}  // namespace flowlens::lookup
