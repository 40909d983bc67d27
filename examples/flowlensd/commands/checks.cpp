#include "commands/checks.hpp"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/file.h>
#include <sys/timex.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "commands/http_get.hpp"
#include "library.hpp"
#include "pipeline/data_dir.hpp"
#include "pipeline/setting_files.hpp"
#include "pipeline/stores.hpp"

namespace flowlensd {
namespace {

namespace fs = std::filesystem;
using Result = Check::Result;

constexpr std::array<std::string_view, 4> kResults{"ok", "unknown", "warning", "BAD"};
constexpr std::uint64_t kLittleSpace = 1u << 30;
constexpr std::chrono::milliseconds kAnswerWait{3'000};
constexpr std::uint32_t kOldestPostgres = 150'000;
/// Map, alerts, applications, single flows, users; and with four API workers two each for questions about traffic and
/// single flows.
constexpr std::uint32_t kConnectionsOfADaemon = 9;
constexpr long kCertificateDays = 30;

std::string size_text(std::uint64_t octets) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f GiB",
                static_cast<double>(octets) / static_cast<double>(1u << 30));
  return text.data();
}

/// Whether somebody holds the lock of a data folder.
bool is_locked(const fs::path& folder) {
  const int file = open((folder / kLockFile).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool is_held = flock(file, LOCK_SH | LOCK_NB) != 0;
  close(file);
  return is_held;
}

void check_space(const fs::path& folder, std::vector<Check>& checks) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error) return;
  const bool is_little = space.available < kLittleSpace || space.available < space.capacity / 20;
  checks.push_back(
      {"disk", is_little ? Result::warning : Result::good,
       size_text(space.available) + " free of " + size_text(space.capacity) + " for " +
           folder.string(),
       is_little ? "make room, or keep windows for a shorter time (retention.*)" : ""});
}

void check_sqlite_file(const Settings& settings, std::vector<Check>& checks) {
  SqliteStoreOptions o;
  o.path = sqlite_file(settings);
  const SchemaVersion v = sqlite_schema_version(o);
  if (v.found == 0) {
    checks.push_back(
        {"database", Result::good, "none yet; SQLite will be made in the data folder", ""});
    return;
  }
  checks.push_back(
      {"database", Result::good,
       o.path.string() + ": schema version " + std::to_string(v.found) + " of " +
           std::to_string(v.newest) + ", " + size_text(fs::file_size(o.path)),
       v.found < v.newest ? "the next start brings it up to date; back it up before" : ""});
}

void check_connections(const PostgresServer& server, bool is_running, std::vector<Check>& checks) {
  const std::uint32_t wanted = server.connections + (is_running ? 0 : kConnectionsOfADaemon);
  const bool is_tight = wanted + 5 > server.max_connections;  // some are kept for superusers
  checks.push_back({"connections", is_tight ? Result::warning : Result::good,
                    std::to_string(server.connections) +
                        " of max_connections = " + std::to_string(server.max_connections) +
                        " in use; flowlensd takes " + std::to_string(kConnectionsOfADaemon),
                    is_tight ? "raise max_connections, or put PgBouncer between" : ""});
}

