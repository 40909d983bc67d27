#include "flowlens/inventory_file.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "flowlens/asset_type.hpp"
#include "flowlens/id.hpp"
#include "lookup/inventory_rows.hpp"

namespace flowlens {

namespace {

using lookup::FactSheet;
using lookup::InventoryRow;

constexpr std::array<std::string_view, 14> kAddressColumns = {
    "address",     "addresses",   "ip",   "ips",  "ip_address",   "ip_addresses", "primary_ip",
    "primary_ip4", "primary_ip6", "ipv4", "ipv6", "ipv4_address", "ipv6_address", "primary_ipv4"};
/// The first that a row has is the machine's name.
constexpr std::array<std::string_view, 5> kNameColumns = {"name", "hostname", "host", "fqdn",
                                                          "dns_name"};
constexpr std::array<std::string_view, 5> kBookkeeping = {"url", "display", "display_url",
                                                          "created", "last_updated"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// The vocabulary of facts for words that inventories use.
std::string_view usual(std::string_view column) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kWords = {{
      {"os", "operating_system"},
      {"env", "environment"},
      {"mac_address", "mac"},
      {"comments", "description"},
      {"serial_number", "serial"},
  }};
  const auto* const found = std::find_if(kWords.begin(), kWords.end(),
                                         [&](const auto& word) { return word.first == column; });
  return found == kWords.end() ? column : found->second;
}

/// \return empty where the row has no such column.
std::string_view cell(const InventoryRow& row, std::string_view column) {
  for (const auto& [name, text] : row.cells) {
    if (name == column) return text;
  }
  return {};
}

class RowTeller {
 public:
  RowTeller(const std::map<std::string, SiteId, std::less<>>& sites, FactSheet& sheet)
      : sites_(sites), sheet_(sheet) {}

  void tell(const InventoryRow& row) {
    row_ = &row;
    site_ = sheet_.options().site;
    addresses_.clear();
    if (!take_site() || !take_addresses()) return;
    if (addresses_.empty()) return sheet_.pass_over();
    name_column_ = {};
    for (const std::string_view column : kNameColumns) {
      if (name_column_.empty() && !cell(row, column).empty()) name_column_ = column;
    }
    const std::string asset = asset_id();
    for (const IpAddress& address : addresses_) tell_of(address, asset);
  }

 private:
  void broken(const std::string& what) { sheet_.broken(row_->line, row_->where + what); }
  [[nodiscard]] bool has_sites() const { return sites_.size() > 1; }

  bool take_site() {
    const std::string_view name = cell(*row_, "site");
    if (name.empty() || !has_sites()) return true;
    const auto found = sites_.find(name);
    if (found == sites_.end()) {
      broken("there is no site " + lookup::shown(name) + " in the configuration");
      return false;
    }
    site_ = found->second;
    return true;
  }

  bool take_addresses() {
    for (const auto& [column, text] : row_->cells) {
      if (is_one_of(kAddressColumns, column) && !take_addresses(text)) return false;
    }
    return true;
  }
  bool take_addresses(std::string_view text) {
    constexpr std::string_view kBetween = " \t\r\n,;|";
    for (;;) {
      text.remove_prefix(std::min(text.find_first_not_of(kBetween), text.size()));
      if (text.empty()) return true;
      const std::string_view word = text.substr(0, text.find_first_of(kBetween));
      text.remove_prefix(word.size());
      const auto address = IpAddress::parse(word.substr(0, word.find('/')));
      if (!address) {
        broken(lookup::shown(word) + " is no address");
        return false;
      }
      const bool is_known =
          std::find(addresses_.begin(), addresses_.end(), *address) != addresses_.end();
      if (is_known || !lookup::is_of_one_machine(*address)) continue;
      if (addresses_.size() == kMostAddresses) {
        broken("has more than " + std::to_string(kMostAddresses) + " addresses");
        return false;
      }
      addresses_.push_back(*address);
    }
  }

  /// Which machine the row is of; empty where it says nothing but an address.
  [[nodiscard]] std::string asset_id() const {
    const std::string_view told = cell(*row_, "asset");
    if (const auto id = Id::parse(told); id && !id->is_none()) return id->to_string();
    if (told.empty() && addresses_.size() == 1) return {};
    std::string key = told.empty() ? "machine:" : "asset:";
    key += !told.empty() ? told : name_column_.empty() ? "" : cell(*row_, name_column_);
    if (told.empty() && name_column_.empty()) key += addresses_.front().to_string();
    const std::string site{sheet_.options().sites.name(site_)};
    return derive_id(asset_namespace(), "inventory:" + site + ':' + key).to_string();
  }

  void tell_of(const IpAddress& address, const std::string& asset) {
    Fact fact = sheet_.about(address, FactSource::inventory);
    fact.subject.site = site_;
    sheet_.add(fact, "asset", asset, row_->line);
    for (const auto& [column, text] : row_->cells) {
      if (column == name_column_) {
        const std::string_view whole = lookup::host_name(text);  // without the point at the end
        sheet_.add(fact, "name", whole.empty() ? text : whole, row_->line);
      } else if (is_said_of_all(column)) {
        tell_attribute(fact, column, text);
      }
    }
  }

  /// Not what says which machine it is.
  [[nodiscard]] bool is_said_of_all(std::string_view column) const {
    return column != "asset" && column != "name" && !(column == "site" && has_sites()) &&
           !is_one_of(kAddressColumns, column) && !is_one_of(kBookkeeping, column);
  }

  void tell_attribute(const Fact& fact, std::string_view column, std::string_view text) {
    std::string attribute{usual(column)};
    std::string mac = attribute == "mac" ? lookup::mac_text(text) : "";
    // Words of the inventory's own must not decide what the map shows.
    const bool is_other_type = attribute == "type" && !parse_asset_type(text);
    if (is_other_type || attribute == "intermediary") attribute = "inventory." + attribute;
    if (!is_valid_attribute(attribute)) {
      return broken("column " + lookup::shown(column) + " is too long for an attribute");
    }
    sheet_.add(fact, attribute, mac.empty() ? text : std::string_view{mac}, row_->line);
  }

  static constexpr std::size_t kMostAddresses = 256;  // of a row
  const std::map<std::string, SiteId, std::less<>>& sites_;
  FactSheet& sheet_;
  const InventoryRow* row_ = nullptr;
  SiteId site_;
  std::vector<IpAddress> addresses_;
  std::string_view name_column_;  ///< empty: none
};

}  // namespace

InventoryFile::InventoryFile(const FactFileOptions& options) : FactFile("inventory", options) {
  sites_.emplace(options.sites.name(SiteId{}), SiteId{});
  // A number that the table did not give reads as `default`, which is 0's alone.
  for (std::uint32_t i = 1; i <= std::numeric_limits<std::uint16_t>::max(); ++i) {
    const SiteId id{static_cast<std::uint16_t>(i)};
    if (!sites_.emplace(options.sites.name(id), id).second) break;
  }
}

void InventoryFile::read(std::string_view text, lookup::FactSheet& sheet) {
  RowTeller teller{sites_, sheet};
  const lookup::InventorySink sink = [&](const InventoryRow& row) { teller.tell(row); };
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  const bool is_json =
      begin != std::string_view::npos && (text[begin] == '[' || text[begin] == '{');
  if (is_json) {
    lookup::read_inventory_json(text, sheet, sink);
  } else {
    lookup::read_inventory_csv(text, sheet, sink);
  }
}

}  // namespace flowlens
