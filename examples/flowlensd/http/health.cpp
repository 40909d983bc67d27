#include "http/health.hpp"

#include <cstdint>
#include <utility>

#include "flowlens/version.hpp"

namespace flowlensd::http {

Response fresh_json(const Json& body, unsigned status) {
  Response r;
  r.status = status;
  r.body = text_of(body);
  r.headers.emplace_back("Cache-Control", "no-store");
  return r;
}

Response health_answer(bool is_up, bool is_degraded, double uptime_seconds, Json checks) {
  return fresh_json({{"status", !is_up        ? "unhealthy"
                                : is_degraded ? "degraded"
                                              : "healthy"},
                     {"version", flowlens::kVersion},
                     {"uptime_seconds", static_cast<std::uint64_t>(uptime_seconds)},
                     {"checks", std::move(checks)}},
                    is_up ? 200 : 503);
}

Response ready_answer(bool is_up, bool is_degraded, Json checks) {
  return fresh_json({{"status", !is_up        ? "not_ready"
                                : is_degraded ? "degraded"
                                              : "ok"},
                     {"checks", std::move(checks)}},
                    is_up ? 200 : 503);
}

void add_health_routes(Router& router, const HealthHandlers& handlers) {
  const auto add = [&](const char* pattern, std::function<Response()> answer) {
    router.add({pattern,
                [answer = std::move(answer)](const Request&) { return answer(); },
                {},
                "GET",
                Permission::anonymous});
  };
  add("/health", handlers.health);
  add("/admin/health/live", [] { return fresh_json({{"status", "ok"}}); });
  add("/admin/health/ready", handlers.ready);
}

}  // namespace flowlensd::http
