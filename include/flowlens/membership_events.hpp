/// \file
/// detect: who joined and left applications, as events.
#pragma once

#include <span>
#include <vector>

#include "flowlens/application_book.hpp"
#include "flowlens/change_event.hpp"
#include "flowlens/dependency_graph.hpp"

namespace flowlens {

/// `application_changed` for each change that ApplicationBook::take() told, for
/// DependencyGraph::apply(): about the asset, with the names of the applications before and after,
/// since when traffic has shown it. Of one that went from a confirmed application to another, joining
/// is part of leaving. A warning where the application's criticality is high or critical.
[[nodiscard]] std::vector<ChangeEvent> membership_events(std::span<const MembershipChange> changes,
                                                         const ApplicationBook& book,
                                                         const DependencyGraph& graph);

}  // namespace flowlens
