/// \file
/// http: what a client of live updates wants to hear of, and how it says so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "http/rows.hpp"
#include "library.hpp"

namespace flowlensd::http {

enum class LiveTopic : std::uint8_t { assets, dependencies, changes, alerts, applications };
inline constexpr std::size_t kLiveTopicCount = 5;
inline constexpr std::array<std::string_view, kLiveTopicCount> kLiveTopicNames{
    "assets", "dependencies", "changes", "alerts", "applications"};

/// Immutable once made. An empty filter lets everything through.
struct LiveSubscription {
  std::array<bool, kLiveTopicCount> topics{};
  Filter<AssetRow> assets;
  Filter<DependencyRow> dependencies;
  Filter<ChangeEvent> changes;
  Filter<ChangeEvent> applications;
  Filter<Alert> alerts;
  std::string key;  ///< equal for those who are told the same

  [[nodiscard]] bool has(LiveTopic topic) const noexcept {
    return topics[static_cast<std::size_t>(topic)];
  }
  [[nodiscard]] bool empty() const noexcept { return topics == decltype(topics){}; }
};

/// How a client begins, or begins anew.
struct LiveRequest {
  LiveSubscription subscription;       ///< empty: it will say later
  std::optional<std::uint64_t> after;  ///< the last revision that it has
  std::string instance;                ///< of which run; empty: of any
  bool is_stream = false;              ///< server-sent events; else WebSocket
};

/// The parameters of the query that live_request() knows.
[[nodiscard]] std::vector<std::string> live_parameters();
/// \param fallback  whether a query without `topics` means all of them. \throws Problem.
[[nodiscard]] LiveRequest live_request(const Request& request, bool fallback);
/// The same, from a message `subscribe`. \throws Problem.
[[nodiscard]] LiveRequest live_request(const Json& message);
/// Takes topics away, those that a message `unsubscribe` names, or all. \throws Problem.
void unsubscribe(LiveSubscription& from, const Json& message);

}  // namespace flowlensd::http
