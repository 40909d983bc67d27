// dnsmasq.leases: a line a lease: when it ends, MAC (v6: IAID), address, host name, client identifier (v6: DUID).
#include <algorithm>
#include <array>

#include "lookup/lease.hpp"

namespace flowlens::lookup {

namespace {

/// \return how many words there are, at most one more than fit.
template <std::size_t N>
std::size_t split(std::string_view line, std::array<std::string_view, N>& words) noexcept {
  for (std::size_t count = 0;; ++count) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty() || count == N) return line.empty() ? count : N + 1;
    words[count] = line.substr(0, line.find_first_of(" \t"));
    line.remove_prefix(words[count].size());
  }
}

/// `06-52:54:...`: of another kind of network than Ethernet. `*`: not known.
std::string mac_of(std::string_view word) {
  const std::size_t dash = word.find('-');
  return mac_text(dash == 2 && word.find(':') != std::string_view::npos ? word.substr(3) : word);
}

}  // namespace

void read_dnsmasq_leases(std::string_view text, FactSheet& sheet, const LeaseSink& sink) {
  Lines lines{text};
  for (std::string_view line; lines.next(line);) {
    std::array<std::string_view, 5> words;
    const std::size_t count = split(line, words);
    const bool is_servers_own = count == 2 && words[0] == "duid";
    if (count == 0 || is_servers_own) continue;
    const auto end = unix_time(words[0]);
    const auto address = count == 5 ? IpAddress::parse(words[2]) : std::nullopt;
    if (!end || !address) {
      sheet.broken(lines.number(),
                   "is no lease of dnsmasq's: `1795082400 52:54:00:12:34:56 10.0.0.9 name id`");
      continue;
    }
    Lease lease;
    lease.line = lines.number();
    lease.address = *address;
    if (*end != Timestamp{}) lease.end = *end;
    if (address->is_v4()) lease.mac = mac_of(words[1]);
    if (words[3] != "*") lease.hostname = words[3];
    if (words[4] != "*") lease.client = octets_of(words[4]);
    sink(lease);
  }
}

}  // namespace flowlens::lookup
