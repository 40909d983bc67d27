/// \file
/// http: Prometheus metrics: what the parts count anyway, and times worth a quantile.
#pragma once

#include <functional>
#include <memory>

#include "http/message.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "service.hpp"

namespace flowlensd::http {

/// Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  void observe_latency(double seconds);
  void observe_flush(double seconds);
  /// \param is_postgres  whether the store that took the revision is PostgreSQL.
  void observe_store(const Revision& revision, double seconds, bool is_postgres);
  void observe_request(const std::string& method, const Response& response, double seconds);

  /// All metrics as text.
  [[nodiscard]] std::string text(const Service& service, const ServerCounters& server) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// `/metrics` and `/admin/metrics`.
void add_metrics_routes(Router& router, const Service& service, const Metrics& metrics,
                        std::function<ServerCounters()> server);

}  // namespace flowlensd::http
