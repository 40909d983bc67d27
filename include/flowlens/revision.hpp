/// \file
/// graph: rows of the map, and revisions, the unit of its state (DESIGN section 2).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/annotation.hpp"
#include "flowlens/change_event.hpp"
#include "flowlens/connection_summary.hpp"
#include "flowlens/fact.hpp"
#include "flowlens/hour_bitmap.hpp"
#include "flowlens/id.hpp"
#include "flowlens/intermediary.hpp"
#include "flowlens/ledger.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// One term of one Resolver as the only writer; the store gives them out, ascending from 1.
struct Epoch {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(Epoch, Epoch) noexcept = default;
};

/// An endpoint held by an asset for a time.
struct HeldEndpoint {
  Endpoint endpoint;
  Timestamp from;
  std::optional<Timestamp> until;            ///< nothing: still held
  FactSource source = FactSource::observed;  ///< who says so
};

/// An asset: a named set of endpoints.
struct AssetRow {
  Id id;
  std::string name;                     ///< empty: none known, show the first address
  std::vector<HeldEndpoint> endpoints;  ///< at least one
  std::string asset_type = "unknown";
  bool is_internal = false;
  Timestamp first_seen;
  Timestamp last_seen;
  FactSource name_source = FactSource::observed;
  Timestamp name_at;  ///< of the statement; meaningful where there is a name
  FactSource type_source = FactSource::observed;  ///< observed: nobody has said
  float type_confidence = 0.0f;                   ///< 0 to 1; of what people say 1
  Timestamp type_at;                              ///< of the statement that brought the type
  std::shared_ptr<const Annotation> annotation;   ///< null: nobody has said anything
};

/// A dependency with its totals.
struct DependencyRow {
  Id id;
  Id client_asset;
  Id server_asset;
  DependencyKey key;
  ServiceId service;
  Direction direction = Direction::client_server;
  DirectionRung rung = DirectionRung::none;
  bool provisional = true;  ///< no window of it has closed since it was found
  Timestamp first_seen;
  Timestamp last_seen;
  TrafficCounts totals;
  std::array<IpAddress, kMaxObservers> observers{};
  std::uint8_t observer_count = 0;
  HourBitmap hours;  ///< with traffic, by event time
  DirectionReasons reasons;
  std::uint16_t flips = 0;         ///< how often it was re-directed; stays at kMaxFlips
  Endpoint via{};                  ///< as in ConnectionSummary, of the last window that told
  std::uint32_t client_count = 1;  ///< ends it stands for; the highest that any window told
  bool client_internal = false;    ///< as its asset now
  bool server_internal = false;
  std::shared_ptr<const Annotation> annotation{};  ///< null: nobody has said anything
};
inline constexpr std::uint16_t kMaxFlips = 4'095;

/// Traffic of one dependency in one window of one epoch: cumulative, so writing it twice is the same
/// as writing it once.
struct WindowRow {
  Timestamp window_start;
  Id dependency;
  TrafficCounts counts;
};

/// What people say of a proposal.
enum class IntermediaryState : std::uint8_t { proposed, accepted, rejected };
/// `proposed`
[[nodiscard]] std::string_view to_string(IntermediaryState s) noexcept;

/// Something that stands between those who talk, as found or as people say.
struct IntermediaryRow {
  Id id;  ///< derived from kind, front, ports and protocol
  IntermediaryKind kind = IntermediaryKind::load_balancer;
  IntermediaryState state = IntermediaryState::proposed;
  Endpoint front;
  std::uint16_t front_port = 0;    ///< where it is asked; of a translator 0
  std::uint16_t backend_port = 0;  ///< where it asks; of a translator 0
  std::uint8_t protocol = 0;       ///< IANA protocol number; of a translator 0
  std::vector<Endpoint> members;   ///< whom it asks, or for whom; ascending
  std::uint32_t clients = 0;       ///< in the last window that showed it
  std::uint32_t windows = 0;       ///< that showed it
  float confidence = 0.0f;         ///< 0 to 1
  Timestamp first_seen;            ///< when it was proposed first and last
  Timestamp last_seen;
  friend bool operator==(const IntermediaryRow&, const IntermediaryRow&) = default;
};

/// An id that goes on naming something after its row has gone. Where a row has the id again, the row
/// is meant.
struct Alias {
  Id id;
  Id target;
  Timestamp at;  ///< of a dependency: its windows that start earlier count as the target's
  bool is_turned = false;  ///< the target is the other way round: those windows change sides
  /// Whether all its windows do, for ever: people have said so.
  [[nodiscard]] bool is_for_ever() const noexcept { return at == Timestamp::max(); }
};

/// All that is said of an endpoint, as DependencyGraph keeps it.
struct EndpointFacts {
  Endpoint subject;
  std::vector<Fact> facts;  ///< of this subject; none: nothing is said any more
  friend bool operator==(const EndpointFacts&, const EndpointFacts&) = default;
};

/// What changed: new absolute values of every row that changed, and rows removed.
struct Revision {
  std::uint64_t number = 0;  ///< ascending by one over all epochs
  Epoch epoch;
  Timestamp at;
  std::vector<AssetRow> assets;
  std::vector<DependencyRow> dependencies;
  std::vector<WindowRow> windows;
  std::vector<Id> removed_assets;
  std::vector<Id> removed_dependencies;  ///< provisional ones that turned out otherwise
  FlowLedger flows;                      ///< of this epoch so far; in memory, applied = totals
  std::vector<Alias> aliases;
  std::vector<ChangeEvent> events;
  std::vector<IntermediaryRow> intermediaries;
  std::vector<Annotation> annotations;  ///< an empty one: nothing is said any more
  std::vector<EndpointFacts> facts;     ///< of endpoints of which something else is said now
  std::vector<Id> closed_dependencies;  ///< taken out by people: their windows stay on record
  /// Up to where the flows of `flows` were taken from an input that is read by position; 0: from none.
  std::uint64_t input_position = 0;

  [[nodiscard]] bool empty() const noexcept {
    return annotations.empty() && facts.empty() && closed_dependencies.empty() &&
           intermediaries.empty() && assets.empty() && dependencies.empty() && windows.empty() &&
           removed_assets.empty() && removed_dependencies.empty() && aliases.empty() &&
           events.empty();
  }
};

}  // namespace flowlens
