#include "announce.hpp"

#include <string>

#include "daemon_options.hpp"
#include "log.hpp"

namespace flowlensd {

void announce_api(const Settings& settings, std::uint16_t port) {
  log::info("api", "the page and the API are served",
            {{"url", url_scheme(settings) + url_host(settings.api_host) + ":" +
                         std::to_string(port) + "/"}});
  if (settings.cors_origins == "*" && settings.auth_enabled) {
    log::warning("api",
                 "API_CORS_ORIGINS is *: pages of any origin may read the API if they bring "
                 "a token; name the origins that should");
  }
  if (!settings.auth_enabled && !settings.api_host.is_loopback()) {
    log::warning("api",
                 "THE API IS OPEN TO THE NETWORK: AUTH_ENABLED is false, so everyone who reaches "
                 "this address may read and change everything; log-in, or 127.0.0.1 as API_HOST, "
                 "would close it",
                 {{"api_host", settings.api_host.to_string()}});
  }
}

}  // namespace flowlensd
