/// \file
/// normalize: one exporter explained: what it sends, what of that the map can use, what was lost and
/// why. For people and for those who write monitoring.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/exporter_facts.hpp"
#include "flowlens/exporter_status.hpp"
#include "flowlens/flow_record.hpp"
#include "flowlens/information_element.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// What is known of one exporter. A copy: it stays as it was. Made by Decoder::explain().
struct ExporterExplanation {
  Timestamp now;          ///< when it was asked
  ExporterStatus status;  ///< streams, templates, loss, the last problem
  ExporterFacts facts;    ///< sampling, names, statistics of its own, its clock
  /// Elements of `status.templates` that the user's InformationModel names, or that the exporter
  /// itself does (RFC 5610) and the built-in tables do not.
  std::map<ElementId, std::string> own_names;
  /// FlowField bits of what the map works with and no data template gives. Nothing if no template
  /// and no record has come yet.
  std::optional<std::uint32_t> missing_fields;

  /// One of `own_names`, else element_name().
  [[nodiscard]] std::string name_of(ElementId id) const;
};

/// The fields that the map works with: addresses, protocol, ports, counts, times, TCP flags.
inline constexpr std::uint32_t kMapFields =
    static_cast<std::uint32_t>(FlowField::source_address) |
    static_cast<std::uint32_t>(FlowField::destination_address) |
    static_cast<std::uint32_t>(FlowField::protocol) |
    static_cast<std::uint32_t>(FlowField::source_port) |
    static_cast<std::uint32_t>(FlowField::destination_port) |
    static_cast<std::uint32_t>(FlowField::octet_count) |
    static_cast<std::uint32_t>(FlowField::packet_count) |
    static_cast<std::uint32_t>(FlowField::start) | static_cast<std::uint32_t>(FlowField::end) |
    static_cast<std::uint32_t>(FlowField::tcp_flags);

/// The names of map fields among `fields`, as JSON has them: `source_address`.
[[nodiscard]] std::vector<std::string_view> map_field_names(std::uint32_t fields);

/// Some lines of text, for a terminal.
[[nodiscard]] std::string to_text(const ExporterExplanation& explanation);

}  // namespace flowlens
