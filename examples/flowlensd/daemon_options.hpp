/// \file
/// What the settings mean for each part that the daemon is put together from.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "config/known_network.hpp"
#include "config/settings.hpp"
#include "flowlens/store.hpp"
#include "http/cors.hpp"
#include "http/live.hpp"
#include "http/server.hpp"
#include "library.hpp"
#include "pipeline/baseline_watching.hpp"
#include "pipeline/flow_keeper.hpp"
#include "pipeline/flow_sender.hpp"
#include "pipeline/geo.hpp"
#include "pipeline/ingest.hpp"
#include "service.hpp"

namespace flowlensd {

/// Against chosen collisions.
[[nodiscard]] std::uint64_t random_key();
[[nodiscard]] std::size_t worker_count(const Settings& s);
/// \param geo  outlives the Resolver.
[[nodiscard]] ResolverOptions resolver_options(const Settings& s, const KnownNetwork& known,
                                               const Geo& geo);
[[nodiscard]] BaselineWatchOptions baseline_watch_options(const Settings& s);
/// Each once.
[[nodiscard]] std::vector<std::uint16_t> listening_ports(const Settings& s);
/// Reads the file of own elements. \throws ConfigError
[[nodiscard]] IngestOptions ingest_options(const Settings& s);
/// With a forward_host only.
[[nodiscard]] FlowSenderOptions flow_sender_options(const Settings& s);
[[nodiscard]] http::LiveOptions live_options(const Life& life, const StoreOpened& term);
/// Asked only where the API is served: other roles have the same ENVIRONMENT and no origins.
/// \throws ConfigError for `*` in production.
[[nodiscard]] http::Cors cors_of(const Settings& s);
[[nodiscard]] http::ServerOptions server_options(const Settings& s, http::LiveUpdates& live);
/// Of the port where a process without the role api has health and metrics.
[[nodiscard]] http::ServerOptions metrics_server_options(const Settings& s);
[[nodiscard]] FlowKeeperOptions flow_keeper_options(const Settings& s);
[[nodiscard]] std::chrono::milliseconds flush_interval(const Settings& s);
[[nodiscard]] std::string url_scheme(const Settings& s);
[[nodiscard]] std::string url_host(const IpAddress& address);

}  // namespace flowlensd
