/// \file
/// config: every setting of flowlensd, in one table. The table is the source for YAML, environment,
/// command line, `--help` and error messages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "flowlens/capture_reader.hpp"
#include "flowlens/graph_export.hpp"
#include "flowlens/ip_address.hpp"

namespace flowlensd {

enum class LogLevel : std::uint8_t { debug, info, warning, error, critical };
enum class LogFormat : std::uint8_t { automatic, json, console };

/// The effective values. The defaults are those of reference/DECISIONS.md.
struct Settings {
  std::string roles = "all";  ///< with commas between; see parse_roles()
  flowlens::IpAddress bind_address = flowlens::IpAddress::v4(0);
  std::uint64_t netflow_port = 2055;  ///< 0: not listened on; so for the other two
  std::uint64_t ipfix_port = 4739;
  std::uint64_t sflow_port = 6343;
  std::uint64_t ipfix_tcp_port = 0;  ///< 0: not listened on; so for TLS
  std::uint64_t ipfix_tls_port = 0;
  std::string ingestion_tls_certificate_file;  ///< of the port for TLS
  std::string ingestion_tls_key_file;
  std::string ingestion_tls_client_ca_file;   ///< empty: no certificate is asked of exporters
  bool ingestion_tls_client_required = true;  ///< with a client_ca_file
  std::uint64_t max_connections = 1'000;
  std::uint64_t max_connections_per_exporter = 50;
  std::uint64_t connection_idle_seconds = 1'800;  ///< 0: for ever
  std::string watch_directories;                  ///< with commas between; empty: none
  std::uint64_t watch_settle_seconds = 60;
  std::string forward_host;  ///< an IP address; empty: nothing is sent on
  std::uint64_t forward_port = 4739;
  std::string forward_protocol = "udp";   ///< udp or tcp
  std::string forward_filter;             ///< of flows; empty: all
  std::uint64_t forward_one_in = 1;       ///< conversations
  std::uint64_t forward_queue = 100'000;  ///< flows
  std::uint64_t workers = 0;              ///< 0: one a core, at most two
  std::string elements_file;              ///< empty: none
  std::string allowed_exporters;  ///< addresses and prefixes with commas between; empty: all
  std::uint64_t receive_buffer_octets = 16u << 20;
  std::uint64_t batch_size = 1'000;  ///< flows
  std::uint64_t batch_timeout_ms = 1'000;
  std::uint64_t queue_max_size = 100'000;  ///< flows
  bool backpressure_enabled = true;
  std::uint64_t sample_threshold = 50'000;  ///< flows waiting
  std::uint64_t drop_threshold = 80'000;    ///< flows waiting
  std::uint64_t sample_rate = 10;           ///< one conversation in so many is kept
  std::uint64_t window_seconds = 300;
  double flush_interval_seconds = 5;
  std::uint64_t external_max_peers = 5'000;  ///< of one service; more are shown in groups
  std::string network_file;                  ///< empty: none; see known_network.hpp
  std::string external_grouping = "all";     ///< see flowlens::PeerGrouping
  bool exclude_external_ips = false;         ///< from views, as all up to stale_hours
  bool exclude_external_sources = false;
  bool exclude_external_targets = false;
  std::uint64_t min_asset_flows = 1;
  std::uint64_t min_dependency_flows = 1;
  double min_dependency_confidence = 0;
  std::uint64_t stale_hours = 24;  ///< without traffic; 0: nothing is ever marked
  bool geoip_enabled = true;
  std::string geoip_database_path;      ///< empty: none
  std::string geoip_asn_database_path;  ///< empty: none
  std::string inventory_files;  ///< paths with commas between; empty: none; so for the next three
  std::string hosts_files;
  std::string zone_files;
  std::string lease_files;
  std::string snmp_exporters;  ///< addresses with commas between; empty: nobody is asked
  std::string snmp_version = "2c";
  std::string snmp_community;
  std::string snmp_user;
  std::string snmp_auth_protocol = "SHA-256";
  std::string snmp_auth_password;
  std::string snmp_privacy_password;
  std::uint64_t snmp_port = 161;
  std::uint64_t snmp_timeout_ms = 1'000;
  std::uint64_t snmp_interval_seconds = 900;
  std::string cloud_range_files;     ///< paths with commas between; empty: none
  std::string cloud_instance_files;  ///< the same
  bool aws_enabled = false;
  std::string aws_regions = "us-east-1,us-west-2";
  std::uint64_t aws_refresh_seconds = 300;
  std::string
      aws_credentials_file;  ///< empty: as AWS' own programs look for them; so is the profile
  std::string aws_profile;
  std::string aws_endpoint;           ///< empty: AWS' own of each region
  std::string kubernetes_files;       ///< paths with commas between; empty: none
  std::string kubernetes_api_server;  ///< a URL, or in_cluster; empty: none
  std::string kubernetes_token_file;
  std::string kubernetes_ca_file;
  std::string kubernetes_certificate_file;
  std::string kubernetes_key_file;
  std::string kubernetes_cluster;
  std::uint64_t lookup_interval_seconds = 300;  ///< between two looks at a source
  bool dns_enabled = true;
  std::string dns_servers =
      "system";                   ///< or addresses with commas between, each with a port or without
  bool dns_external = true;       ///< whether names of external peers are asked, too
  double dns_timeout_ms = 2'000;  ///< of the first try
  std::uint64_t dns_cache_ttl_seconds = 3'600;
  std::uint64_t dns_negative_cache_ttl_seconds = 300;
  std::uint64_t dns_cache_size = 10'000;  ///< answers
  std::uint64_t dns_max_concurrent = 100;
  std::uint64_t cache_max_entries = 100'000;  ///< of all look-ups together
  bool changes_enabled = true;
  std::uint64_t changes_learning_days = 7;
  std::uint64_t changes_check_seconds = 300;
  std::uint64_t changes_max_baselines = 50'000;
  double changes_baseline_drift = 0.10;
  std::uint64_t classification_poll_ms = 30'000;
  std::uint64_t classification_batch_size = 100;  ///< assets
  std::uint64_t classification_min_hours = 24;
  std::uint64_t classification_min_flows = 100;
  double classification_update_confidence = 0.70;
  double classification_high_confidence = 0.85;
  std::uint64_t classification_interval_hours = 24;
  std::string classification_rules_file;     ///< empty: the rules that FlowLens comes with
  std::string classification_networks_file;  ///< empty: none
  std::string default_channels = "log";      ///< of alert rules that name none; with commas between
  std::string alerts_file;                   ///< empty: no channel `file`
  std::string webhook_url;                   ///< empty: no channel `webhook`
  std::string webhook_authorization;         ///< value of the header; empty: none
  std::uint64_t webhook_timeout_seconds = 5;
  flowlens::IpAddress api_host = flowlens::IpAddress::v4(0x7f000001);
  std::uint64_t api_port = 8000;            ///< 0: any free one, named in the log
  std::uint64_t metrics_port = 0;           ///< 0: Roles::default_metrics_port()
  std::string environment = "development";  ///< `production` refuses what is only fit for trying
  std::string trusted_proxies;              ///< addresses and prefixes with commas between
  std::string cors_origins = "*";           ///< with commas between
  bool rate_limiting_enabled = true;
  std::uint64_t rate_limit_requests = 100;  ///< in rate_limit_window_seconds
  std::uint64_t rate_limit_window_seconds = 60;
  std::string rate_limit;  ///< `100/minute`; empty: the two before
  std::string burst_limit = "20/second";
  bool websocket_enabled = true;
  std::uint64_t websocket_ping_seconds = 30;
  std::uint64_t websocket_max_connections = 1'000;
  std::string tls_certificate_file;  ///< empty: HTTP without TLS
  std::string tls_key_file;
  std::string tls_client_ca_file;  ///< empty: no certificate is asked of clients
  bool api_metrics_open = true;    ///< whether /metrics answers everybody
  bool auth_enabled = true;
  std::string auth_secret_key;  ///< of access tokens; empty: see jwt_secret
  std::string jwt_secret;       ///< the same by its other name; empty: one is made and kept
  std::string auth_algorithm = "HS256";
  std::uint64_t access_token_minutes = 30;
  std::uint64_t refresh_token_days = 7;
  std::uint64_t api_workers = 4;  ///< threads that answer requests
  std::uint64_t default_page_size = 50;
  std::uint64_t max_page_size = 1'000;
  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::automatic;
  bool log_include_timestamp = true;
  bool log_include_caller = true;
  std::uint64_t keep_windows_days = 90;  ///< 0: for ever; so for the next four
  std::uint64_t keep_hours_days = 730;
  std::uint64_t keep_days_days = 730;
  std::uint64_t keep_events_days = 730;
  std::uint64_t keep_audit_days = 365;  ///< 0: for ever
  std::uint64_t max_audit_rows = 1'000'000;
  std::uint64_t keep_raw_flows_days = 7;
  std::uint64_t raw_flows_max_octets = std::uint64_t{10} << 30;  ///< 0: no bound
  std::string routing_mode = "auto";          ///< auto, postgres (or direct), kafka
  std::uint64_t kafka_threshold = 10'000;     ///< flows a second
  std::uint64_t raw_flows_batch_low = 1'000;  ///< rows
  std::uint64_t raw_flows_batch_high = 10'000;
  std::uint64_t raw_flows_batch_timeout_ms = 1'000;
  std::uint64_t raw_flows_queue = 100'000;  ///< flows
  std::uint64_t channel_max_octets = std::uint64_t{1} << 30;
  std::uint64_t spool_max_octets = std::uint64_t{1} << 30;  ///< 0: no spool
  std::string data_dir;                                     ///< empty: see default_data_dir()
  std::string database_url;   ///< as libpq takes it; empty: see postgres_host
  std::string postgres_host;  ///< empty: the map is kept in data_dir, by SQLite
  std::uint64_t postgres_port = 5432;
  std::string postgres_user = "flowlens";
  std::string postgres_password = "flowlens";
  std::string postgres_database = "flowlens";
  std::uint64_t postgres_pool_size = 20;                ///< connections for questions, of each kind
  std::uint64_t postgres_pool_recycle_seconds = 1'800;  ///< 0: never
};

/// What one start is asked to do; command line only.
struct RunOptions {
  std::vector<std::filesystem::path> inputs;
  flowlens::CaptureContent input_kind = flowlens::CaptureContent::automatic;
  bool serve = false;
  std::string export_path;  ///< empty: none; `-`: standard output
  flowlens::ExportFormat export_format = flowlens::ExportFormat::json;
};

using SettingField = std::variant<std::uint64_t Settings::*, double Settings::*, bool Settings::*,
                                  std::string Settings::*, flowlens::IpAddress Settings::*,
                                  LogLevel Settings::*, LogFormat Settings::*>;

/// Whether a secret is one that the reference prints. Everybody knows it, so it counts as none.
[[nodiscard]] bool is_placeholder_secret(std::string_view secret) noexcept;
/// What else is true of a row; added up.
inline constexpr unsigned kSecret =
    1;                                ///< never shown; VARIABLE_FILE may name a file that holds it
inline constexpr unsigned kLive = 2;  ///< can change while the daemon runs

/// One row of the table.
struct Setting {
  std::string_view key;       ///< YAML path; empty: not in YAML
  std::string_view alias;     ///< a second YAML path, of another reference document
  std::string_view variable;  ///< environment variable; empty: none
  std::string_view option;    ///< `--netflow-port`; empty: none
  SettingField field;
  double least = 0;  ///< numbers only, in the unit of this row
  double most = 0;
  std::uint64_t scale = 1;  ///< what a number of this row is multiplied with to be stored
  std::string_view unit;    ///< `flows`, `seconds`, …
  std::string_view help;
  unsigned traits = 0;

