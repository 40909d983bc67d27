/// \file
/// graph: the map as applications see it: from who asks to who answers in the end, whatever passes it on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "flowlens/dependency_graph.hpp"

namespace flowlens {

/// One edge of the application view.
struct ApplicationRow {
  /// Where it goes through an intermediary: client, real server and its port, and this edge's part of
  /// the client's traffic to the front, by the servers' shares of what the front passed on. Its id is
  /// derived from the dependency and the server; no DependencyGraph finds it.
  DependencyRow row;
  Id dependency;                   ///< what was observed: the client's to the front
  std::optional<Id> intermediary;  ///< the IntermediaryRow it goes through; of several the first
};

/// Turns dependencies as they pass the network into those between applications: what goes to a load
/// balancer goes to each server behind it, and what that one asks these is not counted again. So the
/// sums over all rows are those of the network view less what intermediaries passed on. Proposals
/// that somebody has rejected are not used.
///
/// A picture of the graph at its construction. Immutable: share freely.
class ApplicationView {
 public:
  /// Reads the intermediaries of the graph and the dependencies of their fronts.
  explicit ApplicationView(const DependencyGraph& graph);
  ~ApplicationView();
  ApplicationView(ApplicationView&&) noexcept;
  ApplicationView& operator=(ApplicationView&&) noexcept;

  /// Appends what the application view has in place of `row`: itself, several rows, or none.
  void append(const DependencyRow& row, std::vector<ApplicationRow>& out) const;
  /// Rows of the view, where the graph has `dependencies`.
  [[nodiscard]] std::uint64_t total(std::uint64_t dependencies) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
