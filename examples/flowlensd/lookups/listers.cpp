// The one table of sources that list: a kind, and what makes its listers out of the settings.
#include "lookups/listers.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "flowlens/dhcp_leases.hpp"
#include "flowlens/error.hpp"
#include "flowlens/hosts_file.hpp"
#include "flowlens/inventory_file.hpp"
#include "flowlens/zone_file.hpp"
#include "lookups/cloud_sources.hpp"
#ifdef FLOWLENSD_WITH_SNMP
#include "flowlens/snmp_lister.hpp"
#endif

namespace flowlensd {
namespace {

struct Making {
  const Settings& settings;
  const SiteTable& sites;
  const HeardExporters& heard;
  std::string_view source;
  std::vector<LookupSource>& out;
};

/// One lister for each path of a setting.
template <typename File>
void make_files(const Making& making, const std::string& paths) {
  for (const std::string& path : parts_of(paths)) {
    FactFileOptions options;
    options.path = path;
    options.sites = making.sites;
    auto file = std::make_unique<File>(options);
    const FactFileReport& report = file->report();
    making.out.push_back({std::string(making.source), std::move(file),
                          std::chrono::seconds(making.settings.lookup_interval_seconds), path,
                          [&report] {
                            return LookupRemarks{report.broken, report.passed_over, report.beyond,
                                                 report.first_error};
                          }});
  }
}

#ifdef FLOWLENSD_WITH_SNMP
SnmpOptions snmp_options(const Settings& s) {
  SnmpOptions options;
  if (s.snmp_version != "2c" && s.snmp_version != "3") {
    throw ConfigError("version is 2c or 3, not `" + s.snmp_version + "`");
  }
  options.version = s.snmp_version == "3" ? SnmpVersion::v3 : SnmpVersion::v2c;
  options.community = s.snmp_community;
  options.user = s.snmp_user;
  options.auth_protocol = s.snmp_auth_protocol;
  options.auth_password = s.snmp_auth_password;
  options.privacy_password = s.snmp_privacy_password;
  options.port = static_cast<std::uint16_t>(s.snmp_port);
  options.timeout = std::chrono::milliseconds(s.snmp_timeout_ms);
  return options;
}

/// Whom the settings name: addresses, and networks whose exporters are asked once they are heard. A
/// datagram's sender can be anybody, so nobody is asked who is in none of them.
class AskedExporters : public FactLister {
 public:
  AskedExporters(const Settings& settings, HeardExporters heard)
      : snmp_(snmp_options(settings)), heard_(std::move(heard)) {
    for (const std::string& text : parts_of(settings.snmp_exporters)) {
      const auto network = IpPrefix::parse(text);
      if (!network) throw ConfigError("exporters: `" + text + "` is no address and no network");
      (network->length == kWhole ? addresses_ : networks_).push_back(*network);
    }
  }

  SnmpLister& snmp() noexcept { return snmp_; }
  const std::string& origin() const noexcept override { return snmp_.origin(); }
  std::vector<Fact> list(Timestamp now) override {
    std::set<IpAddress> asked = wanted();
    std::vector<Endpoint> exporters;
    for (const IpAddress& address : asked) exporters.push_back({SiteId{}, address});
    {
      const std::lock_guard lock(mutex_);
      asked_ = std::move(asked);
    }
    snmp_.ask(std::move(exporters));
    return snmp_.list(now);
  }
  /// Whether others were heard since. Any thread.
  [[nodiscard]] bool has_news() const {
    if (networks_.empty()) return false;
    const std::set<IpAddress> now = wanted();
    const std::lock_guard lock(mutex_);
    return now != asked_;
  }

 private:
  static constexpr std::uint8_t kWhole = 128;

  [[nodiscard]] std::set<IpAddress> wanted() const {
    std::set<IpAddress> asked;
    for (const IpPrefix& one : addresses_) asked.insert(one.address);
    for (const IpAddress& exporter : heard_ ? heard_() : std::vector<IpAddress>{}) {
      const auto holds = [&](const IpPrefix& network) { return network.contains(exporter); };
      if (std::any_of(networks_.begin(), networks_.end(), holds)) asked.insert(exporter);
    }
    return asked;
  }

  SnmpLister snmp_;
  HeardExporters heard_;
  std::vector<IpPrefix> addresses_, networks_;
  mutable std::mutex mutex_;
  std::set<IpAddress> asked_;  ///< last time
};

void make_snmp(const Making& making) {
  if (parts_of(making.settings.snmp_exporters).empty()) return;
  auto lister = std::make_unique<AskedExporters>(making.settings, making.heard);
  const AskedExporters& asked = *lister;
  SnmpLister& snmp = lister->snmp();
  making.out.push_back({std::string(making.source), std::move(lister),
                        std::chrono::seconds(making.settings.snmp_interval_seconds)});
  making.out.back().remarks = [&snmp] {
    const SnmpReport& report = snmp.report();
    return LookupRemarks{report.broken, 0, report.beyond, report.first_error};
  };
  making.out.back().stop = [&snmp] { snmp.stop(); };
  making.out.back().has_news = [&asked] { return asked.has_news(); };
}
#else
void make_snmp(const Making& making) {
  if (parts_of(making.settings.snmp_exporters).empty()) return;
  throw ConfigError("this flowlensd was built without net-snmp (FLOWLENS_WITH_SNMP)");
}
#endif

struct Row {
  std::string_view source;  ///< as metrics name it
  std::string_view setting;
  void (*make)(const Making&);
};

constexpr std::array kRows{
    Row{"inventory", "enrichment.files.inventory",
        [](const Making& m) { make_files<InventoryFile>(m, m.settings.inventory_files); }},
    Row{"hosts", "enrichment.files.hosts",
        [](const Making& m) { make_files<HostsFile>(m, m.settings.hosts_files); }},
    Row{"zone", "enrichment.files.zones",
        [](const Making& m) { make_files<ZoneFile>(m, m.settings.zone_files); }},
    Row{"dhcp", "enrichment.files.dhcp_leases",
        [](const Making& m) { make_files<DhcpLeases>(m, m.settings.lease_files); }},
    Row{"snmp", "enrichment.snmp", make_snmp},
};

}  // namespace

std::vector<LookupSource> make_lookup_sources(const Settings& settings, const SiteTable& sites,
                                              const DependencyGraph* graph, HeardExporters heard) {
  std::vector<LookupSource> sources;
  for (const Row& row : kRows) {
    try {
      row.make({settings, sites, heard, row.source, sources});
    } catch (const ConfigError& e) {
      throw ConfigError(std::string(row.setting) + ": " + e.what());
    }
  }
  add_cloud_sources(settings, graph, sources);
  return sources;
}

}  // namespace flowlensd
