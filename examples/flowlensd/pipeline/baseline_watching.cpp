#include "pipeline/baseline_watching.hpp"

#include <utility>

#include "log.hpp"

namespace flowlensd {

BaselineWatching::BaselineWatching(const BaselineWatchOptions& options,
                                   const DependencyGraph& graph, BaselineShelf& shelf, Tell tell,
                                   std::chrono::milliseconds interval, FatalHandler fatal)
    : graph_(graph),
      shelf_(shelf),
      tell_(std::move(tell)),
      watch_(options),
      thread_(
          "the comparison of baselines", interval, [this](Timestamp now) { look(now); },
          std::move(fatal)) {
  watch_.restore(shelf_.drifting());
}

void BaselineWatching::look(Timestamp now) {
  std::vector<WatchedBaseline> kept;
  for (auto& [id, baseline] : shelf_.all()) kept.push_back({id, std::move(baseline)});
  // What begins is written before it is told and what ends after, so that after a crash in between
  // it is told again, with the same id.
  std::map<Id, Timestamp> either = watch_.drifting();
  const std::vector<ChangeEvent> events = watch_.look(graph_, kept, now);
  either.insert(watch_.drifting().begin(), watch_.drifting().end());
  keep(either);
  if (!events.empty()) tell_(events);
  keep(watch_.drifting());
}

void BaselineWatching::keep(const std::map<Id, Timestamp>& drifting) {
  try {
    shelf_.set_drifting(drifting);
  } catch (const IoError& e) {
    log::error("baselines", "what drifts could not be saved; a restart tells of it anew",
               {{"reason", e.what()}});
  }
}

}  // namespace flowlensd
