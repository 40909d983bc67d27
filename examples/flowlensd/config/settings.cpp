#include "config/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

#include "config/exporter_list.hpp"
#include "config/forwarding.hpp"
#include "config/roles.hpp"
#include "flowlens/error.hpp"
#include "flowlens/external_peers.hpp"

namespace flowlensd {
namespace {

using flowlens::ConfigError;
using flowlens::IpAddress;
using S = Settings;

constexpr double kMaxFlows = 100'000'000;

// One row reads as a row.
// clang-format off
constexpr std::array kTable{
    Setting{"roles", {}, "FLOWLENS_ROLES", "--roles", &S::roles, 0, 0, 1,
            "all, or some of ingest, resolve, enrich, classify, notify and api",
            "what this process does; the rest is left to others on the same PostgreSQL database"},
    Setting{"ingestion.bind_address", {}, "INGESTION_BIND_ADDRESS", "--bind-address",
            &S::bind_address, 0, 0, 1, "IP address",
            "address on which exporters' datagrams are received; :: takes IPv6 and IPv4"},
    Setting{"ingestion.netflow_port", {}, "INGESTION_NETFLOW_PORT", "--netflow-port",
            &S::netflow_port, 0, 65'535, 1, "UDP port",
            "port for NetFlow; every port takes every protocol; 0: none"},
    Setting{"ingestion.ipfix_port", {}, "INGESTION_IPFIX_PORT", "--ipfix-port", &S::ipfix_port, 0,
            65'535, 1, "UDP port", "port for IPFIX; 0: none"},
    Setting{"ingestion.sflow_port", {}, "INGESTION_SFLOW_PORT", "--sflow-port", &S::sflow_port, 0,
            65'535, 1, "UDP port", "port for sFlow; 0: none"},
    Setting{"ingestion.ipfix_tcp_port", {}, "INGESTION_IPFIX_TCP_PORT", "--ipfix-tcp-port",
            &S::ipfix_tcp_port, 0, 65'535, 1, "TCP port",
            "port for IPFIX over TCP; 4739 is the registered one; 0: none"},
    Setting{"ingestion.ipfix_tls_port", {}, "INGESTION_IPFIX_TLS_PORT", "--ipfix-tls-port",
            &S::ipfix_tls_port, 0, 65'535, 1, "TCP port",
            "port for IPFIX over TLS; 4740 is the registered one; 0: none"},
    Setting{"ingestion.tls.certificate_file", {}, "FLOWLENS_INGESTION__TLS_CERTIFICATE_FILE", {},
            &S::ingestion_tls_certificate_file, 0, 0, 1, "PEM file",
            "certificate shown on the port for IPFIX over TLS, and its chain"},
    Setting{"ingestion.tls.key_file", {}, "FLOWLENS_INGESTION__TLS_KEY_FILE", {},
            &S::ingestion_tls_key_file, 0, 0, 1, "PEM file", "its private key"},
    Setting{"ingestion.tls.client_ca_file", {}, "FLOWLENS_INGESTION__TLS_CLIENT_CA_FILE", {},
            &S::ingestion_tls_client_ca_file, 0, 0, 1, "PEM file",
            "authorities whose certificates exporters must show; none: no certificate is asked for"},
    Setting{"ingestion.tls.client_certificate_required", {},
            "FLOWLENS_INGESTION__TLS_CLIENT_CERTIFICATE_REQUIRED", {},
            &S::ingestion_tls_client_required, 0, 0, 1, "true or false",
            "with a client_ca_file: false lets in who shows no certificate; a wrong one never does"},
    Setting{"ingestion.max_connections", {}, "FLOWLENS_INGESTION__MAX_CONNECTIONS", {},
            &S::max_connections, 1, 100'000, 1, "connections",
            "connections over TCP and TLS together; further ones are closed"},
    Setting{"ingestion.max_connections_per_exporter", {},
            "FLOWLENS_INGESTION__MAX_CONNECTIONS_PER_EXPORTER", {},
            &S::max_connections_per_exporter, 1, 100'000, 1, "connections",
            "the same from one address"},
    Setting{"ingestion.connection_idle_seconds", {}, "FLOWLENS_INGESTION__CONNECTION_IDLE_SECONDS",
            {}, &S::connection_idle_seconds, 0, 604'800, 1, "seconds",
            "a connection that brings no message for so long is closed; 0: never"},
    Setting{"ingestion.watch_directories", {}, "FLOWLENS_INGESTION__WATCH_DIRECTORIES", "--watch",
            &S::watch_directories, 0, 0, 1, "folders",
            "captures, IPFIX files and flow logs that appear there are read, with commas between"},
    Setting{"ingestion.watch_settle_seconds", {}, "FLOWLENS_INGESTION__WATCH_SETTLE_SECONDS", {},
            &S::watch_settle_seconds, 0, 86'400, 1, "seconds",
            "a file is whole once nobody has written to it for so long"},
    Setting{"ingestion.forward.host", {}, "FLOWLENS_INGESTION__FORWARD_HOST", {}, &S::forward_host,
            0, 0, 1, "IP address", "collector that all flows are sent on to, as IPFIX; none: nowhere"},
    Setting{"ingestion.forward.port", {}, "FLOWLENS_INGESTION__FORWARD_PORT", {}, &S::forward_port,
            1, 65'535, 1, "port", "of that collector"},
    Setting{"ingestion.forward.protocol", {}, "FLOWLENS_INGESTION__FORWARD_PROTOCOL", {},
            &S::forward_protocol, 0, 0, 1, "udp or tcp", "how they are sent"},
    Setting{"ingestion.forward.filter", {}, "FLOWLENS_INGESTION__FORWARD_FILTER", {},
            &S::forward_filter, 0, 0, 1, "filter",
            "which flows are sent, as in searches: `dst port 443 and bytes > 1M`; none: all"},
    Setting{"ingestion.forward.sampling", {}, "FLOWLENS_INGESTION__FORWARD_SAMPLING", {},
            &S::forward_one_in, 1, 1'000'000, 1, "keep 1 in N",
            "one conversation in so many is sent, and says that it stands for so many"},
    Setting{"ingestion.forward.queue", {}, "FLOWLENS_INGESTION__FORWARD_QUEUE", {},
            &S::forward_queue, 1'000, 10'000'000, 1, "flows",
            "flows that may wait to be sent; further ones are counted, not sent"},
    Setting{"ingestion.workers", {}, "FLOWLENS_INGESTION__WORKERS", "--workers", &S::workers, 0,
            64, 1, "threads", "threads that receive and decode; 0: one a core, at most two"},
    Setting{"ingestion.elements_file", {}, "FLOWLENS_INGESTION__ELEMENTS_FILE", "--elements",
            &S::elements_file, 0, 0, 1, "CSV file",
            "elements of your own, one a line: enterprise,number,name,type,semantics,units"},
    Setting{"ingestion.allowed_exporters", {}, "FLOWLENS_INGESTION__ALLOWED_EXPORTERS", {},
            &S::allowed_exporters, 0, 0, 1, "addresses, prefixes",
            "who may send datagrams, with commas between; all others are refused unread; none: everybody",
            kLive},
    Setting{"ingestion.receive_buffer_size", {}, "FLOWLENS_INGESTION__RECEIVE_BUFFER_SIZE", {},
            &S::receive_buffer_octets, 65'536, 1'073'741'824, 1, "octets",
            "receive buffer asked for, per socket"},
    Setting{"ingestion.batch_size", {}, "INGESTION_BATCH_SIZE", {}, &S::batch_size, 1, 100'000, 1,
            "flows", "flows that a worker collects before it hands them on"},
    Setting{"ingestion.batch_timeout_ms", {}, "INGESTION_BATCH_TIMEOUT_MS", {},
            &S::batch_timeout_ms, 1, 60'000, 1, "milliseconds",
            "time after which a worker hands on what it has"},
    Setting{"flowlens.backpressure.ingestion.max_queue_depth", {}, "INGESTION_QUEUE_MAX_SIZE", {},
            &S::queue_max_size, 1'000, kMaxFlows, 1, "flows",
            "flows that may wait between the workers and the Resolver"},
    Setting{"flowlens.backpressure.ingestion.sample_at_queue_depth", {},
            "INGESTION_SAMPLE_THRESHOLD", {}, &S::sample_threshold, 1, kMaxFlows, 1, "flows",
            "flows waiting from which on whole conversations are left out", kLive},
    Setting{"ingestion.backpressure.drop_threshold_queue_depth",
            "flowlens.backpressure.ingestion.drop_at_queue_depth", "INGESTION_DROP_THRESHOLD", {},
            &S::drop_threshold, 1, kMaxFlows, 1, "flows",
            "flows waiting from which on datagrams are refused unread", kLive},
    Setting{"ingestion.backpressure.sample_rate_under_pressure",
            "flowlens.backpressure.ingestion.sample_rate", "INGESTION_SAMPLE_RATE", {},
            &S::sample_rate, 1, 1'000'000, 1, "keep 1 in N",
            "under pressure, one conversation in so many is kept", kLive},
    Setting{"ingestion.backpressure.enabled", {}, "FLOWLENS_INGESTION__BACKPRESSURE_ENABLED", {},
            &S::backpressure_enabled, 0, 0, 1, "true or false",
            "whether conversations are left out and datagrams refused at those depths", kLive},
    Setting{"dependency_resolution.aggregation.window_size_seconds", {}, {}, {},
            &S::window_seconds, 10, 86'400, 1, "seconds", "length of a window of the map"},
    Setting{{}, {}, "RESOLUTION_WINDOW_SIZE_MINUTES", {}, &S::window_seconds, 1, 1'440, 60,
            "minutes", "length of a window of the map"},
    Setting{"dependency_resolution.aggregation.flush_interval_seconds", {},
            "FLOWLENS_FLUSH_INTERVAL_SECONDS", "--flush-interval", &S::flush_interval_seconds,
            0.05, 3'600, 1, "seconds", "time between two revisions of the map"},
    Setting{"dependency_resolution.external_peers.max_peers", {}, "FLOWLENS_EXTERNAL_MAX_PEERS", {},
            &S::external_max_peers, 0, 1'000'000, 1, "peers",
            "external clients of a service, or servers of a client, shown each; more are grouped"},
    Setting{"dependency_resolution.external_peers.grouping", {}, "FLOWLENS_EXTERNAL_GROUPING", {},
            &S::external_grouping, 0, 0, 1, "all, prefix, as_number or country",
            "what external peers have in common that are shown together"},
    Setting{"dependency_resolution.network_file", {}, "FLOWLENS_NETWORK_FILE", {},
            &S::network_file, 0, 0, 1, "CSV file",
            "what you know of sites, networks and services: kind,addresses,exporters,vrf,site,port,protocol,expires"},
    Setting{"dependency_resolution.views.exclude_external_ips", {},
            "RESOLUTION_EXCLUDE_EXTERNAL_IPS", {}, &S::exclude_external_ips, 0, 0, 1,
            "true or false",
            "whether views leave out external assets and all their dependencies; the map keeps them",
            kLive},
    Setting{"dependency_resolution.views.exclude_external_sources", {},
            "RESOLUTION_EXCLUDE_EXTERNAL_SOURCES", {}, &S::exclude_external_sources, 0, 0, 1,
            "true or false", "whether views leave out dependencies of external clients", kLive},
    Setting{"dependency_resolution.views.exclude_external_targets", {},
            "RESOLUTION_EXCLUDE_EXTERNAL_TARGETS", {}, &S::exclude_external_targets, 0, 0, 1,
            "true or false", "whether views leave out dependencies on external servers", kLive},
    Setting{"dependency_resolution.assets.min_flows_for_creation", {},
            "FLOWLENS_VIEW_MIN_ASSET_FLOWS", {}, &S::min_asset_flows, 0, kMaxFlows, 1, "flows",
            "flows below which lists leave out an asset that nobody has declared; the map keeps it",
            kLive},
    Setting{"dependency_resolution.dependencies.min_flows_for_creation", {},
            "FLOWLENS_VIEW_MIN_DEPENDENCY_FLOWS", {}, &S::min_dependency_flows, 0, kMaxFlows, 1,
            "flows", "the same of a dependency, in all views", kLive},
    Setting{"dependency_resolution.dependencies.confidence_threshold", {},
            "FLOWLENS_VIEW_MIN_CONFIDENCE", {}, &S::min_dependency_confidence, 0, 1, 1, "0 to 1",
            "direction_confidence below which views leave out a dependency", kLive},
    Setting{"dependency_resolution.dependencies.stale_after_hours", {},
            "RESOLUTION_STALE_THRESHOLD_HOURS", {}, &S::stale_hours, 0, 87'600, 1, "hours",
            "hours without traffic after which an asset or dependency is marked stale; 0: never",
            kLive},
    Setting{"enrichment.geoip.enabled", {}, "FLOWLENS_GEOIP_ENABLED", {}, &S::geoip_enabled, 0, 0,
            1, "true or false", "whether the two files are used"},
    Setting{"enrichment.geoip.database_path", {}, "ENRICHMENT_GEOIP_DATABASE_PATH", {},
            &S::geoip_database_path, 0, 0, 1, "mmdb file",
            "countries or cities of external addresses, such as GeoLite2-City.mmdb"},
    Setting{"enrichment.geoip.asn_database_path", {}, "FLOWLENS_GEOIP_ASN_DATABASE_PATH", {},
            &S::geoip_asn_database_path, 0, 0, 1, "mmdb file",
            "autonomous systems of external addresses, such as GeoLite2-ASN.mmdb"},
    Setting{"enrichment.files.inventory", {}, "FLOWLENS_INVENTORY_FILES", {}, &S::inventory_files,
            0, 0, 1, "paths", "inventories in CSV or JSON, with commas between"},
    Setting{"enrichment.files.hosts", {}, "FLOWLENS_HOSTS_FILES", {}, &S::hosts_files, 0, 0, 1,
            "paths", "hosts files such as /etc/hosts, with commas between"},
    Setting{"enrichment.files.zones", {}, "FLOWLENS_ZONE_FILES", {}, &S::zone_files, 0, 0, 1,
            "paths", "zones of the DNS as master files, with commas between"},
    Setting{"enrichment.files.dhcp_leases", {}, "FLOWLENS_DHCP_LEASE_FILES", {}, &S::lease_files, 0,
            0, 1, "paths", "leases of ISC dhcpd, Kea or dnsmasq, with commas between"},
    Setting{"enrichment.snmp.exporters", {}, "FLOWLENS_SNMP_EXPORTERS", {}, &S::snmp_exporters, 0,
            0, 1, "addresses",
            "exporters that are asked by SNMP for their names, interfaces and neighbours, with commas "
            "between"},
    Setting{"enrichment.snmp.version", {}, "FLOWLENS_SNMP_VERSION", {}, &S::snmp_version, 0, 0, 1,
            "2c or 3", "3 is with authentication and encryption always"},
    Setting{"enrichment.snmp.community", {}, "FLOWLENS_SNMP_COMMUNITY", {}, &S::snmp_community, 0,
            0, 1, "text", "of version 2c", kSecret},
    Setting{"enrichment.snmp.user", {}, "FLOWLENS_SNMP_USER", {}, &S::snmp_user, 0, 0, 1, "text",
            "of version 3"},
    Setting{"enrichment.snmp.auth_protocol", {}, "FLOWLENS_SNMP_AUTH_PROTOCOL", {},
            &S::snmp_auth_protocol, 0, 0, 1, "SHA, SHA-224, SHA-256, SHA-384 or SHA-512",
            "of version 3"},
    Setting{"enrichment.snmp.auth_password", {}, "FLOWLENS_SNMP_AUTH_PASSWORD", {},
            &S::snmp_auth_password, 0, 0, 1, "text of 8 or more octets", "of version 3", kSecret},
    Setting{"enrichment.snmp.privacy_password", {}, "FLOWLENS_SNMP_PRIVACY_PASSWORD", {},
            &S::snmp_privacy_password, 0, 0, 1, "text of 8 or more octets",
            "of version 3, for AES-128", kSecret},
    Setting{"enrichment.snmp.port", {}, "FLOWLENS_SNMP_PORT", {}, &S::snmp_port, 1, 65'535, 1,
            "port", "UDP port of the exporters' agents"},
    Setting{"enrichment.snmp.timeout_ms", {}, "FLOWLENS_SNMP_TIMEOUT_MS", {}, &S::snmp_timeout_ms,
            10, 60'000, 1, "milliseconds",
            "how long an answer may take; a question is asked twice"},
    Setting{"enrichment.snmp.interval_seconds", {}, "FLOWLENS_SNMP_INTERVAL_SECONDS", {},
            &S::snmp_interval_seconds, 10, 86'400, 1, "seconds",
            "time between two rounds through the exporters"},
    Setting{"enrichment.cloud.range_files", {}, "FLOWLENS_CLOUD_RANGE_FILES", {}, &S::cloud_range_files, 0, 0, 1,
            "paths", "ranges that AWS, Azure, Google and Cloudflare publish, with commas between"},
    Setting{"enrichment.cloud.instance_files", {}, "FLOWLENS_CLOUD_INSTANCE_FILES", {}, &S::cloud_instance_files, 0, 0, 1,
            "paths", "listings of instances by aws, az or gcloud, with commas between"},
    Setting{"enrichment.cloud.aws.enabled", {}, "FLOWLENS_AWS_ENABLED", {}, &S::aws_enabled, 0, 0, 1,
            "true or false", "whether EC2 is asked for instances and interfaces"},
    Setting{"enrichment.cloud.aws.regions", {}, "FLOWLENS_AWS_REGIONS", {}, &S::aws_regions, 0, 0, 1,
            "regions", "which, with commas between"},
    Setting{"enrichment.cloud.aws.refresh_interval_seconds", {}, "FLOWLENS_AWS_REFRESH_INTERVAL_SECONDS", {}, &S::aws_refresh_seconds, 10, 86'400, 1,
            "seconds", "time between two questions to a region"},
    Setting{"enrichment.cloud.aws.credentials_file", {}, "FLOWLENS_AWS_CREDENTIALS_FILE", {}, &S::aws_credentials_file, 0, 0, 1,
            "path", "shared credentials file; empty: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or else the usual file"},
    Setting{"enrichment.cloud.aws.profile", {}, "FLOWLENS_AWS_PROFILE", {}, &S::aws_profile, 0, 0, 1,
            "name", "profile of the credentials file; empty: AWS_PROFILE, or else default"},
    Setting{"enrichment.cloud.aws.endpoint", {}, "FLOWLENS_AWS_ENDPOINT", {}, &S::aws_endpoint, 0, 0, 1,
            "URL", "whom to ask instead of AWS"},
    Setting{"enrichment.kubernetes.files", {}, "FLOWLENS_KUBERNETES_FILES", {}, &S::kubernetes_files, 0, 0, 1,
            "paths", "pods, services and nodes as kubectl get -o json prints them, with commas between"},
    Setting{"enrichment.kubernetes.api_server", {}, "FLOWLENS_KUBERNETES_API_SERVER", {}, &S::kubernetes_api_server, 0, 0, 1,
            "URL or in_cluster", "API server that is watched; in_cluster: that of the pod that flowlensd runs in"},
    Setting{"enrichment.kubernetes.token_file", {}, "FLOWLENS_KUBERNETES_TOKEN_FILE", {}, &S::kubernetes_token_file, 0, 0, 1,
            "path", "bearer token for it"},
    Setting{"enrichment.kubernetes.ca_file", {}, "FLOWLENS_KUBERNETES_CA_FILE", {}, &S::kubernetes_ca_file, 0, 0, 1,
            "PEM file", "authority of its certificate; empty: those that the system trusts"},
    Setting{"enrichment.kubernetes.certificate_file", {}, "FLOWLENS_KUBERNETES_CERTIFICATE_FILE", {}, &S::kubernetes_certificate_file, 0, 0, 1,
            "PEM file", "certificate to log in with, instead of a token"},
    Setting{"enrichment.kubernetes.key_file", {}, "FLOWLENS_KUBERNETES_KEY_FILE", {}, &S::kubernetes_key_file, 0, 0, 1,
            "PEM file", "its key"},
    Setting{"enrichment.kubernetes.cluster", {}, "FLOWLENS_KUBERNETES_CLUSTER", {}, &S::kubernetes_cluster, 0, 0, 1,
            "name", "what the cluster is called, as kubernetes.cluster"},
    Setting{"enrichment.files.interval_seconds", {}, "FLOWLENS_LOOKUP_INTERVAL_SECONDS", {},
            &S::lookup_interval_seconds, 1, 86'400, 1, "seconds",
            "time between two looks at a source that lists what it knows; a file that has changed is "
            "read at once"},
    Setting{"enrichment.dns.enabled", {}, "FLOWLENS_DNS_ENABLED", {}, &S::dns_enabled, 0, 0, 1,
            "true or false", "whether names of addresses are asked of DNS"},
    Setting{"enrichment.dns.resolver", {}, "ENRICHMENT_DNS_SERVERS", {}, &S::dns_servers, 0, 0, 1,
            "list of addresses, with commas between, or system",
            "whom to ask; with a port as in 192.0.2.1:5353 or [2001:db8::1]:5353"},
    Setting{"enrichment.dns.external_addresses", {}, "FLOWLENS_DNS_EXTERNAL_ADDRESSES", {},
            &S::dns_external, 0, 0, 1, "true or false",
            "whether external peers are asked about, and not internal addresses alone"},
    Setting{"enrichment.dns.timeout_ms", {}, {}, {}, &S::dns_timeout_ms, 10, 30'000, 1,
            "milliseconds", "wait for the first answer; the second and last try waits twice as long"},
    Setting{{}, {}, "ENRICHMENT_DNS_TIMEOUT", {}, &S::dns_timeout_ms, 0.01, 30, 1'000, "seconds",
            "the same in seconds"},
    Setting{"enrichment.dns.cache_ttl_seconds", {}, "ENRICHMENT_DNS_CACHE_TTL", {},
            &S::dns_cache_ttl_seconds, 1, 604'800, 1, "seconds",
            "longest life of a name; its own TTL may be shorter"},
    Setting{"enrichment.dns.negative_cache_ttl_seconds", {}, "FLOWLENS_DNS_NEGATIVE_CACHE_TTL", {},
            &S::dns_negative_cache_ttl_seconds, 1, 86'400, 1, "seconds",
            "longest time for which an address without a name is not asked about again"},
    Setting{{}, {}, "ENRICHMENT_DNS_CACHE_SIZE", {}, &S::dns_cache_size, 1, 10'000'000, 1,
            "answers", "how many answers are kept; past it, the one used longest ago goes"},
    Setting{"enrichment.dns.max_concurrent_lookups", {}, "FLOWLENS_DNS_MAX_CONCURRENT_LOOKUPS", {},
            &S::dns_max_concurrent, 1, 1'000, 1, "look-ups", "questions under way at a time"},
    Setting{"enrichment.cache.max_memory_entries", {}, "FLOWLENS_CACHE_MAX_MEMORY_ENTRIES", {},
            &S::cache_max_entries, 1, 10'000'000, 1, "entries",
            "bound of all answers kept, and of the addresses whose names are kept up to date"},
    Setting{"dependency_resolution.change_detection.enabled", {},
            "FLOWLENS_CHANGE_DETECTION_ENABLED", {}, &S::changes_enabled, 0, 0, 1, "true or false",
            "whether closed windows are looked at for changes"},
    Setting{"dependency_resolution.change_detection.baseline_window_days", {},
            "FLOWLENS_CHANGE_DETECTION_BASELINE_WINDOW_DAYS", {}, &S::changes_learning_days, 1, 28,
            1, "days", "how long each thing is watched before its silence or traffic is judged"},
    Setting{"dependency_resolution.change_detection.check_interval_seconds", {},
            "FLOWLENS_CHANGE_DETECTION_CHECK_INTERVAL_SECONDS", {}, &S::changes_check_seconds, 60,
            86'400, 1, "seconds", "time between two looks for what has fallen silent"},
    Setting{"dependency_resolution.change_detection.max_baselines", {},
            "FLOWLENS_CHANGE_DETECTION_MAX_BASELINES", {}, &S::changes_max_baselines, 1, 10'000'000,
            1, "baselines", "assets and dependencies whose usual traffic is known; 400 octets each"},
    Setting{"dependency_resolution.change_detection.baseline_drift_threshold", {},
            "FLOWLENS_CHANGE_DETECTION_BASELINE_DRIFT_THRESHOLD", {}, &S::changes_baseline_drift,
            0.001, 1, 1, "0.001 to 1",
            "uses that are new or missing, of all, before a kept baseline counts as drifted"},
    Setting{"classification.poll_interval_ms", {}, "CLASSIFICATION_POLL_INTERVAL_MS", {},
            &S::classification_poll_ms, 100, 86'400'000, 1, "milliseconds",
            "time between two looks for assets whose type is due"},
    Setting{"classification.batch_size", {}, "CLASSIFICATION_BATCH_SIZE", {},
            &S::classification_batch_size, 1, 100'000, 1, "assets",
            "assets read before the map is let go of"},
    Setting{"classification.min_observation_hours", {}, "CLASSIFICATION_MIN_OBSERVATION_HOURS", {},
            &S::classification_min_hours, 0, 8'760, 1, "hours",
            "from an asset's first to its last traffic, before its type is judged"},
    Setting{"classification.min_flows_required", {}, "CLASSIFICATION_MIN_FLOWS_REQUIRED", {},
            &S::classification_min_flows, 1, kMaxFlows, 1, "flows",
            "flows of an asset before its type is judged"},
    Setting{"classification.auto_update_confidence_threshold", {},
            "CLASSIFICATION_AUTO_UPDATE_CONFIDENCE_THRESHOLD", {},
            &S::classification_update_confidence, 0, 1, 1, "0 to 1",
            "confidence below which a type is not given"},
    Setting{"classification.high_confidence_threshold", {},
            "CLASSIFICATION_HIGH_CONFIDENCE_THRESHOLD", {}, &S::classification_high_confidence, 0,
            1, 1, "0 to 1", "confidence from which on a type replaces another one at once"},
    Setting{"classification.reclassify_interval_hours", {},
            "CLASSIFICATION_RECLASSIFY_INTERVAL_HOURS", {}, &S::classification_interval_hours, 1,
            8'760, 1, "hours", "time after which an asset is judged again"},
    Setting{"classification.rules_file", {}, "FLOWLENS_CLASSIFICATION_RULES_FILE", {},
            &S::classification_rules_file, 0, 0, 1, "text file",
            "rules instead of FlowLens' own, one a line: type | service | condition | weight | words"},
    Setting{"classification.networks_file", {}, "FLOWLENS_CLASSIFICATION_NETWORKS_FILE", {},
            &S::classification_networks_file, 0, 0, 1, "CSV file",
            "what you say of networks: name,cidr,priority,environment,datacenter,location,owner,asset_type"},
    Setting{"alerts.default_channels", {}, "FLOWLENS_ALERTS_DEFAULT_CHANNELS", {},
            &S::default_channels, 0, 0, 1, "log, file, webhook",
            "channels of alert rules that name none, with commas between"},
    Setting{"alerts.file", {}, "FLOWLENS_ALERTS_FILE", {}, &S::alerts_file, 0, 0, 1, "file",
            "channel `file`: what becomes of alerts, one JSON object a line, appended"},
    Setting{"alerts.webhook.url", {}, "FLOWLENS_ALERTS_WEBHOOK_URL", {}, &S::webhook_url, 0, 0, 1,
            "http://HOST:PORT/PATH", "channel `webhook`: gets the same by HTTP POST", kSecret},
    Setting{"alerts.webhook.authorization", {}, "FLOWLENS_ALERTS_WEBHOOK_AUTHORIZATION", {},
            &S::webhook_authorization, 0, 0, 1, "header value",
            "what the webhook is sent as Authorization, such as Bearer TOKEN", kSecret},
    Setting{"alerts.webhook.timeout_seconds", {}, "FLOWLENS_ALERTS_WEBHOOK_TIMEOUT_SECONDS", {},
            &S::webhook_timeout_seconds, 1, 30, 1, "seconds", "for each attempt"},
    Setting{"api.host", {}, "API_HOST", "--api-host", &S::api_host, 0, 0, 1, "IP address",
            "address of the API and the page; loopback, so that only this machine reaches them"},
    Setting{"api.port", {}, "API_PORT", "--api-port", &S::api_port, 0, 65'535, 1, "TCP port",
            "port of the API and the page; 0: any free one, named in the log"},
    Setting{"metrics.port", {}, "METRICS_PORT", "--metrics-port", &S::metrics_port, 0, 65'535, 1,
            "TCP port",
            "port of health and metrics in a process without the role api; 0: 8001 with ingest, else 8002"},
    Setting{"environment", {}, "ENVIRONMENT", {}, &S::environment, 0, 0, 1,
            "development, production, ...",
            "what this installation is for; production refuses settings that are only fit for trying"},
    Setting{"api.trusted_proxies", {}, "FLOWLENS_API_TRUSTED_PROXIES", {}, &S::trusted_proxies, 0,
            0, 1, "addresses, prefixes",
            "proxies whose Forwarded or X-Forwarded-For says who asks, with commas between"},
    Setting{"api.cors_origins", {}, "API_CORS_ORIGINS", {}, &S::cors_origins, 0, 0, 1,
            "https://HOST, ... or *",
            "origins of pages that may read the API, with commas between; *: all that bring a token"},
    Setting{"api.rate_limiting.enabled", {}, "FLOWLENS_API_RATE_LIMITING_ENABLED", {},
            &S::rate_limiting_enabled, 0, 0, 1, "true or false",
            "whether requests of one user, or of one address before log-in, are limited"},
    Setting{{}, {}, "API_RATE_LIMIT_REQUESTS", {}, &S::rate_limit_requests, 1, 10'000'000, 1,
            "requests", "requests of one user in each window"},
    Setting{{}, {}, "API_RATE_LIMIT_WINDOW_SECONDS", {}, &S::rate_limit_window_seconds, 1, 86'400,
            1, "seconds", "length of that window"},
    Setting{"api.rate_limiting.default_limit", {}, {}, {}, &S::rate_limit, 0, 0, 1,
            "N/second, N/minute or N/hour", "both in one, and stronger than they; 100/minute"},
    Setting{"api.rate_limiting.burst_limit", {}, "FLOWLENS_API_RATE_LIMITING_BURST_LIMIT", {},
            &S::burst_limit, 0, 0, 1, "N/second, N/minute or N/hour",
            "second limit, on requests close together"},
    Setting{"api.websocket.enabled", {}, "FLOWLENS_API_WEBSOCKET_ENABLED", {},
            &S::websocket_enabled, 0, 0, 1, "true or false",
            "whether changes are pushed to clients: WebSocket and server-sent events"},
    Setting{"api.websocket.ping_interval_seconds", {},
            "FLOWLENS_API_WEBSOCKET_PING_INTERVAL_SECONDS", {}, &S::websocket_ping_seconds, 1,
            3'600, 1, "seconds", "silence after which a client is pinged; twice it ends the connection"},
    Setting{"api.websocket.max_connections", {}, "FLOWLENS_API_WEBSOCKET_MAX_CONNECTIONS", {},
            &S::websocket_max_connections, 1, 100'000, 1, "connections",
            "clients that changes are pushed to; further ones are answered 503"},
    Setting{"api.tls.certificate_file", {}, "FLOWLENS_API_TLS_CERTIFICATE_FILE", {},
            &S::tls_certificate_file, 0, 0, 1, "PEM file",
            "certificate of the API with its chain; without it the API speaks HTTP without TLS"},
    Setting{"api.tls.key_file", {}, "FLOWLENS_API_TLS_KEY_FILE", {}, &S::tls_key_file, 0, 0, 1,
            "PEM file", "private key of that certificate"},
    Setting{"api.tls.client_ca_file", {}, "FLOWLENS_API_TLS_CLIENT_CA_FILE", {},
            &S::tls_client_ca_file, 0, 0, 1, "PEM file",
            "authorities, one of which must have signed the certificate that a client shows"},
    Setting{"api.metrics_open", {}, "FLOWLENS_API_METRICS_OPEN", {}, &S::api_metrics_open, 0, 0, 1,
            "true or false", "whether /metrics answers without log-in"},
    Setting{"api.auth.enabled", {}, "AUTH_ENABLED", {}, &S::auth_enabled, 0, 0, 1, "true or false",
            "whether the API and the page ask who is there; without it everybody may do everything"},
    Setting{"api.auth.jwt_secret", {}, "AUTH_SECRET_KEY", {}, &S::auth_secret_key, 0, 0, 1,
            "text of 32 or more octets",
            "key that signs access tokens; without it one is made and kept in data_dir", kSecret},
    Setting{{}, {}, "JWT_SECRET", {}, &S::jwt_secret, 0, 0, 1, "text of 32 or more octets",
            "the same; AUTH_SECRET_KEY comes first", kSecret},
    Setting{"api.auth.algorithm", {}, "AUTH_ALGORITHM", {}, &S::auth_algorithm, 0, 0, 1,
            "HS256, HS384 or HS512", "how access tokens are signed"},
    Setting{"api.auth.access_token_expire_minutes", {}, "AUTH_ACCESS_TOKEN_EXPIRE_MINUTES", {},
            &S::access_token_minutes, 1, 43'200, 1, "minutes", "how long an access token lives"},
    Setting{"api.auth.token_expiry_hours", {}, {}, {}, &S::access_token_minutes, 1, 720, 60,
            "hours", "how long an access token lives"},
    Setting{"api.auth.refresh_token_expire_days", {}, "AUTH_REFRESH_TOKEN_EXPIRE_DAYS", {},
            &S::refresh_token_days, 1, 365, 1, "days",
            "how long a session lasts that is not used"},
    Setting{"api.workers", {}, "API_WORKERS", {}, &S::api_workers, 1, 64, 1, "threads",
            "threads that answer requests"},
    Setting{"api.pagination.default_page_size", {}, "API_DEFAULT_PAGE_SIZE", {},
            &S::default_page_size, 1, 100'000, 1, "items", "rows of a list where none is asked"},
    Setting{"api.pagination.max_page_size", {}, "API_MAX_PAGE_SIZE", {}, &S::max_page_size, 1,
            100'000, 1, "items", "most rows that a list gives at once"},
    Setting{"log.level", {}, "LOG_LEVEL", "--log-level", &S::log_level, 0, 0, 1,
            "DEBUG, INFO, WARNING, ERROR or CRITICAL", "least severity that is logged", kLive},
    Setting{"log.format", {}, "LOG_FORMAT", "--log-format", &S::log_format, 0, 0, 1,
            "json or console", "form of the log; console where standard error is a terminal", kLive},
    Setting{"log.include_timestamp", {}, "LOG_INCLUDE_TIMESTAMP", {}, &S::log_include_timestamp, 0,
            0, 1, "true or false", "whether log lines carry the time", kLive},
    Setting{"log.include_caller", {}, "LOG_INCLUDE_CALLER", {}, &S::log_include_caller, 0, 0, 1,
            "true or false", "whether log lines carry the line of code that wrote them", kLive},
    Setting{"data_dir", {}, "FLOWLENS_DATA_DIR", "--data-dir", &S::data_dir, 0, 0, 1, "folder",
            "where the map and the templates are kept; ./flowlens-data if not given"},
    Setting{"retention.windows_days", {}, "FLOWLENS_RETENTION_WINDOWS_DAYS", {},
            &S::keep_windows_days, 0, 36'500, 1, "days",
            "how long the store keeps the traffic of each window; 0: for ever", kLive},
    Setting{"retention.hours_days", {}, "FLOWLENS_RETENTION_HOURS_DAYS", {}, &S::keep_hours_days, 0,
            36'500, 1, "days", "how long it keeps the traffic of each hour", kLive},
    Setting{"retention.days_days", {}, "FLOWLENS_RETENTION_DAYS_DAYS", {}, &S::keep_days_days, 0,
            36'500, 1, "days", "how long it keeps the traffic of each day", kLive},
    Setting{"retention.events_days", {}, "FLOWLENS_RETENTION_EVENTS_DAYS", {}, &S::keep_events_days,
            0, 36'500, 1, "days", "how long it keeps changes", kLive},
    Setting{"retention.audit_days", {}, "FLOWLENS_RETENTION_AUDIT_DAYS", {}, &S::keep_audit_days, 0,
            36'500, 1, "days", "how long the audit keeps who changed what; 0: for ever"},
    Setting{"retention.audit_rows", {}, "FLOWLENS_RETENTION_AUDIT_ROWS", {}, &S::max_audit_rows,
            1'000, kMaxFlows, 1, "rows", "most rows that the audit keeps; the oldest go"},
    Setting{"retention.raw_flows_days", {}, "FLOWLENS_RETENTION_RAW_FLOWS_DAYS", {},
            &S::keep_raw_flows_days, 0, 36'500, 1, "days", "how long it keeps each flow"},
    Setting{"retention.raw_flows_max_octets", {}, "FLOWLENS_RETENTION_RAW_FLOWS_MAX_OCTETS", {},
            &S::raw_flows_max_octets, 0, 1e15, 1, "octets",
            "how much room single flows may take; past it the oldest hour goes early; 0: no bound"},
    Setting{"ingestion.routing.mode", {}, "FLOWLENS_ROUTING_MODE", {}, &S::routing_mode, 0, 0, 1,
            "auto, postgres or kafka",
            "whether the store keeps single flows: as long as they are few, always, or never"},
    Setting{"ingestion.routing.kafka_threshold_flows_per_sec", {}, "FLOWLENS_KAFKA_THRESHOLD", {},
            &S::kafka_threshold, 1, kMaxFlows, 1, "flows a second",
            "with auto, from how many on single flows are kept no more; again below half of it"},
    Setting{"flowlens.thresholds.postgresql.batch_size_low", {}, {}, {}, &S::raw_flows_batch_low, 1,
            1'000'000, 1, "rows", "single flows written at once while few wait"},
    Setting{"flowlens.thresholds.postgresql.batch_size_high", {}, {}, {}, &S::raw_flows_batch_high,
            1, 1'000'000, 1, "rows", "single flows written at once while many wait"},
    Setting{"flowlens.thresholds.postgresql.batch_timeout_ms", {}, {}, {},
            &S::raw_flows_batch_timeout_ms, 10, 60'000, 1, "milliseconds",
            "time after which fewer are written"},
    Setting{"store.raw_flows_queue", {}, "FLOWLENS_STORE_RAW_FLOWS_QUEUE", {}, &S::raw_flows_queue,
            1'000, 10'000'000, 1, "flows",
            "single flows that may wait for the store; further ones are counted, not kept"},
    Setting{"channel.max_octets", {}, "FLOWLENS_CHANNEL_MAX_OCTETS", {}, &S::channel_max_octets,
            1'048'576, 1e13, 1, "octets",
            "flows that may wait in the database between ingest and resolve; past it they wait in ingest's queue"},
    Setting{"store.spool_max_octets", {}, "FLOWLENS_STORE_SPOOL_MAX_OCTETS", {},
            &S::spool_max_octets, 0, 1e13, 1, "octets",
            "revisions kept in data_dir while the database takes none; 0: in memory only"},
    Setting{"database.url", {}, "DATABASE_URL", {}, &S::database_url, 0, 0, 1,
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
            "PostgreSQL database that keeps the map instead of a SQLite file in data_dir", kSecret},
    Setting{"postgres.host", {}, "POSTGRES_HOST", {}, &S::postgres_host, 0, 0, 1,
            "host name, or folder of a Unix socket",
            "the same, its parts named one by one; without both SQLite keeps the map"},
    Setting{"postgres.port", {}, "POSTGRES_PORT", {}, &S::postgres_port, 1, 65'535, 1, "TCP port",
            "port of the PostgreSQL server"},
    Setting{"postgres.user", {}, "POSTGRES_USER", {}, &S::postgres_user, 0, 0, 1, "user name",
            "user who owns FlowLens' schemas there"},
    Setting{"postgres.password", {}, "POSTGRES_PASSWORD", {}, &S::postgres_password, 0, 0, 1,
            "password", "of that user", kSecret},
    Setting{"postgres.database", {}, "POSTGRES_DATABASE", {}, &S::postgres_database, 0, 0, 1,
            "database", "name of the database"},
    Setting{"postgres.pool_size", {}, "POSTGRES_POOL_SIZE", {}, &S::postgres_pool_size, 1, 1'000, 1,
            "connections", "most connections for questions about traffic, and as many for single "
            "flows; never more than half of api.workers"},
    Setting{"postgres.pool_recycle", {}, "POSTGRES_POOL_RECYCLE", {},
            &S::postgres_pool_recycle_seconds, 0, 86'400, 1, "seconds",
            "age at which such a connection is made anew; 0: never"},
};
// clang-format on

[[noreturn]] void fail(std::string_view origin, std::string_view text, const std::string& right) {
  throw ConfigError(std::string(origin) + ": `" + std::string(text) + "` is not valid; " + right);
}

std::string number_text(double n) {
  std::ostringstream out;
  out.precision(15);
  out << n;
  return out.str();
}

std::string range_text(const Setting& s, bool whole) {
  return std::string("give a ") + (whole ? "whole " : "") + "number from " + number_text(s.least) +
         " to " + number_text(s.most) + " (" + std::string(s.unit) + ")";
}

/// Plain decimal only: `0777`, `1e3`, `0x10` and signs are refused rather than guessed at.
std::optional<std::uint64_t> parse_whole(std::string_view text) {
  std::uint64_t n = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, n);
  if (error != std::errc{} || at != end) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return n;
}

std::optional<double> parse_decimal(std::string_view text) {
  double n = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, n, std::chars_format::fixed);
  if (error != std::errc{} || at != end || !std::isfinite(n)) return std::nullopt;
  return n;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

constexpr std::array<std::string_view, 5> kLevels{"debug", "info", "warning", "error", "critical"};
constexpr std::array<std::string_view, 3> kFormats{"auto", "json", "console"};

/// Reads one text into a member of its type.
struct Assigner {
  Settings& settings;
  const Setting& setting;
  std::string_view text;
  std::string_view origin;

  void operator()(std::uint64_t Settings::*member) const {
    const auto n = parse_whole(text);
    const auto value = n ? static_cast<double>(*n) : -1;
    if (!n || value < setting.least || value > setting.most) {
      fail(origin, text, range_text(setting, true));
    }
    settings.*member = *n * setting.scale;
  }
  void operator()(double Settings::*member) const {
    const auto n = parse_decimal(text);
    if (!n || *n < setting.least || *n > setting.most) {
      fail(origin, text, range_text(setting, false));
    }
    settings.*member = *n * static_cast<double>(setting.scale);
  }
  void operator()(bool Settings::*member) const {
    const std::string word = lower(text);
    if (word != "true" && word != "false") fail(origin, text, "give true or false");
    settings.*member = word == "true";
  }
  void operator()(std::string Settings::*member) const {
    if (text.empty()) fail(origin, text, "give a " + std::string(setting.unit));
    settings.*member = std::string(text);
  }
  void operator()(IpAddress Settings::*member) const {
    const auto address = IpAddress::parse(text == "localhost" ? "127.0.0.1" : text);
    if (!address) fail(origin, text, "give an IP address such as 127.0.0.1, 0.0.0.0 or ::1");
    settings.*member = *address;
  }
  void operator()(LogLevel Settings::*member) const {
    const auto found = std::find(kLevels.begin(), kLevels.end(), lower(text));
    if (found == kLevels.end()) fail(origin, text, "give " + std::string(setting.unit));
    settings.*member = static_cast<LogLevel>(found - kLevels.begin());
  }
  void operator()(LogFormat Settings::*member) const {
    const auto found = std::find(kFormats.begin(), kFormats.end(), lower(text));
    if (found == kFormats.end()) fail(origin, text, "give " + std::string(setting.unit));
    settings.*member = static_cast<LogFormat>(found - kFormats.begin());
  }
};

struct Printer {
  const Settings& settings;
  std::uint64_t scale;
  std::string operator()(std::uint64_t Settings::*m) const {
    return std::to_string(settings.*m / scale);
  }
  std::string operator()(double Settings::*m) const {
    return number_text(settings.*m / static_cast<double>(scale));
  }
  std::string operator()(bool Settings::*m) const { return settings.*m ? "true" : "false"; }
  std::string operator()(std::string Settings::*m) const { return settings.*m; }
  std::string operator()(IpAddress Settings::*m) const { return (settings.*m).to_string(); }
  std::string operator()(LogLevel Settings::*m) const {
    return std::string(kLevels[static_cast<std::size_t>(settings.*m)]);
  }
  std::string operator()(LogFormat Settings::*m) const {
    return std::string(kFormats[static_cast<std::size_t>(settings.*m)]);
  }
};

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

}  // namespace

bool is_placeholder_secret(std::string_view secret) noexcept {
  return secret == "change-me" || secret == "generate-a-64-char-random-string-here";
}

std::span<const Setting> settings_table() noexcept { return kTable; }

bool is_second_name(const Setting& setting) noexcept {
  const auto first = std::find_if(kTable.begin(), kTable.end(),
                                  [&](const Setting& s) { return s.field == setting.field; });
  return first->name() != setting.name();
}

void assign(Settings& settings, const Setting& setting, std::string_view text,
            std::string_view origin) {
  std::visit(Assigner{settings, setting, text, origin}, setting.field);
}

std::string value_text(const Settings& settings, const Setting& setting) {
  return std::visit(Printer{settings, setting.scale}, setting.field);
}

std::string shown_text(const Settings& settings, const Setting& setting) {
  std::string text = value_text(settings, setting);
  return setting.is_secret() && !text.empty() ? "********" : text;
}

const Setting* find_setting(std::string_view name) noexcept {
  if (name.empty()) return nullptr;
  const auto at = std::find_if(kTable.begin(), kTable.end(), [&](const Setting& s) {
    return s.key == name || s.alias == name || s.variable == name;
  });
  return at == kTable.end() ? nullptr : &*at;
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
                      number_text(s.classification_update_confidence) +
                      ") is above CLASSIFICATION_HIGH_CONFIDENCE_THRESHOLD (" +
                      number_text(s.classification_high_confidence) + ")");
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
