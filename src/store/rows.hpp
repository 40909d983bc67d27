/// \file
/// store: rows of the map as the columns of tables, the same in every database.
///
/// A *sink* takes the columns of one row after another by bind() and bind_null(); a *source* gives them
/// in the same order by id(), text(), i64(), u64(), boolean(), blob() and optional_i64().
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "flowlens/dependency_graph.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/revision.hpp"
#include "store/row_text.hpp"

namespace flowlens::store {

/// The rows in the order of their key. Ids are spread evenly, so in any other order each row would
/// meet another page of the tree. Keys stand beside each other while they are sorted, rows do not.
template <typename Row, typename Key>
auto in_order(const std::vector<Row>& rows, Key key) {
  std::vector<std::pair<decltype(key(rows.front())), const Row*>> order;
  order.reserve(rows.size());
  for (const Row& row : rows) order.emplace_back(key(row), &row);
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return order;
}

inline std::uint64_t millionths(float share) {
  return static_cast<std::uint64_t>(std::lround(share * 1e6f));
}

template <typename Sink>
void put_time(Sink& sink, const std::optional<Timestamp>& time) {
  time ? sink.bind(to_unix_ns(*time)) : sink.bind_null();
}
template <typename Source>
std::optional<Timestamp> take_time(Source& row) {
  const auto ns = row.optional_i64();
  if (!ns) return std::nullopt;
  return from_unix_ns(*ns);
}

/// Site and address; empty texts where there is none.
template <typename Sink>
void put_if_any(Sink& sink, const Endpoint& end, const SiteNames& sites) {
  const bool is_any = !end.address.is_unspecified();
  sink.bind(is_any ? sites.name(end.site) : std::string_view{});
  sink.bind(is_any ? end.address.to_string() : std::string{});
}
template <typename Source>
Endpoint take_if_any(Source& row, const SiteNames& sites) {
  const std::string site = row.text();
  const std::string address = row.text();
  return address.empty() ? Endpoint{} : Endpoint{sites.id(site), address_from(address)};
}

template <typename Sink>
void put(Sink& sink, const TrafficCounts& counts) {
  sink.bind(counts.flows);
  sink.bind(counts.octets_to_server);
  sink.bind(counts.octets_to_client);
  sink.bind(counts.packets_to_server);
  sink.bind(counts.packets_to_client);
  sink.bind(counts.estimated_octets_to_server);
  sink.bind(counts.estimated_octets_to_client);
}
template <typename Source>
TrafficCounts take_counts(Source& row) {
  TrafficCounts counts;
  counts.flows = row.u64();
  counts.octets_to_server = row.u64();
  counts.octets_to_client = row.u64();
  counts.packets_to_server = row.u64();
  counts.packets_to_client = row.u64();
  counts.estimated_octets_to_server = row.u64();
  counts.estimated_octets_to_client = row.u64();
  return counts;
}

/// Without its endpoints.
template <typename Sink>
void put(Sink& sink, const AssetRow& row) {
  sink.bind(row.id);
  sink.bind(row.name);
  sink.bind(row.asset_type);
  sink.bind(row.is_internal);
  sink.bind(to_unix_ns(row.first_seen));
  sink.bind(to_unix_ns(row.last_seen));
  sink.bind(to_string(row.name_source));
  sink.bind(to_unix_ns(row.name_at));
  sink.bind(to_string(row.type_source));
  sink.bind(millionths(row.type_confidence));
  sink.bind(to_unix_ns(row.type_at));
}
template <typename Source>
AssetRow take_asset(Source& row) {
  AssetRow asset;
  asset.id = row.id();
  asset.name = row.text();
  asset.asset_type = row.text();
  asset.is_internal = row.boolean();
  asset.first_seen = from_unix_ns(row.i64());
  asset.last_seen = from_unix_ns(row.i64());
  asset.name_source = source_from(row.text());
  asset.name_at = from_unix_ns(row.i64());
  asset.type_source = source_from(row.text());
  asset.type_confidence = static_cast<float>(row.u64()) / 1e6f;
  asset.type_at = from_unix_ns(row.i64());
  return asset;
}

/// Behind the asset and its position there.
template <typename Sink>
void put(Sink& sink, const HeldEndpoint& held, const SiteNames& sites) {
  sink.bind(sites.name(held.endpoint.site));
  sink.bind(held.endpoint.address.to_string());
  sink.bind(to_unix_ns(held.from));
  put_time(sink, held.until);
  sink.bind(to_string(held.source));
}
template <typename Source>
HeldEndpoint take_endpoint(Source& row, const SiteNames& sites) {
  HeldEndpoint held;
  held.endpoint.site = sites.id(row.text());
  held.endpoint.address = address_from(row.text());
  held.from = from_unix_ns(row.i64());
  held.until = take_time(row);
  held.source = source_from(row.text());
  return held;
}

template <typename Sink>
void put(Sink& sink, const DependencyRow& row, const SiteNames& sites) {
  sink.bind(row.id);
  sink.bind(row.client_asset);
  sink.bind(row.server_asset);
  sink.bind(sites.name(row.key.client.site));
  sink.bind(row.key.client.address.to_string());
  sink.bind(sites.name(row.key.server.site));
  sink.bind(row.key.server.address.to_string());
  sink.bind(std::uint64_t{row.key.protocol});
  sink.bind(std::uint64_t{row.key.port});
  sink.bind(service_name(row.service));
  sink.bind(to_string(row.direction));
  sink.bind(to_string(row.rung));
  sink.bind(row.provisional);
  sink.bind(to_unix_ns(row.first_seen));
  sink.bind(to_unix_ns(row.last_seen));
  put(sink, row.totals);
  sink.bind(observers_text(row));
  sink.bind(std::span<const std::uint8_t>{hours_blob(row.hours)});
  sink.bind(std::uint64_t{row.flips});
  sink.bind(reasons_text(row.reasons));
  put_if_any(sink, row.via, sites);
  sink.bind(std::uint64_t{row.client_count});
}
template <typename Source>
DependencyRow take_dependency(Source& row, const SiteNames& sites) {
  DependencyRow d;
  d.id = row.id();
  d.client_asset = row.id();
  d.server_asset = row.id();
  d.key.client.site = sites.id(row.text());
  d.key.client.address = address_from(row.text());
  d.key.server.site = sites.id(row.text());
  d.key.server.address = address_from(row.text());
  d.key.protocol = static_cast<std::uint8_t>(row.u64());
  d.key.port = static_cast<std::uint16_t>(row.u64());
  // The name is there for readers of the table: this release may know the port by a better one.
  (void)row.text();
  d.service = find_service(d.key.protocol, d.key.port);
  d.direction = direction_from(row.text());
  d.rung = rung_from(row.text());
  d.provisional = row.boolean();
  d.first_seen = from_unix_ns(row.i64());
  d.last_seen = from_unix_ns(row.i64());
  d.totals = take_counts(row);
  read_observers(row.text(), d);
  d.hours = hours_from(row.blob());
  d.flips = static_cast<std::uint16_t>(row.u64());
  d.reasons = reasons_from(row.text());
  d.via = take_if_any(row, sites);
  d.client_count = static_cast<std::uint32_t>(row.u64());
  return d;
}

template <typename Sink>
void put(Sink& sink, const ChangeEvent& event, const SiteNames& sites) {
  sink.bind(event.id);
  sink.bind(to_string(event.type));
  sink.bind(event.subject);
  sink.bind(event.object);
  sink.bind(to_unix_ns(event.at));
  sink.bind(event.reason);
  sink.bind(to_string(event.severity));
  sink.bind(event.cause);
  sink.bind(event.before);
  sink.bind(event.after);
  for (const auto& count : {event.expected, event.seen}) {
    count ? sink.bind(*count) : sink.bind_null();
  }
  put_if_any(sink, event.endpoint, sites);
  put_if_any(sink, event.client, sites);
  sink.bind(std::uint64_t{event.port});
  sink.bind(std::uint64_t{event.protocol});
}
template <typename Source>
ChangeEvent take_event(Source& row, const SiteNames& sites) {
  ChangeEvent event;
  event.id = row.id();
  event.type = change_type_from(row.text());
  event.subject = row.id();
  event.object = row.id();
  event.at = from_unix_ns(row.i64());
  event.reason = row.text();
  event.severity = severity_from(row.text());
  event.cause = row.id();
  event.before = row.text();
  event.after = row.text();
  event.expected = row.optional_i64();
  event.seen = row.optional_i64();
  event.endpoint = take_if_any(row, sites);
  event.client = take_if_any(row, sites);
  event.port = static_cast<std::uint16_t>(row.u64());
  event.protocol = static_cast<std::uint8_t>(row.u64());
  return event;
}

/// Without its members.
template <typename Sink>
void put(Sink& sink, const IntermediaryRow& row, const SiteNames& sites) {
  sink.bind(row.id);
  sink.bind(to_string(row.kind));
  sink.bind(to_string(row.state));
  sink.bind(sites.name(row.front.site));
  sink.bind(row.front.address.to_string());
  sink.bind(std::uint64_t{row.front_port});
  sink.bind(std::uint64_t{row.backend_port});
  sink.bind(std::uint64_t{row.protocol});
  sink.bind(std::uint64_t{row.clients});
  sink.bind(std::uint64_t{row.windows});
  sink.bind(millionths(row.confidence));
  sink.bind(to_unix_ns(row.first_seen));
  sink.bind(to_unix_ns(row.last_seen));
}
template <typename Source>
IntermediaryRow take_intermediary(Source& row, const SiteNames& sites) {
  IntermediaryRow i;
  i.id = row.id();
  i.kind = intermediary_kind_from(row.text());
  i.state = intermediary_state_from(row.text());
  i.front.site = sites.id(row.text());
  i.front.address = address_from(row.text());
  i.front_port = static_cast<std::uint16_t>(row.u64());
  i.backend_port = static_cast<std::uint16_t>(row.u64());
  i.protocol = static_cast<std::uint8_t>(row.u64());
  i.clients = static_cast<std::uint32_t>(row.u64());
  i.windows = static_cast<std::uint32_t>(row.u64());
  i.confidence = static_cast<float>(row.u64()) / 1e6f;
  i.first_seen = from_unix_ns(row.i64());
  i.last_seen = from_unix_ns(row.i64());
  return i;
}

/// Tags stand in one text, with commas between.
template <typename Sink>
void put(Sink& sink, const Annotation& said) {
  sink.bind(said.subject);
  sink.bind(tags_text(said.tags));
  sink.bind(said.notes);
  sink.bind(said.owner);
  sink.bind(to_string(said.criticality));
  sink.bind(said.is_declared);
  sink.bind(said.is_confirmed);
  sink.bind(said.said_by);
  sink.bind(to_unix_ns(said.said_at));
}
template <typename Source>
Annotation take_annotation(Source& row) {
  Annotation said;
  said.subject = row.id();
  said.tags = tags_from(row.text());
  said.notes = row.text();
  said.owner = row.text();
  said.criticality = criticality_from(row.text());
  said.is_declared = row.boolean();
  said.is_confirmed = row.boolean();
  said.said_by = row.text();
  said.said_at = from_unix_ns(row.i64());
  return said;
}

/// Behind the position among those of its endpoint.
template <typename Sink>
void put(Sink& sink, const Fact& fact) {
  sink.bind(fact.attribute);
  sink.bind(fact.value);
  sink.bind(to_string(fact.source));
  sink.bind(fact.origin);
  sink.bind(to_unix_ns(fact.at));
  put_time(sink, fact.since);
  put_time(sink, fact.expires);
}
/// From the endpoint on, without the position.
template <typename Source>
Fact take_fact(Source& row, const SiteNames& sites) {
  Fact fact;
  fact.subject.site = sites.id(row.text());
  fact.subject.address = address_from(row.text());
  fact.attribute = row.text();
  fact.value = row.text();
  fact.source = source_from(row.text());
  fact.origin = row.text();
  fact.at = from_unix_ns(row.i64());
  fact.since = take_time(row);
  fact.expires = take_time(row);
  return fact;
}

template <typename Sink>
void put(Sink& sink, const FlowLedger& flows) {
  sink.bind(flows.normalized);
  sink.bind(flows.applied);
  sink.bind(flows.duplicate);
  sink.bind(flows.attempt);
  sink.bind(flows.control);
  sink.bind(flows.sampled_out);
  for (const std::uint64_t dropped : flows.dropped) sink.bind(dropped);
  sink.bind(flows.late_carried);
}
template <typename Source>
FlowLedger take_ledger(Source& row) {
  FlowLedger flows;
  flows.normalized = row.u64();
  flows.applied = row.u64();
  flows.duplicate = row.u64();
  flows.attempt = row.u64();
  flows.control = row.u64();
  flows.sampled_out = row.u64();
  for (std::uint64_t& dropped : flows.dropped) dropped = row.u64();
  flows.late_carried = row.u64();
  return flows;
}

/// Collects rows that a database gives and hands them to the graph when there are enough.
class Loader {
 public:
  Loader(const Revision& frame, std::size_t rows_at_once, DependencyGraph& graph)
      : revision_(frame), rows_at_once_(rows_at_once), graph_(&graph) {}
  void add(AssetRow&& row) { add(revision_.assets, std::move(row)); }
  void add(DependencyRow&& row) { add(revision_.dependencies, std::move(row)); }
  void add(const Alias& alias) { add(revision_.aliases, Alias{alias}); }
  void add(ChangeEvent&& event) { revision_.events.push_back(std::move(event)); }
  void add(IntermediaryRow&& row) { revision_.intermediaries.push_back(std::move(row)); }
  void add(Annotation&& said) { add(revision_.annotations, std::move(said)); }
  /// Those of one endpoint behind each other.
  void add(Fact&& fact) {
    if (revision_.facts.empty() || revision_.facts.back().subject != fact.subject) {
      if (revision_.facts.size() >= rows_at_once_) flush();
      revision_.facts.push_back({fact.subject, {}});
    }
    revision_.facts.back().facts.push_back(std::move(fact));
  }
  void flush() {
    graph_->apply(revision_);
    revision_.assets.clear();
    revision_.dependencies.clear();
    revision_.aliases.clear();
    revision_.events.clear();
    revision_.intermediaries.clear();
    revision_.annotations.clear();
    revision_.facts.clear();
  }

