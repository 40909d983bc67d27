#include "config/forwarding.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "config/comma_list.hpp"
#include "flowlens/error.hpp"
#include "flowlens/flow_fields.hpp"

namespace flowlensd {

Filter<FlowRecord> parse_forward_filter(std::string_view text) {
  if (text.empty()) return {};
  FilterError error;
  Filter<FlowRecord> filter =
      Filter<FlowRecord>::compile(text, flow_fields(), std::chrono::system_clock::now(), error);
  if (!filter) {
    throw ConfigError("ingestion.forward.filter: column " + std::to_string(error.column) + ": " +
                      error.message);
  }
  return filter;
}

void check_forwarding(const Settings& s) {
  if (s.forward_host.empty()) return;
  const auto collector = IpAddress::parse(s.forward_host);
  if (!collector) {
    throw ConfigError("ingestion.forward.host: `" + s.forward_host +
                      "` is no IP address; give one such as 10.0.0.5");
  }
  if (s.forward_protocol != "udp" && s.forward_protocol != "tcp") {
    throw ConfigError("ingestion.forward.protocol: `" + s.forward_protocol +
                      "` is not valid; give udp or tcp");
  }
  static_cast<void>(parse_forward_filter(s.forward_filter));
  const std::set<std::uint64_t> own = s.forward_protocol == "tcp"
                                          ? std::set{s.ipfix_tcp_port}
                                          : std::set{s.netflow_port, s.ipfix_port, s.sflow_port};
  const bool is_own_address = collector->is_loopback() || *collector == s.bind_address;
  if (is_own_address && own.contains(s.forward_port)) {
    throw ConfigError("ingestion.forward: " + s.forward_host + " port " +
                      std::to_string(s.forward_port) +
                      " is where this process itself receives: what it sends would come back for "
                      "ever; give another collector or port");
  }
}

void check_streams(const Settings& s) {
  const bool has_certificate = !s.ingestion_tls_certificate_file.empty();
  if (has_certificate != !s.ingestion_tls_key_file.empty()) {
    throw ConfigError(
        "ingestion.tls: certificate_file and key_file go together; only one is given");
  }
  if (s.ipfix_tls_port != 0 && !has_certificate) {
    throw ConfigError("INGESTION_IPFIX_TLS_PORT (" + std::to_string(s.ipfix_tls_port) +
                      ") needs a certificate; give ingestion.tls.certificate_file and key_file");
  }
  if (s.ipfix_tls_port != 0 && s.ipfix_tls_port == s.ipfix_tcp_port) {
    throw ConfigError("INGESTION_IPFIX_TCP_PORT and INGESTION_IPFIX_TLS_PORT are both " +
                      std::to_string(s.ipfix_tls_port) + "; give them different ports");
  }
  for (const std::uint64_t port : {s.ipfix_tcp_port, s.ipfix_tls_port}) {
    if (port == 0 || port != s.api_port || s.bind_address != s.api_host) continue;
    throw ConfigError("API_PORT is " + std::to_string(port) +
                      ", which is a port for IPFIX too; give another one");
  }
  std::set<std::string> folders;
  for (const std::string& folder : comma_list(s.watch_directories)) {
    if (folders.insert(folder).second) continue;
    throw ConfigError("ingestion.watch_directories: " + folder + " is named twice");
  }
}

}  // namespace flowlensd
