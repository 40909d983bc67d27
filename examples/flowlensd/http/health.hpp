/// \file
/// http: what probes ask of a process, whatever its roles.
#pragma once

#include <functional>

#include "http/router.hpp"
#include "http/rows.hpp"

namespace flowlensd::http {

/// Of the moment: no cache keeps it.
[[nodiscard]] Response fresh_json(const Json& body, unsigned status = 200);

/// \param checks  one text each; `ok` and `not_configured` are good.
[[nodiscard]] Response health_answer(bool is_up, bool is_degraded, double uptime_seconds,
                                     Json checks);
[[nodiscard]] Response ready_answer(bool is_up, bool is_degraded, Json checks);

struct HealthHandlers {
  std::function<Response()> health;
  std::function<Response()> ready;
};

/// `/health`, `/admin/health/live` and `/admin/health/ready`; open to everybody, by reference/DECISIONS.md.
void add_health_routes(Router& router, const HealthHandlers& handlers);

}  // namespace flowlensd::http
