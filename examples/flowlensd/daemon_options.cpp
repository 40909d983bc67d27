#include "daemon_options.hpp"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "config/comma_list.hpp"
#include "config/exporter_list.hpp"
#include "config/forwarding.hpp"
#include "config/own_elements.hpp"
#include "config/roles.hpp"
#include "http/forwarded.hpp"
#include "live_settings.hpp"

namespace flowlensd {

using std::chrono::milliseconds;

std::uint64_t random_key() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::size_t worker_count(const Settings& s) {
  if (s.workers > 0) return s.workers;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 2);
}

ResolverOptions resolver_options(const Settings& s, const KnownNetwork& known, const Geo& geo) {
  ResolverOptions o;
  o.enricher = known.enricher;
  o.aggregator.declared_services = known.services;
  o.aggregator.max_listeners = std::max(o.aggregator.max_listeners, known.listeners.size());
  o.aggregator.window = std::chrono::seconds(s.window_seconds);
  o.aggregator.hash_seed = random_key();
  o.external_peers.max_peers = s.external_max_peers;
  o.external_peers.grouping = *parse_peer_grouping(s.external_grouping);
  if (!geo.empty()) {
    o.external_peers.origin_of = [&geo](const IpAddress& address) {
      GeoRecord found = geo.find(address);
      return PeerOrigin{found.as_number, std::move(found.country)};
    };
  }
  o.graph.hash_seed = random_key();
  o.external_peers.hash_seed = random_key();
  o.changes.is_on = s.changes_enabled;
  o.changes.learning = std::chrono::hours(24 * s.changes_learning_days);
  o.changes.check_every = std::chrono::seconds(s.changes_check_seconds);
  o.changes.max_baselines = s.changes_max_baselines;
  o.changes.hash_seed = random_key();
  return o;
}

BaselineWatchOptions baseline_watch_options(const Settings& s) {
  BaselineWatchOptions o;
  o.min_drift = s.changes_baseline_drift;
  o.recent_hours = static_cast<std::uint32_t>(24 * s.changes_learning_days);
  return o;
}

std::vector<std::uint16_t> listening_ports(const Settings& s) {
  std::vector<std::uint16_t> ports;
  for (const std::uint64_t port : {s.netflow_port, s.ipfix_port, s.sflow_port}) {
    const auto p = static_cast<std::uint16_t>(port);
    if (p != 0 && std::find(ports.begin(), ports.end(), p) == ports.end()) ports.push_back(p);
  }
  return ports;
}

namespace {

IpfixListenerOptions listener_options(const Settings& s) {
  IpfixListenerOptions o;
  o.bind_address = s.bind_address;
  if (s.ipfix_tcp_port != 0) o.tcp_port = static_cast<std::uint16_t>(s.ipfix_tcp_port);
  if (s.ipfix_tls_port != 0) o.tls_port = static_cast<std::uint16_t>(s.ipfix_tls_port);
  o.tls.certificate_file = s.ingestion_tls_certificate_file;
  o.tls.key_file = s.ingestion_tls_key_file;
  o.tls.client_ca_file = s.ingestion_tls_client_ca_file;
  if (!o.tls.client_ca_file.empty()) {
    o.tls.client_certificates = s.ingestion_tls_client_required ? ClientCertificates::required
                                                                : ClientCertificates::optional;
  }
  o.max_connections = s.max_connections;
  o.max_connections_per_address = s.max_connections_per_exporter;
  o.idle_timeout = std::chrono::seconds(s.connection_idle_seconds);
  return o;
}

FileWatchingOptions file_watching_options(const Settings& s) {
  FileWatchingOptions o;
  for (const std::string& folder : comma_list(s.watch_directories))
    o.directories.emplace_back(folder);
  if (!s.data_dir.empty()) o.state_folder = std::filesystem::path(s.data_dir) / "watched";
  o.settle = std::chrono::seconds(s.watch_settle_seconds);
  o.exporter_ports = listening_ports(s);
  return o;
}

}  // namespace

