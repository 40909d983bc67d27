/// \file
/// graph: something about the map became otherwise, for people and rules. docs/changes.md says when each
/// type is raised.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flowlens/endpoint.hpp"
#include "flowlens/id.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

enum class ChangeType : std::uint8_t {
  dependency_redirected,    ///< `subject` turned out to be `object`
  asset_merged,             ///< `subject` has lost its last endpoint to `object`
  asset_split,              ///< `object` was made from endpoints of `subject`
  endpoint_moved,           ///< `object` holds an endpoint that `subject` held
  intermediary_proposed,    ///< the asset `object` seems to be the intermediary `subject`
  intermediary_judged,      ///< somebody has accepted or rejected that
  asset_type_changed,       ///< the asset `subject`, of one known type before, is of another
  new_asset,                ///< the asset `subject` is seen for the first time
  new_dependency,           ///< the dependency `subject`, used by the asset `object`
  new_external_connection,  ///< as new_dependency, and its other end is outside
  service_appeared,         ///< the asset `subject` serves `port` for the first time
  service_vanished,         ///< it does so no more, to nobody
  replica_lost,             ///< the same, while others go on serving its clients
  dependency_silent,  ///< the dependency `subject` rests longer than it ever does; of the asset `object`
  dependency_resumed,  ///< it is back
  asset_offline,       ///< all traffic of the asset `subject` rests longer than it ever does
  asset_online,        ///< it is back
  traffic_spike,  ///< of the dependency, or asset, `subject`: far more than at this hour of the week
  traffic_drop,   ///< far less
  scan,           ///< the asset `subject` tries many addresses or ports that it never used
  asset_changed,       ///< name or nature of the asset `subject`
  dependency_changed,  ///< service or direction of the dependency `subject`
  removed_asset,       ///< nothing was seen of the asset `subject` for as long as rhythms are kept
  removed_dependency,  ///< the same of the dependency `subject`
  new_single_point_of_failure,  ///< more depends on the asset `subject` alone than did
  application_changed,          ///< `subject` joined or left the application `object`
  baseline_drift,               ///< what is there is not what the baseline `subject` says
  visibility_lost,              ///< so much fell silent at once that it was rather not seen
  gateway_changed,  ///< the exporter `subject` reaches networks by other next hops than before
  traffic_normal,   ///< of what had a spike or drop, the dependency or asset `subject`: usual again
  baseline_restored,  ///< what the baseline `subject` says is so again, or it is kept no more
};
inline constexpr std::size_t kChangeTypeCount = 31;
/// `dependency_redirected`
[[nodiscard]] std::string_view to_string(ChangeType t) noexcept;
enum class Severity : std::uint8_t {
  info,      ///< to look up
  warning,   ///< somebody should look at it
  critical,  ///< somebody should look at it now
};
inline constexpr std::size_t kSeverityCount = 3;
inline constexpr std::array<std::string_view, kSeverityCount> kSeverityNames = {"info", "warning",
                                                                                "critical"};
/// `warning`
[[nodiscard]] std::string_view to_string(Severity s) noexcept;

/// One change. The same change has the same id, whoever finds it and however often.
struct ChangeEvent {
  Id id;  ///< derived from type, subject, object and time
  ChangeType type = ChangeType::dependency_redirected;
  Id subject;
  Id object;
  Timestamp at;
  std::string reason;  ///< one sentence
  Severity severity = Severity::info;
  Id cause;            ///< the event that this one is part of; none: it stands for itself
  std::string before;  ///< what was there, or was expected; may be empty
  std::string after;   ///< what is there; may be empty
  std::optional<std::uint64_t>
      expected;  ///< where it is about a number: octets a window, seconds, ends
  std::optional<std::uint64_t> seen;
  /// What it is about: of an asset its first endpoint, of a dependency its server, of a service both
  /// it and `port`, of an exporter its address. Unspecified where there is none.
  Endpoint endpoint{};
  Endpoint client{};          ///< of a dependency; else unspecified
  std::uint16_t port = 0;     ///< of a service or dependency; else 0
  std::uint8_t protocol = 0;  ///< the same; IANA protocol number

  friend bool operator==(const ChangeEvent&, const ChangeEvent&) noexcept = default;
};

/// What the subject is: `asset`, `dependency`, `intermediary`, `baseline`, `map` or `exporter`. The
/// subject of what is about traffic is a dependency if the event names a client, else an asset.
[[nodiscard]] std::string_view subject_kind(const ChangeEvent& event) noexcept;

/// The id of a change. \param at  when it began to be so, not when it was found.
[[nodiscard]] Id change_id(ChangeType type, const Id& subject, const Id& object, Timestamp at);

}  // namespace flowlens
