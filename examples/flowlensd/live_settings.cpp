#include "live_settings.hpp"

#include <limits>
#include <memory>
#include <utility>

#include "config/exporter_list.hpp"
#include "log.hpp"
#include "pipeline/classifying.hpp"

namespace flowlensd {
namespace {

using Words = std::vector<std::string>;

/// The rules are read again even if their file still has the same name.
Configuration::Prepare rules_of(Classifier& classifier) {
  return [&classifier](const Settings& now, Words& words) -> Configuration::Commit {
    if (now.classification_rules_file.empty()) return {};
    auto rules = std::make_shared<Classifier::Rules>(classifier_options(now).rules);
    words.push_back("classification.rules_file: " + now.classification_rules_file +
                    " was read again, " + std::to_string(rules->size()) + " rules");
    return [&classifier, rules] { classifier.replace_rules(std::move(*rules)); };
  };
}

/// New files are in use at once; damaged ones change nothing, and are no reason to refuse the rest.
Configuration::Prepare databases_of(Geo& geo) {
  return [&geo](const Settings&, Words& words) -> Configuration::Commit {
    for (std::string& what : geo.reload()) words.push_back("enrichment.geoip: " + std::move(what));
    return {};
  };
}

/// The last of all to prepare: it goes by its files at once, or not at all.
Configuration::Prepare certificates_of(http::Server& server) {
  return [&server](const Settings& now, Words& words) -> Configuration::Commit {
    if (now.tls_certificate_file.empty()) return {};
    if (std::string problem = server.reload_certificates(); !problem.empty()) {
      throw ConfigError(problem);
    }
    words.push_back("api.tls.certificate_file: " + now.tls_certificate_file + " was read again");
    return {};
  };
}

/// The same of the port for IPFIX over TLS.
Configuration::Prepare certificates_of(Ingest& ingest) {
  return [&ingest](const Settings& now, Words& words) -> Configuration::Commit {
    if (now.ipfix_tls_port == 0) return {};
    ingest.reload_certificates();
    words.push_back("ingestion.tls.certificate_file: " + now.ingestion_tls_certificate_file +
                    " was read again");
    return {};
  };
}

/// Those that the parts read at their start, and keep.
void watch_files(Configuration& configuration) {
  for (const char* name : {"dependency_resolution.network_file", "ingestion.elements_file",
                           "classification.networks_file"}) {
    const Setting& setting = *find_setting(name);
    configuration.watch_file(setting, value_text(configuration.current()->settings, setting));
  }
}

}  // namespace

Retention retention_of(const Settings& s) {
  using std::chrono::days;
  return {days(s.keep_windows_days), days(s.keep_hours_days), days(s.keep_days_days),
          days(s.keep_events_days)};
}

PressureOptions pressure_of(const Settings& s) {
  PressureOptions o;
  constexpr auto kNever = std::numeric_limits<std::size_t>::max();
  o.sample_at = s.backpressure_enabled ? s.sample_threshold : kNever;
  o.refuse_at = s.backpressure_enabled ? s.drop_threshold : kNever;
  o.keep_one_in = static_cast<std::uint32_t>(s.sample_rate);
  return o;
}

void follow_settings(Configuration& configuration, const LiveParts& parts) {
  configuration.on_change([parts](const Settings& now, Words&) -> Configuration::Commit {
    return [parts, options = log::options_of(now), retention = retention_of(now),
            pressure = pressure_of(now), allowed = parse_exporter_list(now.allowed_exporters)] {
      log::change(options);
      if (parts.store != nullptr) parts.store->change(retention);
      if (parts.ingest == nullptr) return;
      parts.ingest->change(pressure);
      parts.ingest->allow(allowed);
    };
  });
  if (parts.classifier != nullptr) configuration.on_reload(rules_of(*parts.classifier));
  if (parts.geo != nullptr) configuration.on_reload(databases_of(*parts.geo));
  if (parts.ingest != nullptr) configuration.on_reload(certificates_of(*parts.ingest));
  if (parts.server != nullptr) configuration.on_reload(certificates_of(*parts.server));
  watch_files(configuration);
}

void reload_settings(Configuration& configuration) {
  try {
    const ConfigurationChange change = configuration.reload();
    log::info("config", "the settings were read again", {{"changed", change.changed}});
    if (!change.needs_restart.empty()) {
      log::warning("config", "these changes need a restart", {{"changes", change.needs_restart}});
    }
  } catch (const std::exception& e) {
    log::error("config", "the settings stay as they were: something is wrong with the new ones",
               {{"reason", e.what()}});
  }
}

}  // namespace flowlensd
