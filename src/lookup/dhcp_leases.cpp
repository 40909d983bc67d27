#include "flowlens/dhcp_leases.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "flowlens/error.hpp"
#include "lookup/lease.hpp"
#include "lookup/whole_file.hpp"

namespace flowlens {

namespace lookup {

std::string octets_of(std::string_view hex) {
  std::string octets;
  while (!hex.empty()) {
    const std::size_t end = std::min(hex.find(':'), hex.size());
    const std::string_view word = hex.substr(0, end);
    unsigned value = 0;
    for (const char c : lower(word)) {
      const bool is_digit = c >= '0' && c <= '9';
      if (!is_digit && (c < 'a' || c > 'f')) return {};
      value = value << 4 | static_cast<unsigned>(is_digit ? c - '0' : c - 'a' + 10);
    }
    if (word.empty() || word.size() > 2) return {};
    octets += static_cast<char>(value);
    const bool has_more = end < hex.size();
    hex.remove_prefix(has_more ? end + 1 : end);
    if (has_more && hex.empty()) return {};
  }
  return octets;
}

namespace {

std::string hex_of(std::string_view octets) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : octets) {
    if (!text.empty()) text += ':';
    text += kHex[static_cast<unsigned char>(c) >> 4];
    text += kHex[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

}  // namespace

std::string mac_of_client(std::string_view client) {
  constexpr std::string_view kIaidAndDuid{"\xff", 1}, kEthernet{"\1", 1};
  constexpr std::string_view kTimedEthernet{"\0\1\0\1", 4}, kPlainEthernet{"\0\3\0\1", 4};
  if (client.size() == 7 && client.starts_with(kEthernet))
    return mac_text(hex_of(client.substr(1)));
  if (client.size() > 5 && client.starts_with(kIaidAndDuid)) client.remove_prefix(5);
  if (client.size() == 14 && client.starts_with(kTimedEthernet))
    return mac_text(hex_of(client.substr(8)));
  if (client.size() == 10 && client.starts_with(kPlainEthernet))
    return mac_text(hex_of(client.substr(4)));
  return {};
}

}  // namespace lookup

namespace {

using lookup::FactSheet;
using lookup::Lease;

/// A time in which one machine had an address.
struct Period {
  Id asset;
  std::optional<Timestamp> since;
  Timestamp until;  ///< Timestamp::max(): no end is known
  bool is_active = true;
  Lease last;  ///< as it was written last
};
using Periods = std::map<IpAddress, std::vector<Period>>;

/// \return none for a lease of nobody's, such as an address that dhcpd found in use by a stranger.
Id machine_of(const Lease& lease, const FactSheet& sheet) {
  std::string key = lease.mac.empty() ? lookup::mac_of_client(lease.client) : lease.mac;
  if (!key.empty()) {
    key.insert(0, "mac:");
  } else if (!lease.client.empty()) {
    key = "client:" + lease.client;
  } else {
    return {};
  }
  const std::string site{sheet.options().sites.name(sheet.options().site)};
  return derive_id(asset_namespace(), "dhcp:" + site + ':' + key);
}

/// What the file says of each address, in the order of time.
class LeaseHistory {
 public:
  explicit LeaseHistory(FactSheet& sheet) : sheet_(sheet) {}

  void take(const Lease& lease) {
    const Id asset = machine_of(lease, sheet_);
    if (!lookup::is_of_one_machine(lease.address) || asset.is_none()) return sheet_.pass_over();
    if (periods_.size() >= sheet_.options().max_facts && !periods_.contains(lease.address)) {
      return sheet_.leave_out();
    }
    std::vector<Period>& known = periods_[lease.address];
    const Timestamp until = lease.end.value_or(Timestamp::max());
    Period* const last = known.empty() ? nullptr : &known.back();
    const bool is_same = last != nullptr && last->asset == asset && last->is_active;
    if (is_same && !lease.is_active) {
      last->until = std::min(last->until, until);
      last->is_active = false;
    } else if (is_same && (!lease.start || *lease.start <= last->until)) {
      last->until = until;
      last->last = lease;
    } else if (lease.is_active || lease.start) {
      known.push_back({asset, lease.start, until, lease.is_active, lease});
    }
  }
  [[nodiscard]] Periods& periods() noexcept { return periods_; }