 private:
  template <typename Row>
  void add(std::vector<Row>& rows, Row&& row) {
    rows.push_back(std::move(row));
    if (rows.size() >= rows_at_once_) flush();
  }

  Revision revision_;
  std::size_t rows_at_once_;
  DependencyGraph* graph_;
};

/// Rows of windows in the order of start and dependency: those of one start and dependency become one.
class WindowSum {
 public:
  explicit WindowSum(const std::function<bool(const WindowRow&)>& visit) : visit_(&visit) {}
  /// \return false if the visitor wants no more.
  [[nodiscard]] bool add(const WindowRow& next) {
    if (sum_ && sum_->window_start == next.window_start && sum_->dependency == next.dependency) {
      sum_->counts += next.counts;
      return true;
    }
    const bool wants_more = finish();
    sum_ = next;
    return wants_more;
  }
  [[nodiscard]] bool finish() {
    const bool wants_more = !sum_ || (*visit_)(*sum_);
    sum_.reset();
    return wants_more;
  }

 private:
  const std::function<bool(const WindowRow&)>* visit_;
  std::optional<WindowRow> sum_;
};

template <typename Source>
WindowRow take_window(Source& row) {
  WindowRow window;
  window.window_start = from_unix_ns(row.i64());
  window.dependency = row.id();
  window.counts = take_counts(row);
  return window;
}

}  // namespace flowlens::store