void check_postgres(const std::string& connection, bool is_running, std::vector<Check>& checks) {
  PostgresStoreOptions o;
  o.connection = connection;
  const PostgresServer server = inspect_postgres(o);
  const SchemaVersion v = postgres_schema_version(o);
  Check check{"database", Result::good,
              "PostgreSQL " + std::to_string(server.version / 10'000) + "." +
                  std::to_string(server.version % 10'000) + " at " + server.where +
                  ", schema version " + std::to_string(v.found) + " of " +
                  std::to_string(v.newest) + ", " + size_text(server.database_octets),
              ""};
  if (server.version < kOldestPostgres) {
    check = {"database", Result::bad, check.says, "FlowLens wants PostgreSQL 15 or later"};
  } else if (server.is_read_only) {
    check = {"database", Result::bad, check.says + "; a standby", "name the primary"};
  } else if (!server.may_create) {
    check = {"database", Result::bad, check.says + "; the user may not create schemas",
             "GRANT CREATE ON DATABASE to the user, or make it the owner"};
  }
  checks.push_back(std::move(check));
  check_connections(server, is_running, checks);
}

/// Days that a certificate is good for; nothing: the file holds none.
std::optional<long> certificate_days(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "re"),
                                                             std::fclose};
  if (!file) return std::nullopt;
  const std::unique_ptr<X509, void (*)(X509*)> certificate{
      PEM_read_X509(file.get(), nullptr, nullptr, nullptr), X509_free};
  if (!certificate) return std::nullopt;
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate.get())) != 1)
    return 0;
  return seconds < 0 ? days - 1 : days;
}

/// Every file of TLS that settings name: it must be readable, and a certificate in it still good.
void check_certificates(const Settings& settings, std::vector<Check>& checks) {
  for (const Setting& s : settings_table()) {
    const auto* member = std::get_if<std::string Settings::*>(&s.field);
    const bool is_of_tls =
        s.name().starts_with("api.tls.") || s.name().starts_with("ingestion.tls.");
    if (member == nullptr || !is_of_tls) continue;
    const std::string& path = settings.*(*member);
    if (!path.starts_with('/') && !fs::exists(path)) continue;  // no file's name
    if (access(path.c_str(), R_OK) != 0) {
      checks.push_back({"certificates", Result::bad,
                        std::string(s.name()) + ": " + path + " cannot be read",
                        "make it readable for the user of flowlensd"});
      continue;
    }
    const auto days = certificate_days(path);
    if (!days) continue;
    const Result result = *days < 0                  ? Result::bad
                          : *days < kCertificateDays ? Result::warning
                                                     : Result::good;
    checks.push_back(
        {"certificates", result,
         path + (*days < 0 ? " has expired" : " is good for " + std::to_string(*days) + " days"),
         result == Result::good ? "" : "renew it, and send flowlensd a SIGHUP"});
  }
}

/// Values of a label of a family in Prometheus' text form.
std::set<std::string> label_values(const std::string& metrics, const std::string& family,
                                   const std::string& label) {
  std::set<std::string> values;
  const std::string begin = family + "{";
  const std::string wanted = label + "=\"";
  for (std::size_t at = metrics.find(begin); at != metrics.npos; at = metrics.find(begin, at + 1)) {
    const std::size_t end = metrics.find('\n', at);
    const std::size_t value = metrics.find(wanted, at);
    if (value >= end) continue;
    const std::size_t first = value + wanted.size();
    values.insert(metrics.substr(first, metrics.find('"', first) - first));
  }
  return values;
}

/// The value of a metric without labels.
double metric(const std::string& metrics, const std::string& name) {
  const std::size_t at = metrics.find("\n" + name + " ");
  return at == metrics.npos ? 0 : std::strtod(metrics.c_str() + at + name.size() + 2, nullptr);
}

void check_exporters(const std::string& metrics, std::vector<Check>& checks) {
  const auto exporters = label_values(metrics, "flowlens_flows_received_total", "exporter");
  if (exporters.empty()) {
    checks.push_back({"exporters", Result::warning, "none has been heard",
                      "have routers export to this host's ports; see that no firewall is between "
                      "(tcpdump -ni any udp port 2055 shows what arrives)"});
    return;
  }
  std::string names;
  std::size_t shown = 0;
  for (const std::string& name : exporters) {
    if (++shown <= 5) names += (names.empty() ? "" : ", ") + name;
  }
  checks.push_back({"exporters", Result::good,
                    std::to_string(exporters.size()) + " heard: " + names +
                        (shown > 5 ? ", …; /api/v1/exporters lists all" : ""),
                    ""});
}