 private:
  FactSheet& sheet_;
  Periods periods_;
};

void tell_asset(const Period& period, FactSheet& sheet) {
  Fact fact = sheet.about(period.last.address, FactSource::inventory);
  fact.since = period.since;
  if (period.until != Timestamp::max()) fact.expires = period.until;
  sheet.add(std::move(fact), "asset", period.asset.to_string(), period.last.line);
}

void tell_holder(const Period& period, FactSheet& sheet) {
  tell_asset(period, sheet);
  const Lease& lease = period.last;
  Fact fact = sheet.about(lease.address, FactSource::inventory);
  fact.expires = lease.end;
  sheet.add(fact, "mac", lease.mac, lease.line);
  // The client chose its name itself: of less weight than all who keep records.
  fact.source = FactSource::observed;
  const std::string_view name = lookup::host_name(lease.hostname);
  sheet.add(fact, "dhcp.hostname", name.empty() ? std::string_view{lease.hostname} : name,
            lease.line);
  sheet.add(fact, "name", name, lease.line);
}

/// Kea cleans up by copies beside the file: a finished one, or its last result and what was written since.
void read_kea_copies(FactSheet& sheet, const lookup::LeaseSink& sink) {
  const std::string path = sheet.options().path.string();
  std::error_code error;
  const bool is_finished = std::filesystem::exists(path + ".completed", error);
  for (const char* const end : {".completed", ".2", ".1"}) {
    if (is_finished != (std::string_view{end} == ".completed")) continue;
    const std::filesystem::path copy = path + end;
    if (!std::filesystem::exists(copy, error)) continue;
    try {
      lookup::read_kea_leases(lookup::read_file(copy, sheet.options().max_octets), copy, sheet,
                              sink);
    } catch (const IoError& trouble) {
      sheet.broken(copy, 0, trouble.what());
    }
  }
}

void read_leases(std::string_view text, FactSheet& sheet, const lookup::LeaseSink& sink) {
  const std::string_view header = lookup::trimmed(text.substr(0, text.find('\n')));
  if (header.starts_with("address,")) {
    read_kea_copies(sheet, sink);
    if (!lookup::read_kea_leases(text, sheet.options().path, sheet, sink)) {
      sheet.broken(1, "has not the columns of Kea's leases");
    }
    return;
  }
  const std::string_view begin = lookup::trimmed(text).substr(0, 5);
  const bool is_dnsmasq =
      begin == "duid " || (!begin.empty() && begin[0] >= '0' && begin[0] <= '9');
  is_dnsmasq ? lookup::read_dnsmasq_leases(text, sheet, sink)
             : lookup::read_isc_leases(text, sheet, sink);
}

}  // namespace

void DhcpLeases::read(std::string_view text, lookup::FactSheet& sheet) {
  LeaseHistory history{sheet};
  read_leases(text, sheet, [&](const Lease& lease) { history.take(lease); });

  std::map<IpAddress, Tenure> tenures;
  for (auto& [address, periods] : history.periods()) {
    if (periods.empty()) continue;
    // A file that was rewritten knows a lease from its last renewal on only.
    Period& first = periods.front();
    const auto known = tenures_.find(address);
    const bool is_known = known != tenures_.end() && known->second.asset == first.asset &&
                          first.since.value_or(sheet.now()) <= known->second.until;
    const Timestamp written = first.since.value_or(sheet.now());
    first.since = is_known ? std::min(written, known->second.since) : written;

    for (std::size_t i = 0; i + 1 < periods.size(); ++i) tell_asset(periods[i], sheet);
    const Period& last = periods.back();
    if (!last.is_active || last.until <= sheet.now()) continue;
    tell_holder(last, sheet);
    tenures[address] = {last.asset, last.since.value_or(sheet.now()), last.until};
  }
  tenures_ = std::move(tenures);
}

}  // namespace flowlens
