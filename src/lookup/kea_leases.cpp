// Kea's memfile: CSV, a row for each change of a lease, the newest at the end.
#include <algorithm>
#include <array>

#include "lookup/csv_rows.hpp"
#include "lookup/lease.hpp"

namespace flowlens::lookup {

namespace {

/// Kea writes a comma within a cell as `&#x2c`.
std::string without_escapes(std::string_view cell) {
  constexpr std::string_view kComma = "&#x2c";
  std::string text;
  for (;;) {
    const std::size_t at = cell.find(kComma);
    text += cell.substr(0, at);
    if (at == std::string_view::npos) return text;
    text += ',';
    cell.remove_prefix(at + kComma.size());
  }
}

/// Where the columns that matter stand; they differ between versions.
class KeaRow {
 public:
  explicit KeaRow(const std::vector<std::string>& header) : header_(header) {}

  [[nodiscard]] bool is_v6() const { return place_of("duid") < header_.size(); }
  [[nodiscard]] bool is_kea() const {
    const auto has = [&](std::string_view column) { return place_of(column) < header_.size(); };
    return has("address") && has("valid_lifetime") && has("expire") &&
           (has("hwaddr") || has("duid"));
  }
  /// Rows of older versions end earlier. \return empty for what is not there.
  [[nodiscard]] std::string_view get(const std::vector<std::string>& cells,
                                     std::string_view column) const {
    const std::size_t at = place_of(column);
    return at < cells.size() ? std::string_view{cells[at]} : std::string_view{};
  }

 private:
  [[nodiscard]] std::size_t place_of(std::string_view column) const {
    return static_cast<std::size_t>(std::find(header_.begin(), header_.end(), column) -
                                    header_.begin());
  }
  std::vector<std::string> header_;
};

/// \return empty, or what is wrong.
std::string take_lease(const KeaRow& row, const std::vector<std::string>& cells, Lease& lease) {
  const auto address = IpAddress::parse(row.get(cells, "address"));
  if (!address) return shown(row.get(cells, "address")) + " is no address";
  const auto end = unix_time(row.get(cells, "expire"));
  const auto lifetime = number(row.get(cells, "valid_lifetime"));
  if (!end || !lifetime || *lifetime < 0) return "`expire` and `valid_lifetime` are not seconds";
  constexpr std::int64_t kForEver = 0xffffffff;  // RFC 8415 §7.7
  lease.address = *address;
  if (*lifetime < kForEver) {
    lease.end = *end;
    lease.start = std::max(*end - std::chrono::seconds{*lifetime}, Timestamp{});
  }
  const std::string_view state = row.get(cells, "state");
  lease.is_active = *lifetime > 0 && (state.empty() || state == "0");
  lease.mac = mac_text(row.get(cells, "hwaddr"));
  lease.client = octets_of(row.get(cells, row.is_v6() ? "duid" : "client_id"));
  lease.hostname = without_escapes(row.get(cells, "hostname"));
  return {};
}

}  // namespace

bool read_kea_leases(std::string_view text, const std::filesystem::path& file, FactSheet& sheet,
                     const LeaseSink& sink) {
  CsvRows rows{text, ',', sheet.options().max_line};
  if (rows.next() != CsvRows::Row::good) return false;
  const KeaRow row{rows.cells()};
  if (!row.is_kea()) return false;
  for (CsvRows::Row next = rows.next(); next != CsvRows::Row::end; next = rows.next()) {
    if (next == CsvRows::Row::broken) {
      sheet.broken(file, rows.line(), rows.error());
      continue;
    }
    constexpr std::string_view kPrefix = "2";  // a delegated network, no address
    if (row.is_v6() && row.get(rows.cells(), "lease_type") == kPrefix) {
      sheet.pass_over();
      continue;
    }
    Lease lease;
    lease.line = rows.line();
    const std::string wrong = take_lease(row, rows.cells(), lease);
    if (wrong.empty()) {
      sink(lease);
    } else {
      sheet.broken(file, rows.line(), wrong);
    }
  }
  return true;
}

}  // namespace flowlens::lookup
