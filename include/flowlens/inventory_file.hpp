/// \file
/// lookup: inventories that people and their tools keep, in CSV or JSON.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "flowlens/fact_file.hpp"

namespace flowlens {

/// A row a machine, told apart by itself: JSON begins with `[` or `{`, all else is CSV.
///
/// CSV is that of RFC 4180 with a header; `;` or a tab may stand for the comma. JSON is an array of
/// objects, an object of objects (each named by its key: a name or an address), or an object with such an
/// array as `results`, as NetBox's API answers. An object within a row says its `address`, `name`, `label`,
/// `value` or `display` if it has one, else what it holds, with points in between (`cloud.region`); a list
/// says its items with commas in between; what `custom_fields` holds counts as the row's own.
///
/// Of the columns, in any case, with `_` for other characters:
/// * `address`, `addresses`, `ip`, `ip_address`, `ip_addresses`, `primary_ip`, `primary_ip4`, `primary_ip6`,
///   `ipv4`, `ipv6`, ...: addresses, several in one cell with blanks, commas, semicolons or `|` in between. A
///   prefix length is dropped. A row without any is passed over.
/// * `name`, else `hostname`, `host`, `fqdn`, `dns_name`: the machine's `name`.
/// * `site`: a site of the map. Where the map has `default` only, it is an attribute as any other.
/// * `asset`: what identifies the machine; rows with the same are one asset. A row of several addresses is
///   one asset without it, too, by its name or first address.
/// * `type`: an asset type; another word becomes `inventory.type`.
/// * `os`, `env`, `mac_address`, `comments`, `serial_number` are `operating_system`, `environment`, `mac`,
///   `description` and `serial`.
/// * NetBox's `url`, `display`, `display_url`, `created`, `last_updated` are left out.
/// All others become attributes of their names.
///
/// Thread-compatible.
class InventoryFile final : public FactFile {
 public:
  /// \throws ConfigError as FactFile does.
  explicit InventoryFile(const FactFileOptions& options);

 private:
  void read(std::string_view text, lookup::FactSheet& sheet) override;

  std::map<std::string, SiteId, std::less<>> sites_;  ///< the map's, by name
};

}  // namespace flowlens
