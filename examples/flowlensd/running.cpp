#include "running.hpp"

#include <algorithm>

#include "daemon_options.hpp"
#include "log.hpp"
#include "pipeline/decoder_state.hpp"

namespace flowlensd {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStateWait{1'000};

}  // namespace

void announce_receiving(const Settings& settings, const Ingest& ingest) {
  if (const auto streams = ingest.streams()) {
    log::info("ingest", "receiving IPFIX by connections",
              {{"address", settings.bind_address.to_string()},
               {"tcp_port", streams->tcp_port},
               {"tls_port", streams->tls_port}});
  }
  for (const WatchedDirectory& folder : ingest.watched()) {
    log::info("ingest", "reading files that appear in a folder",
              {{"folder", folder.directory.string()}});
  }
  if (ingest.ports().empty()) return;
  log::info("ingest", "receiving NetFlow, IPFIX and sFlow",
            {{"address", settings.bind_address.to_string()},
             {"ports", listening_ports(settings)},
             {"workers", worker_count(settings)},
             {"receive_buffer_granted", ingest.granted_buffer_octets()}});
  if (ingest.granted_buffer_octets() >= settings.receive_buffer_octets) return;
  log::warning("ingest",
               "the kernel granted less receive buffer than asked for; bursts may be lost",
               {{"asked", settings.receive_buffer_octets},
                {"granted", ingest.granted_buffer_octets()},
                {"remedy",
                 "sysctl -w net.core.rmem_max=" + std::to_string(settings.receive_buffer_octets)}});
}

void announce_health(const Settings& settings, std::uint16_t port) {
  log::info("api", "health and metrics are served",
            {{"url", url_scheme(settings) + url_host(settings.api_host) + ":" +
                         std::to_string(port) + "/health"}});
}

void load_decoder_states(Ingest& ingest, const std::filesystem::path& file) {
  try {
    const Diagnostic d = ingest.load_states(read_decoder_states(file));
    if (d.code == DiagnosticCode::none) return;
    log::warning("ingest", "a part of the saved templates is damaged and was passed over",
                 {{"file", file.string()}, {"problem", to_string(d)}});
  } catch (const IoError& e) {
    log::warning("ingest", "the saved templates are ignored; exporters will announce them again",
                 {{"reason", e.what()}});
  }
}

void save_decoder_states(Ingest& ingest, const std::filesystem::path& file) {
  try {
    write_decoder_states(file, ingest.save_states(kStateWait));
  } catch (const std::exception& e) {
    log::error("ingest", "the templates could not be saved", {{"reason", e.what()}});
  }
}

milliseconds round_time(const ServiceManager& manager) {
  const auto limit = std::chrono::duration_cast<milliseconds>(manager.watchdog());
  if (limit.count() == 0) return milliseconds{1'000};
  return std::clamp(limit / 4, milliseconds{10}, milliseconds{1'000});
}

}  // namespace flowlensd
