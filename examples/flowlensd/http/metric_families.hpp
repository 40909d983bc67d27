/// \file
/// http: metric families made from counters that the parts keep themselves.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "http/server.hpp"
#include "service.hpp"

namespace flowlensd::http {

/// Values as they are now, in groups that balance.
[[nodiscard]] std::vector<prometheus::MetricFamily> collect_families(const Service& service,
                                                                     const ServerCounters& server);

}  // namespace flowlensd::http