IngestOptions ingest_options(const Settings& s) {
  IngestOptions o;
  if (!s.elements_file.empty()) o.elements = read_elements(s.elements_file);
  o.receiver.bind_address = s.bind_address;
  o.receiver.ports = listening_ports(s);
  o.receiver.workers = worker_count(s);
  o.receiver.receive_buffer_octets = s.receive_buffer_octets;
  o.allowed = parse_exporter_list(s.allowed_exporters);
  o.pressure = pressure_of(s);
  o.pressure.key = random_key();
  o.decoder.parser.hash_seed = random_key();
  o.feed.batch_size = s.batch_size;
  o.feed.batch_timeout = milliseconds(s.batch_timeout_ms);
  o.feed.most_waiting =
      std::max<std::size_t>(std::min(s.sample_threshold, s.queue_max_size) / 2, 1);
  o.listener = listener_options(s);
  o.files = file_watching_options(s);
  return o;
}

FlowSenderOptions flow_sender_options(const Settings& s) {
  FlowSenderOptions o;
  o.collector = *IpAddress::parse(s.forward_host);
  o.port = static_cast<std::uint16_t>(s.forward_port);
  o.transport = s.forward_protocol == "tcp" ? Transport::tcp : Transport::udp;
  o.filter = parse_forward_filter(s.forward_filter);
  o.one_in = static_cast<std::uint32_t>(s.forward_one_in);
  o.queue = s.forward_queue;
  o.key = random_key();
  return o;
}

http::LiveOptions live_options(const Life& life, const StoreOpened& term) {
  http::LiveOptions o;
  o.instance = std::to_string(to_unix_ns(life.begun()));
  o.revision = term.last_revision;
  o.epoch = term.epoch.value;
  return o;
}

http::Cors cors_of(const Settings& s) {
  if (s.environment == "production" && s.cors_origins == "*") {
    throw ConfigError(
        "API_CORS_ORIGINS is * while ENVIRONMENT is production; name the origins of the pages that "
        "may read the API, such as https://flowlens.example.com");
  }
  return {s.cors_origins, s.auth_enabled};
}

http::ServerOptions server_options(const Settings& s, http::LiveUpdates& live) {
  http::ServerOptions o;
  o.address = s.api_host;
  o.port = static_cast<std::uint16_t>(s.api_port);
  o.tls = {s.tls_certificate_file, s.tls_key_file, s.tls_client_ca_file};
  o.trusted_proxies = http::parse_trusted_proxies(s.trusted_proxies);
  o.live = &live;
  o.large_paths = {"/api/v1/assets/import"};
  o.handler_threads = s.api_workers;
  o.max_live = s.websocket_max_connections;
  o.ping_interval = std::chrono::seconds(s.websocket_ping_seconds);
  return o;
}

http::ServerOptions metrics_server_options(const Settings& s) {
  http::ServerOptions o;
  o.address = s.api_host;
  o.port = s.metrics_port != 0 ? static_cast<std::uint16_t>(s.metrics_port)
                               : parse_roles(s.roles).default_metrics_port();
  o.tls = {s.tls_certificate_file, s.tls_key_file, s.tls_client_ca_file};
  o.max_connections = 32;
  o.handler_threads = 1;
  return o;
}

FlowKeeperOptions flow_keeper_options(const Settings& s) {
  FlowKeeperOptions o;
  o.max_rate = s.routing_mode == "auto" ? s.kafka_threshold : 0;
  o.queue = s.raw_flows_queue;
  o.batch_low = s.raw_flows_batch_low;
  o.batch_high = s.raw_flows_batch_high;
  o.batch_timeout = milliseconds(s.raw_flows_batch_timeout_ms);
  o.retention = {std::chrono::days(s.keep_raw_flows_days), s.raw_flows_max_octets};
  return o;
}

milliseconds flush_interval(const Settings& s) {
  return milliseconds(static_cast<std::int64_t>(s.flush_interval_seconds * 1'000));
}

std::string url_scheme(const Settings& s) {
  return s.tls_certificate_file.empty() ? "http://" : "https://";
}

std::string url_host(const IpAddress& address) {
  const std::string text = address.to_string();
  return address.is_v4() ? text : "[" + text + "]";
}

}  // namespace flowlensd
