// What became otherwise.
#include <memory>
#include <vector>

#include "flowlens/change_detector.hpp"
#include "graph_handle.hpp"

namespace capi = flowlens::capi;

struct flowlens_changes {
  std::vector<flowlens::ChangeEvent> events;
};

struct flowlens_detector {
  explicit flowlens_detector(const flowlens::ChangeDetectorOptions& options) : detector(options) {}
  flowlens::ChangeDetector detector;
};

namespace {

static_assert(FLOWLENS_CRITICAL == static_cast<int>(flowlens::Severity::critical));

flowlens::ChangeDetectorOptions detector_options(const flowlens_detector_options* given) {
  const auto c = capi::read_options(given, FLOWLENS_OLDEST(flowlens_detector_options, max_watched));
  flowlens::ChangeDetectorOptions options;
  if (c.window_s != 0) options.window = std::chrono::seconds{c.window_s};
  capi::set_unless_zero(options.learning, c.learning_h);
  capi::set_unless_zero(options.scan_ends, c.scan_ends);
  capi::set_unless_zero(options.max_assets, c.max_watched);
  capi::set_unless_zero(options.max_services, c.max_watched);
  capi::set_unless_zero(options.max_dependencies, c.max_watched);
  return options;
}

flowlens_change c_change(const flowlens::ChangeEvent& event) noexcept {
  flowlens_change c{};
  c.id = capi::c_id(event.id);
  c.subject = capi::c_id(event.subject);
  c.object = capi::c_id(event.object);
  c.address = capi::c_address(event.endpoint.address);
  c.client = capi::c_address(event.client.address);
  c.at_ns = flowlens::to_unix_ns(event.at);
  c.type = to_string(event.type).data();  // a literal
  c.reason = event.reason.c_str();
  c.before = event.before.c_str();
  c.after = event.after.c_str();
  c.port = event.port;
  c.protocol = event.protocol;
  c.severity = static_cast<std::uint8_t>(event.severity);
  return c;
}

}  // namespace

void flowlens_changes_destroy(flowlens_changes* changes) { delete changes; }

size_t flowlens_changes_count(const flowlens_changes* changes) {
  return changes != nullptr ? changes->events.size() : 0;
}

flowlens_status flowlens_changes_get(const flowlens_changes* changes, size_t index,
                                     flowlens_change* out, flowlens_error* error) {
  return capi::guarded_fill(out, FLOWLENS_OLDEST(flowlens_change, severity), error, [&] {
    const auto& events = capi::need(changes, "changes").events;
    if (index >= events.size()) throw capi::Refused{FLOWLENS_NOT_FOUND, "there is no such change"};
    return c_change(events[index]);
  });
}

flowlens_status flowlens_detector_create(const flowlens_detector_options* options,
                                         flowlens_detector** out, flowlens_error* error) {
  return capi::guarded_make(
      out, error, [&] { return std::make_unique<flowlens_detector>(detector_options(options)); });
}

void flowlens_detector_destroy(flowlens_detector* detector) { delete detector; }

flowlens_status flowlens_detector_look(flowlens_detector* detector, const flowlens_graph* graph,
                                       const flowlens_summaries* summaries, flowlens_changes** out,
                                       flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const auto& rows = capi::need(summaries, "summaries");
    capi::require(
        rows.ids.size() == rows.rows.size(),
        "no graph has applied the summaries: flowlens_graph_apply_summaries() goes first");
    auto made = std::make_unique<flowlens_changes>();
    capi::need(detector, "detector")
        .detector.look(capi::graph_of(graph), rows.rows, rows.ids, made->events, rows.attempts);
    return made;
  });
}

flowlens_status flowlens_detector_save(const flowlens_detector* detector, flowlens_buffer** out,
                                       flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    return capi::buffer_of(capi::need(detector, "detector").detector.save());
  });
}

flowlens_status flowlens_detector_load(flowlens_detector* detector, const void* octets, size_t size,
                                       flowlens_error* error) {
  return capi::guarded(error, [&] {
    const auto problem =
        capi::need(detector, "detector").detector.load(capi::octets_of(octets, size));
    if (problem.code != flowlens::DiagnosticCode::none) {
      throw capi::Refused{FLOWLENS_DAMAGED, to_string(problem)};
    }
  });
}
