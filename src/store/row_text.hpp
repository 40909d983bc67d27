/// \file
/// store: values that rows hold as text, for people who read the tables with SQL.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flowlens/connection_summary.hpp"
#include "flowlens/endpoint.hpp"
#include "flowlens/revision.hpp"

namespace flowlens::store {

/// Names of sites to their numbers and back.
class SiteNames {
 public:
  explicit SiteNames(SiteTable table) : table_(std::move(table)) {}
  /// \throws ConfigError for an id that the table did not give.
  [[nodiscard]] std::string_view name(SiteId id) const;
  /// \throws ConfigError for a name that the table lacks.
  [[nodiscard]] SiteId id(const std::string& name) const;

 private:
  SiteTable table_;
  mutable std::unordered_map<std::string, SiteId> ids_;
};

/// Each throws IoError for text that no release wrote.
[[nodiscard]] IpAddress address_from(const std::string& text);
[[nodiscard]] Direction direction_from(std::string_view text);
[[nodiscard]] DirectionRung rung_from(std::string_view text);
[[nodiscard]] FactSource source_from(std::string_view text);
[[nodiscard]] ChangeType change_type_from(std::string_view text);
[[nodiscard]] Severity severity_from(std::string_view text);
[[nodiscard]] Criticality criticality_from(std::string_view text);
/// `dmz,web`
[[nodiscard]] std::string tags_text(const std::vector<std::string>& tags);
[[nodiscard]] std::vector<std::string> tags_from(std::string_view text);
[[nodiscard]] IntermediaryKind intermediary_kind_from(std::string_view text);
[[nodiscard]] IntermediaryState intermediary_state_from(std::string_view text);
/// Rungs that agree, and with a `!` those that disagree: `tcp_flags,!lower_port`
[[nodiscard]] std::string reasons_text(const DirectionReasons& reasons);
[[nodiscard]] DirectionReasons reasons_from(std::string_view text);
/// The newest hour, highest octet first, and one bit an hour back from it, lowest bit first.
[[nodiscard]] std::vector<std::uint8_t> hours_blob(const HourBitmap& hours);
[[nodiscard]] HourBitmap hours_from(std::span<const std::uint8_t> blob) noexcept;
/// `10.0.0.1,10.0.0.2`
[[nodiscard]] std::string observers_text(const DependencyRow& row);
void read_observers(std::string_view text, DependencyRow& row);

}  // namespace flowlens::store
