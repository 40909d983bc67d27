#include "flowlens/membership_events.hpp"

#include <string>

namespace flowlens {

namespace {

std::string name_of(const Id& id, const ApplicationBook& book) {
  const auto found = book.entries().find(id);
  if (id.is_none() || found == book.entries().end()) return {};
  const ApplicationEntry& entry = found->second;
  if (entry.status == ApplicationStatus::rejected) return {};  // which is no application
  return entry.name.empty() ? "the unnamed application " + id.to_string() : entry.name;
}

Severity severity_of(const Id& id, const ApplicationBook& book) {
  const auto found = book.entries().find(id);
  const bool is_grave =
      found != book.entries().end() && found->second.criticality >= Criticality::high;
  return is_grave ? Severity::warning : Severity::info;
}

ChangeEvent event_of(const MembershipChange& change, const ApplicationBook& book,
                     const DependencyGraph& graph) {
  ChangeEvent event;
  event.type = ChangeType::application_changed;
  event.subject = change.asset;
  event.object = change.application;
  event.at = change.since;
  event.id = change_id(event.type, event.subject, event.object, event.at);
  event.severity = severity_of(change.application, book);
  event.before = name_of(change.has_joined ? change.other : change.application, book);
  event.after = name_of(change.has_joined ? change.application : change.other, book);
  std::string asset = change.asset.to_string();
  if (const auto row = graph.asset(change.asset); row && !row->endpoints.empty()) {
    event.endpoint = row->endpoints.front().endpoint;
    asset = row->name.empty() ? event.endpoint.address.to_string() : row->name;
  }
  event.reason = asset + (change.has_joined ? " joined " : " left ") +
                 (change.has_joined ? event.after : event.before) + ": by its traffic it is ";
  if (event.after.empty()) {
    event.reason += "in no application any more";
  } else {
    event.reason += "part of " + event.after;
    if (!event.before.empty()) event.reason += ", no longer of " + event.before;
  }
  return event;
}

}  // namespace

std::vector<ChangeEvent> membership_events(std::span<const MembershipChange> changes,
                                           const ApplicationBook& book,
                                           const DependencyGraph& graph) {
  std::vector<ChangeEvent> events;
  for (const MembershipChange& change : changes) {
    ChangeEvent event = event_of(change, book, graph);
    const bool is_second = !events.empty() && events.back().subject == event.subject &&
                           events.back().cause.is_none() && change.has_joined;
    if (is_second) event.cause = events.back().id;
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace flowlens