void check_losses(const std::string& metrics, std::vector<Check>& checks) {
  const double lost = metric(metrics, "flowlens_datagrams_kernel_dropped_total");
  if (lost == 0) return;
  checks.push_back(
      {"losses", Result::warning,
       std::to_string(static_cast<std::uint64_t>(lost)) + " datagrams were dropped by the kernel",
       "give more receive buffer or more workers; docs/operation.md says how"});
}

/// The value of a metric with labels: the first whose line begins so.
double labelled(const std::string& metrics, const std::string& begin) {
  const std::size_t at = metrics.find("\n" + begin);
  const std::size_t value = at == metrics.npos ? at : metrics.find("} ", at);
  return value == metrics.npos ? 0 : std::strtod(metrics.c_str() + value + 2, nullptr);
}

/// Why exporters' connections came to nothing.
void check_streams(const std::string& metrics, std::vector<Check>& checks) {
  constexpr std::pair<const char*, const char*> kReasons[] = {
      {"handshake_failed",
       "the log and /api/v1/sources say why: a certificate that "
       "ingestion.tls.client_ca_file does not know, or an old TLS"},
      {"bad_version", "something else than IPFIX is sent there, NetFlow or TLS without TLS here"},
      {"too_many", "raise ingestion.max_connections or max_connections_per_exporter"},
      {"not_allowed", "the exporter is missing in ingestion.allowed_exporters"}};
  for (const auto& [reason, advice] : kReasons) {
    const double count = labelled(
        metrics, std::string("flowlens_ipfix_connections_ended_total{reason=\"") + reason + "\"");
    if (count == 0) continue;
    checks.push_back(
        {"connections", Result::warning,
         std::to_string(static_cast<std::uint64_t>(count)) + " of exporters were closed: " + reason,
         advice});
  }
}

/// Folders and forwarding.
void check_flow_files(const std::string& metrics, std::vector<Check>& checks) {
  for (const std::string& folder :
       label_values(metrics, "flowlens_watched_files_total", "folder")) {
    const std::string begin = "flowlens_watched_files_total{folder=\"" + folder + "\",outcome=\"";
    const double read = labelled(metrics, begin + "read\"");
    const double broken = labelled(metrics, begin + "broken\"");
    checks.push_back({"watched folder", broken > 0 ? Result::warning : Result::good,
                      folder + ": " + std::to_string(static_cast<std::uint64_t>(read)) +
                          " files read, " + std::to_string(static_cast<std::uint64_t>(broken)) +
                          " broken",
                      broken > 0 ? "the log and /api/v1/sources name them" : ""});
  }
  if (metrics.find("\nflowlens_forward_connected ") == metrics.npos) return;
  const bool is_connected = metric(metrics, "flowlens_forward_connected") != 0;
  checks.push_back({"forwarding", is_connected ? Result::good : Result::warning,
                    is_connected ? "flows are sent on" : "the collector cannot be reached",
                    is_connected ? "" : "see ingestion.forward.host and port, and the log"});
}

}  // namespace

std::string_view to_string(Check::Result result) noexcept {
  return kResults[static_cast<std::size_t>(result)];
}

RunningDaemon find_running(const Settings& s) {
  RunningDaemon running;
  running.holds_data_dir = is_locked(s.data_dir);
  const bool is_any = s.api_host == IpAddress::v4(0) || s.api_host == *IpAddress::parse("::");
  const IpAddress host = is_any ? IpAddress::v4(0x7f000001) : s.api_host;
  const auto port = static_cast<std::uint16_t>(s.api_port);
  if (port == 0) return running;
  running.health = http_get(host, port, "/health", kAnswerWait);
  if (running.health) running.metrics = http_get(host, port, "/metrics", kAnswerWait);
  return running;
}

void check_settings(const Loaded& loaded, std::vector<Check>& checks) {
  const std::string from = loaded.config_file.empty() ? "no file" : loaded.config_file;
  checks.push_back(
      {"settings", Result::good, "sound (" + from + "); flowlensd config shows them", ""});
  for (const std::string& warning : loaded.warnings) {
    checks.push_back({"settings", Result::warning, warning, ""});
  }
}

