#include "config/exporter_list.hpp"
#include "config/forwarding.hpp"
#include "config/roles.hpp"
#include "config/settings.hpp"
#include "flowlens/error.hpp"
#include "flowlens/external_peers.hpp"

namespace flowlensd {
namespace {

using flowlens::ConfigError;

constexpr std::size_t kMinSecretOctets = 32;  // RFC 7518 §3.2 for HS256

void check_secret(const std::string& secret, const char* name, bool is_production) {
  if (secret.empty()) return;
  const std::string advice =
      "; give 32 or more random octets (`openssl rand -hex 32`), or leave it out: flowlensd then "
      "makes one and keeps it";
  if (secret.starts_with("${")) {
    throw ConfigError(std::string(name) + ": the name of a variable stands where its value should" +
                      advice);
  }
  if (is_production && is_placeholder_secret(secret)) {
    throw ConfigError(std::string(name) + ": `" + secret + "` is known to everybody" + advice);
  }
  if (is_production && secret.size() < kMinSecretOctets) {
    throw ConfigError(std::string(name) + ": " + std::to_string(secret.size()) +
                      " octets can be guessed" + advice);
  }
}

void check_auth(const Settings& s) {
  check_secret(s.auth_secret_key, "AUTH_SECRET_KEY (api.auth.jwt_secret)",
               s.environment == "production");
  check_secret(s.jwt_secret, "JWT_SECRET", s.environment == "production");
  if (s.auth_algorithm != "HS256" && s.auth_algorithm != "HS384" && s.auth_algorithm != "HS512") {
    throw ConfigError("AUTH_ALGORITHM: `" + s.auth_algorithm +
                      "` is not valid; give HS256, HS384 or HS512: flowlensd alone makes and reads "
                      "these tokens, so a key pair would gain nothing");
  }
}

void check_roles(const Settings& s) {
  if (parse_roles(s.roles).is_whole() || !s.database_url.empty() || !s.postgres_host.empty())
    return;
  throw ConfigError("FLOWLENS_ROLES (roles): `" + s.roles +
                    "` leaves something to other processes, and they meet in PostgreSQL; name the "
                    "database (DATABASE_URL or POSTGRES_HOST), or give all");
}

std::string value_of(const Settings& s, std::string_view name) {
  return value_text(s, *find_setting(name));
}

}  // namespace

bool is_placeholder_secret(std::string_view secret) noexcept {
  return secret == "change-me" || secret == "generate-a-64-char-random-string-here";
}

void check_together(const Settings& s) {
  check_roles(s);
  if (s.sample_threshold > s.drop_threshold) {
    throw ConfigError("INGESTION_SAMPLE_THRESHOLD (" + std::to_string(s.sample_threshold) +
                      ") is above INGESTION_DROP_THRESHOLD (" + std::to_string(s.drop_threshold) +
                      "); sampling has to begin first");
  }
  if (s.drop_threshold > s.queue_max_size) {
    throw ConfigError("INGESTION_DROP_THRESHOLD (" + std::to_string(s.drop_threshold) +
                      ") is above INGESTION_QUEUE_MAX_SIZE (" + std::to_string(s.queue_max_size) +
                      "); the queue would be full before datagrams are refused");
  }
  if (s.routing_mode != "auto" && s.routing_mode != "postgres" && s.routing_mode != "direct" &&
      s.routing_mode != "kafka") {
    throw ConfigError("FLOWLENS_ROUTING_MODE: `" + s.routing_mode +
                      "` is not valid; give auto, postgres or kafka");
  }
  if (s.raw_flows_batch_low > s.raw_flows_batch_high) {
    throw ConfigError("flowlens.thresholds.postgresql.batch_size_low (" +
                      std::to_string(s.raw_flows_batch_low) + ") is above batch_size_high (" +
                      std::to_string(s.raw_flows_batch_high) + ")");
  }
  if (!flowlens::parse_peer_grouping(s.external_grouping)) {
    throw ConfigError("FLOWLENS_EXTERNAL_GROUPING: `" + s.external_grouping +
                      "` is not valid; give all, prefix, as_number or country");
  }
  if (s.classification_update_confidence > s.classification_high_confidence) {
    throw ConfigError("CLASSIFICATION_AUTO_UPDATE_CONFIDENCE_THRESHOLD (" +
                      value_of(s, "CLASSIFICATION_AUTO_UPDATE_CONFIDENCE_THRESHOLD") +
                      ") is above CLASSIFICATION_HIGH_CONFIDENCE_THRESHOLD (" +
                      value_of(s, "CLASSIFICATION_HIGH_CONFIDENCE_THRESHOLD") + ")");
  }
  if (s.tls_certificate_file.empty() != s.tls_key_file.empty()) {
    throw ConfigError("api.tls: certificate_file and key_file go together; only one is given");
  }
  if (!s.tls_client_ca_file.empty() && s.tls_certificate_file.empty()) {
    throw ConfigError(
        "api.tls.client_ca_file: clients show certificates only over TLS; give "
        "certificate_file and key_file too");
  }
  check_auth(s);
  static_cast<void>(parse_exporter_list(s.allowed_exporters));
  check_streams(s);
  check_forwarding(s);
  if (s.default_page_size > s.max_page_size) {
    throw ConfigError("API_DEFAULT_PAGE_SIZE (" + std::to_string(s.default_page_size) +
                      ") is above API_MAX_PAGE_SIZE (" + std::to_string(s.max_page_size) + ")");
  }
}

}  // namespace flowlensd