  /// What messages and the settings API call it.
  [[nodiscard]] std::string_view name() const noexcept { return key.empty() ? variable : key; }
  [[nodiscard]] bool is_secret() const noexcept { return (traits & kSecret) != 0; }
  [[nodiscard]] bool is_live() const noexcept { return (traits & kLive) != 0; }
};

[[nodiscard]] std::span<const Setting> settings_table() noexcept;
/// Whether a row before this one sets the same field, in another unit.
[[nodiscard]] bool is_second_name(const Setting& setting) noexcept;

/// Sets one value from its text.
/// \param origin  where the text comes from, for the message: `flowlensd.yaml:3:7:
/// ingestion.workers`. \throws flowlens::ConfigError naming the origin, what is wrong and what
/// would be right.
void assign(Settings& settings, const Setting& setting, std::string_view text,
            std::string_view origin);

/// The value as text, for `--help`. Secrets stand there as they are.
[[nodiscard]] std::string value_text(const Settings& settings, const Setting& setting);
/// The same for people to see: a secret that is set is `********`.
[[nodiscard]] std::string shown_text(const Settings& settings, const Setting& setting);
/// The row of that YAML key, alias or variable; null if there is none.
[[nodiscard]] const Setting* find_setting(std::string_view name) noexcept;

/// Checks what no single value shows. \throws flowlens::ConfigError.
void check_together(const Settings& settings);

}  // namespace flowlensd
