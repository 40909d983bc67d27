// What a DNS server answers: any octets are read or refused, and what was read belongs to the question.
// The input: an octet for the type that is asked for (its lowest two bits), then the message.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "flowlens/dns_lookup.hpp"
#include "lookup/dns_message.hpp"

namespace {

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowlens;
  using namespace flowlens::lookup;
  if (size == 0) return 0;
  constexpr std::array kTypes{DnsType::ptr, DnsType::a, DnsType::aaaa, DnsType::ptr};
  const DnsType type = kTypes[data[0] & 3u];
  const auto message = std::as_bytes(std::span{data, size}).subspan(1);
  const char* asked = type == DnsType::ptr ? "9.113.0.203.in-addr.arpa" : "web.example";
  const auto reply = read_dns_reply(message, asked, type);
  if (!reply) return 0;
  if (type == DnsType::ptr ? !reply->addresses.empty() : !reply->names.empty()) {
    fail("something that was not asked for");
  }
  if (reply->names.size() + reply->refused_names + reply->addresses.size() > kMostRecords) {
    fail("more than the bound");
  }
  for (const IpAddress& address : reply->addresses) {
    if (type == DnsType::a && !address.is_v4()) fail("an A record with another address");
  }
  for (const std::string& name : reply->names) {
    if (name.size() > 255) fail("a name too long");
    if (std::any_of(name.begin(), name.end(),
                    [](unsigned char c) { return c >= 'A' && c <= 'Z'; })) {
      fail("a capital letter");
    }
    if (!is_host_name(name)) continue;
    const auto is_printable = [](unsigned char c) { return c > ' ' && c < 0x7f; };
    if (!std::all_of(name.begin(), name.end(), is_printable))
      fail("a host name that cannot be shown");
  }
  return 0;
}