void check_files(const Settings& settings, std::vector<Check>& checks) {
  try {
    check_setting_files(settings);
    checks.push_back(
        {"files", Result::good, "all that settings name can be read and understood", ""});
  } catch (const Error& e) {
    checks.push_back({"files", Result::bad, e.what(), ""});
  }
  check_certificates(settings, checks);
}

void check_data_dir(const Settings& settings, const RunningDaemon& running,
                    std::vector<Check>& checks) {
  const fs::path folder = settings.data_dir;
  std::error_code error;
  if (!fs::exists(folder, error)) {
    const fs::path above = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
    const bool may = access(above.c_str(), W_OK) == 0;
    checks.push_back({"data folder", may ? Result::good : Result::bad,
                      folder.string() + " is not there" +
                          (may ? "; the start will make it" : " and cannot be made"),
                      may ? "" : "make it, and give it to the user of flowlensd"});
    return;
  }
  const bool may = access(folder.c_str(), R_OK | W_OK | X_OK) == 0;
  checks.push_back({"data folder", may ? Result::good : Result::bad,
                    folder.string() +
                        (running.holds_data_dir ? ", held by a running flowlensd" : ", free") +
                        (may ? "" : "; cannot be written by this user"),
                    may ? "" : "chown it to the user of flowlensd, or run doctor as that user"});
  check_space(folder, checks);
}

void check_database(const Settings& settings, const RunningDaemon& running,
                    std::vector<Check>& checks) {
  try {
    const std::string connection = postgres_connection(settings);
    if (connection.empty()) {
      check_sqlite_file(settings, checks);
    } else {
      check_postgres(connection, running.health.has_value(), checks);
    }
  } catch (const std::exception& e) {
    checks.push_back({"database", Result::bad, e.what(), ""});
  }
}

void check_clock(std::vector<Check>& checks) {
  timex state{};
  const int result = adjtimex(&state);
  const std::string now = to_string(
      Timestamp{std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())});
  if (result < 0) {
    checks.push_back({"clock", Result::unknown,
                      now + "; the kernel does not say whether it is synchronised", ""});
  } else if (result == TIME_ERROR || (state.status & STA_UNSYNC) != 0) {
    checks.push_back({"clock", Result::warning,
                      now + "; not synchronised, as far as the kernel knows",
                      "run chrony or systemd-timesyncd: flows of exporters with other times are "
                      "clamped to an hour"});
  } else {
    checks.push_back({"clock", Result::good, now + ", synchronised", ""});
  }
}

void check_daemon(const RunningDaemon& running, std::vector<Check>& checks) {
  if (!running.health) {
    checks.push_back(
        {"daemon", running.holds_data_dir ? Result::warning : Result::unknown,
         running.holds_data_dir ? "runs, but its API does not answer here" : "does not run",
         running.holds_data_dir ? "is api.host or api.port another, or TLS on?" : ""});
    return;
  }
  const auto health = nlohmann::json::parse(*running.health, nullptr, false);
  const std::string status = health.is_object() ? health.value("status", "") : "";
  std::string trouble;
  if (health.is_object() && health.contains("checks")) {
    for (const auto& [name, value] : health["checks"].items()) {
      if (!value.is_string() || value == "ok" || value == "not_configured") continue;
      trouble += "; " + name + ": " + value.get<std::string>();
    }
  }
  checks.push_back(
      {"daemon",
       status == "healthy"    ? Result::good
       : status == "degraded" ? Result::warning
                              : Result::bad,
       "runs: " + (status.empty() ? "something else answers at its port" : status) + trouble, ""});
  if (!running.metrics) return;
  check_exporters(*running.metrics, checks);
  check_losses(*running.metrics, checks);
  check_streams(*running.metrics, checks);
  check_flow_files(*running.metrics, checks);
}

}  // namespace flowlensd
