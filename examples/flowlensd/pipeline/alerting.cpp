#include "pipeline/alerting.hpp"

#include <algorithm>

#include "pipeline/background.hpp"

namespace flowlensd {
namespace {

constexpr std::size_t kMaxWaiting = 100'000;
constexpr std::chrono::milliseconds kLook{1'000};  // for what time alone brings

Timestamp wall_clock() { return std::chrono::system_clock::now(); }

/// All that the map keeps, the oldest first.
std::vector<ChangeEvent> kept_events(const DependencyGraph& graph) {
  ChangeQuery query;
  query.limit = 1'000'000;
  auto events = graph.changes(query).rows;
  std::reverse(events.begin(), events.end());
  return events;
}

}  // namespace

AlertEngineOptions alert_options(const std::vector<std::string>& channels) {
  AlertEngineOptions o;
  o.shipped = parse_alert_rules(default_alert_rules(), "the rules that FlowLens comes with");
  for (AlertRule& rule : o.shipped) rule.channels = channels;  // none of them names any
  return o;
}

Alerting::Alerting(AlertEngineOptions options, const DependencyGraph& graph,
                   const NetworkRules& networks, std::unique_ptr<AlertStore> store, Notify notify,
                   FatalHandler fatal)
    : graph_(graph),
      networks_(networks),
      notify_(std::move(notify)),
      fatal_(fatal),
      engine_(std::move(options)),
      saving_("alerts", std::move(store), std::move(fatal)) {
  if (saving_.store() == nullptr) return;
  AlertState state = saving_.store()->load();
  // Where alerts have never been kept, the past is not raised all at once.
  if (state.at > Timestamp{}) waiting_ = kept_events(graph_);
  engine_.restore(std::move(state));
}

Alerting::~Alerting() { stop(); }

void Alerting::start() {
  thread_ = std::thread([this] {
    try {
      run();
    } catch (const std::exception& e) {
      fatal_(std::string("the alerts failed: ") + e.what());
    }
  });
}

void Alerting::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Alerting::submit(const std::vector<ChangeEvent>& events) {
  if (events.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t fits =
        std::min(events.size(), kMaxWaiting - std::min(kMaxWaiting, waiting_.size()));
    waiting_.insert(waiting_.end(), events.begin(),
                    events.begin() + static_cast<std::ptrdiff_t>(fits));
    dropped_ += events.size() - fits;
  }
  changed_.notify_all();
}

void Alerting::look(Timestamp now) {
  std::vector<ChangeEvent> events;
  {
    const std::lock_guard lock(mutex_);
    events.swap(waiting_);
  }
  take(events, now);
}

void Alerting::run() {
  work_in_background();
  bool is_last = false;
  while (!is_last) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kLook, [this] { return is_ending_ || !waiting_.empty(); });
      is_last = is_ending_;
    }
    look(wall_clock());
  }
}

void Alerting::take(const std::vector<ChangeEvent>& events, Timestamp now) {
  std::vector<NotedEvent> noted;
  noted.reserve(events.size());
  for (const ChangeEvent& event : events) noted.push_back(note(event, graph_, networks_));
  std::vector<AlertNotice> notices;
  {
    const std::lock_guard lock(engine_mutex_);
    notices = engine_.advance(now);
    auto more = engine_.take(noted, now);
    notices.insert(notices.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
  }
  save();
  if (!notify_) return;
  for (const AlertNotice& notice : notices) notify_(notice);
}

void Alerting::save() {
  const auto take = [this] {
    const std::lock_guard lock(engine_mutex_);
    AlertChanges changes = engine_.take_changes();
    if (watch_ && !changes.empty()) watch_(changes);
    return changes;
  };
  if (saving_.store() == nullptr) return static_cast<void>(take());
  saving_.save(take);
}

AlertDryRun Alerting::dry_run(const std::vector<AlertRule>& rules,
                              const std::vector<ChangeEvent>& events) const {
  std::vector<NotedEvent> noted;
  noted.reserve(events.size());
  for (const ChangeEvent& event : events) noted.push_back(note(event, graph_, networks_));
  const auto [options, windows] = ask([](const AlertEngine& engine) {
    return std::pair{engine.options(), engine.windows()};
  });
  return flowlens::dry_run(options, rules, windows, std::move(noted));
}

AlertingView Alerting::view() const {
  AlertingView view;
  {
    const std::lock_guard lock(engine_mutex_);
    view.engine = engine_.counters();
  }
  view.failures = saving_.failures();
  view.problem = saving_.problem();
  const std::lock_guard lock(mutex_);
  view.waiting = waiting_.size();
  view.dropped = dropped_;
  return view;
}

}  // namespace flowlensd
