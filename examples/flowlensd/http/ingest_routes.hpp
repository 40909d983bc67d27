/// \file
/// http: what a process that only receives answers: health and metrics.
#pragma once

#include <functional>
#include <memory>

#include "http/router.hpp"
#include "http/server.hpp"
#include "pipeline/parcel_sending.hpp"
#include "service.hpp"

namespace flowlensd::http {

/// References to the parts, valid as long as the process. All of it may be used by any thread.
struct IngestService {
  const Life& life;
  const Accounts& accounts;
  const FlowChannel& channel;
  const ParcelSending& sending;
  std::function<ReceiverView()> receiver;
  std::function<std::shared_ptr<const Settings>()> settings;  ///< what the process goes by now
  std::function<ServerCounters()> server;
};

/// \param has_metrics  whether everybody may read them; there are no users here.
void add_ingest_routes(Router& router, const IngestService& service, bool has_metrics);

}  // namespace flowlensd::http
