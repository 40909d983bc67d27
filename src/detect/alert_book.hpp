/// \file
/// detect: alerts with their indexes and bounds. It keeps them; what becomes of them the engine decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "flowlens/alert_engine.hpp"

namespace flowlens::detect {

class AlertBook {
 public:
  AlertBook(std::size_t max_open, std::size_t max_resolved, std::size_t max_history)
      : max_open_(max_open), max_resolved_(max_resolved), max_history_(max_history) {}

  [[nodiscard]] const Alert* find(const Id& id) const;
  /// The alert of that key that is not resolved, or else was last. Null: none is kept.
  [[nodiscard]] const Alert* find(const AlertKey& key) const;
  /// Those not resolved of that subject, type and service, whatever the rule.
  [[nodiscard]] std::vector<Id> unresolved(const AlertKey& key) const;
  /// Those not resolved of that subject, whatever else.
  [[nodiscard]] std::vector<Id> unresolved_about(const Id& subject) const;
  /// All that are not resolved, in the order of their ids.
  [[nodiscard]] std::vector<Id> unresolved() const;
  [[nodiscard]] const std::map<Id, Alert>& all() const noexcept { return alerts_; }

  /// Puts in an alert as it is, without a bound.
  void load(Alert alert);
  /// Adds a new one, open, or changes one, and writes it in its history. What is too much then goes.
  /// \param change  may change all but id and key.
  void add(Alert alert, AlertEntry entry);
  template <typename Change>
  const Alert& update(const Id& id, AlertEntry entry, const Change& change) {
    Alert& a = begin_change(id);
    change(a);
    write(a, std::move(entry));
    return end_change(a);
  }
  /// The same without an entry.
  template <typename Change>
  const Alert& update(const Id& id, const Change& change) {
    Alert& a = begin_change(id);
    change(a);
    return end_change(a);
  }
  /// Gives one that is not resolved another key, under which no other one is unresolved.
  void move(const Id& id, AlertKey key);
  /// Resolves those for which there is no room. \return how many.
  std::uint64_t crowd_out(Timestamp now);
  /// Removes resolved ones for which there is no room. \return how many.
  std::uint64_t forget();

  /// Moves out what changed since the last call.
  void take(std::vector<Alert>& changed, std::vector<Id>& removed);
  void count(AlertCounters& to) const;

 private:
  using Unresolved =
      std::tuple<Severity, Timestamp, Id>;  ///< the least comes first, and goes first
  using Resolved = std::pair<Timestamp, Id>;

  [[nodiscard]] static Unresolved unresolved_place(const Alert& a) {
    return {a.severity, a.last_at, a.id};
  }
  void enter(const Alert& a);
  Alert& begin_change(const Id& id);
  const Alert& end_change(const Alert& a);
  void write(Alert& a, AlertEntry entry) const;

  std::size_t max_open_, max_resolved_, max_history_;
  std::map<Id, Alert> alerts_;
  std::map<AlertKey, Id> current_;
  std::set<Unresolved> unresolved_;
  std::set<Resolved> resolved_;
  std::set<Id> changed_;
  std::vector<Id> removed_;
};

}  // namespace flowlens::detect
