/// \file
/// http: one update of the map, its rows beside their text, and the messages made of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "http/live_subscription.hpp"
#include "library.hpp"
#include "pipeline/geo.hpp"

namespace flowlensd::http {

/// The rows of one topic that an update changed.
template <typename Row>
struct ToldRows {
  std::vector<Row> rows;               ///< for filters
  std::vector<std::string> texts{};    ///< the same as JSON
  std::vector<std::string> removed{};  ///< ids
  std::size_t changed_count = 0;
  bool is_truncated = false;  ///< there were too many: none are here

  [[nodiscard]] bool empty() const noexcept {
    return rows.empty() && removed.empty() && !is_truncated;
  }
};

/// A revision, or alerts that changed while it was the last one.
struct LiveUpdate {
  bool is_revision = false;
  std::uint64_t revision = 0;  ///< of alerts set when it is kept
  std::uint64_t epoch = 0;
  Timestamp at;
  ToldRows<AssetRow> assets;
  ToldRows<DependencyRow> dependencies;
  std::vector<Alias> aliases;
  ToldRows<ChangeEvent> changes;
  ToldRows<Alert> alerts;

  std::size_t octets = 0;                                              ///< about, of rows and texts
  std::map<std::string, std::shared_ptr<const std::string>> messages;  ///< made, by subscription
};

/// Copies what the topics need. \param max_rows  of one topic.
[[nodiscard]] std::unique_ptr<LiveUpdate> live_update(const Revision& revision,
                                                      std::size_t max_rows);
[[nodiscard]] std::unique_ptr<LiveUpdate> live_update(const AlertChanges& changes,
                                                      std::size_t max_rows);
/// How many topics of it are truncated.
[[nodiscard]] std::size_t truncated_topics(const LiveUpdate& update) noexcept;
/// Fills in all texts, and `octets`.
void make_texts(LiveUpdate& update, const SiteTable& sites, const Geo* geo);
/// \param max_told  rows of one topic.
/// \return empty if there is nothing in it for that client. Revisions always tell their number.
[[nodiscard]] std::string live_message(const LiveUpdate& update, const LiveSubscription& wanted,
                                       const std::string& instance, std::size_t max_told);

}  // namespace flowlensd::http
