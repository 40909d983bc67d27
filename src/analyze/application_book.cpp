// Applications over runs: who is where, as traffic has it and people allow.
#include "flowlens/application_book.hpp"

#include <algorithm>
#include <iterator>

namespace flowlens {

namespace {

constexpr std::string_view kStatuses[] = {"proposed", "confirmed", "rejected", "merged"};
static_assert(std::size(kStatuses) == kApplicationStatusCount);

bool has(const std::vector<Id>& ids, const Id& id) {
  return std::binary_search(ids.begin(), ids.end(), id);
}

void check(bool is_good, const char* what) {
  if (!is_good) throw ConfigError(std::string("ApplicationBookOptions::") + what);
}

}  // namespace

std::string_view to_string(ApplicationStatus s) noexcept {
  return kStatuses[static_cast<std::size_t>(s)];
}
std::optional<ApplicationStatus> parse_application_status(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kApplicationStatusCount; ++i) {
    if (kStatuses[i] == text) return static_cast<ApplicationStatus>(i);
  }
  return std::nullopt;
}
ApplicationBook::ApplicationBook(const ApplicationBookOptions& options) : options_(options) {
  check(options.max_applications > 0, "max_applications is 0; it must be at least 1");
  check(options.max_seats > 0, "max_seats is 0; it must be at least 1");
  check(options.max_words > 0, "max_words is 0; it must be at least 1");
  check(options.max_name > 0, "max_name is 0; it must be at least 1");
  check(options.hold.count() > 0, "hold is not more than 0; give a second or more");
}

void ApplicationBook::restore(ApplicationState state) {
  for (ApplicationEntry& entry : state.entries) {
    if (entries_.size() >= options_.max_applications) break;
    entries_.emplace(entry.id, std::move(entry));
  }
  std::erase_if(entries_, [&](const auto& item) {
    const ApplicationEntry& entry = item.second;
    if (entry.status != ApplicationStatus::merged) return false;
    const auto into = entries_.find(entry.into);
    return into == entries_.end() || into->second.status == ApplicationStatus::merged;
  });
  for (auto& [id, entry] : entries_) {
    std::erase_if(entry.added, [&, application = id](const Id& asset) {
      return !added_.try_emplace(asset, application).second;
    });
    word_count_ += entry.added.size() + entry.removed.size() + entry.rejected.size();
  }
  for (const ApplicationSeat& kept : state.seats) {
    if (seats_.size() >= options_.max_seats) break;
    ApplicationSeat seat = kept;
    if (!entries_.contains(seat.application)) seat.application = {};
    if (!entries_.contains(seat.proposed)) seat.proposed = {};
    if (!seat.application.is_none() || !seat.proposed.is_none()) seats_.emplace(seat.asset, seat);
  }
  for (const auto& [asset, application] : added_) {
    seats_.try_emplace(asset, ApplicationSeat{asset, {}, {}, entries_.at(application).said_at})
        .first->second.application = application;
  }
}

ApplicationChanges ApplicationBook::take_changes() {
  ApplicationChanges changes;
  for (const Id& id : std::exchange(changed_entries_, {})) {
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) {
      changes.removed_entries.push_back(id);
    } else {
      changes.entries.push_back(entry->second);
    }
  }
  for (const Id& id : std::exchange(changed_seats_, {})) {
    const auto seat = seats_.find(id);
    if (seat == seats_.end()) {
      changes.removed_seats.push_back(id);
    } else {
      changes.seats.push_back(seat->second);
    }
  }
  return changes;
}

/// By where traffic has assets, whatever people say of them: so an application is known again however
/// many they have put in or taken out, and a part that has yet to leave a confirmed one has its own id.
/// Where traffic has nobody, those that people put there must do.
std::vector<Application> ApplicationBook::before() const {
  std::map<Id, Application> all;
  for (const auto& [id, entry] : entries_) {
    Application& a = all[id];
    a.id = id;
    a.name = entry.name;
    a.is_confirmed = entry.status != ApplicationStatus::proposed || !entry.said_by.empty();
    a.members = entry.rejected;
  }
  for (const auto& [asset, seat] : seats_) {
    const auto found = entries_.find(seat.proposed);
    if (found == entries_.end() || found->second.status == ApplicationStatus::rejected) continue;
    all[seat.proposed].members.push_back(asset);
  }
  std::vector<Application> list;
  for (auto& [id, application] : all) {
    if (application.members.empty()) application.members = entries_.at(id).added;
    list.push_back(std::move(application));
  }
  return list;
}

Id ApplicationBook::top(const Id& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return {};
  return found->second.status == ApplicationStatus::merged ? found->second.into : id;
}

bool ApplicationBook::is_confirmed(const Id& id) const {
  const auto found = entries_.find(top(id));
  return found != entries_.end() && found->second.status == ApplicationStatus::confirmed;
}

std::vector<MembershipChange> ApplicationBook::take(const std::vector<Application>& proposals,
                                                    Timestamp now) {
  counters_.left_out = counters_.unseated = 0;
  const std::vector<std::pair<Id, Id>> proposed = note(proposals, now);
  std::vector<Id> assets;
  for (const auto& [asset, seat] : seats_) assets.push_back(asset);
  std::vector<MembershipChange> changes;
  const auto is_before = [](const std::pair<Id, Id>& p, const Id& id) { return p.first < id; };
  for (const Id& asset : assets) {
    const auto at = std::lower_bound(proposed.begin(), proposed.end(), asset, is_before);
    const bool is_proposed = at != proposed.end() && at->first == asset;
    settle(asset, is_proposed ? at->second : Id{}, now, changes);
  }
  for (const auto& [asset, application] : proposed) {
    if (!has(assets, asset)) settle(asset, application, now, changes);
  }
  drop_unused(proposals);
  std::sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) {
    return std::pair{a.asset, a.has_joined} < std::pair{b.asset, b.has_joined};
  });
  return changes;
}

/// Makes entries of what is new. \return assets and where they are proposed, by asset.
std::vector<std::pair<Id, Id>> ApplicationBook::note(const std::vector<Application>& proposals,
                                                     Timestamp now) {
  std::vector<std::pair<Id, Id>> proposed;
  for (const Application& a : proposals) {
    if (!entries_.contains(a.id)) {
      if (entries_.size() >= options_.max_applications) {
        ++counters_.left_out;
        continue;
      }
      ApplicationEntry& entry = entries_[a.id];
      entry.id = a.id;
      entry.first_seen = now;
      changed_entries_.insert(a.id);
    }
    for (const Id& asset : a.members) proposed.emplace_back(asset, a.id);
  }
  std::sort(proposed.begin(), proposed.end());
  return proposed;
}

/// Where an asset may be, of where traffic has it.
Id ApplicationBook::allowed(const Id& asset, const Id& application) const {
  if (const auto put = added_.find(asset); put != added_.end()) return put->second;
  const auto found = entries_.find(top(application));
  if (found == entries_.end() || has(found->second.removed, asset)) return {};
  return application;
}

void ApplicationBook::settle(const Id& asset, const Id& proposed, Timestamp now,
                             std::vector<MembershipChange>& changes) {
  auto found = seats_.find(asset);
  const bool is_new = found == seats_.end();
  if (is_new) {
    if (proposed.is_none()) return;
    if (seats_.size() >= options_.max_seats) {
      ++counters_.unseated;
      return;
    }
    found = seats_.emplace(asset, ApplicationSeat{asset, {}, {}, now}).first;
  }
  ApplicationSeat& seat = found->second;
  const ApplicationSeat was = seat;
  if (seat.proposed != proposed) {
    seat.proposed = proposed;
    seat.since = now;
  }
  const Id to = allowed(asset, proposed);
  const bool is_other = top(seat.application) != top(to);
  const bool is_slow = is_confirmed(seat.application) || is_confirmed(to);
  if (!is_other || !is_slow) {
    seat.application = to;
  } else if (now - seat.since >= options_.hold) {
    tell(seat, to, changes);
    seat.application = to;
  }
  if (is_new || seat != was) changed_seats_.insert(asset);
  if (seat.application.is_none() && seat.proposed.is_none()) seats_.erase(found);
}

void ApplicationBook::tell(const ApplicationSeat& seat, const Id& to,
                           std::vector<MembershipChange>& changes) {
  const auto add = [&](const Id& of, const Id& other, bool has_joined) {
    if (!is_confirmed(of)) return;
    if (changes.size() >= options_.max_changes) {
      ++counters_.untold;
    } else {
      changes.push_back({seat.asset, top(of), top(other), has_joined, seat.since});
    }
  };
  add(seat.application, to, false);
  add(to, seat.application, true);
}

/// Proposals that nobody has said a word of go when traffic no longer shows them.
void ApplicationBook::drop_unused(const std::vector<Application>& proposals) {
  std::set<Id> used;
  for (const Application& a : proposals) used.insert(a.id);
  for (const auto& [asset, seat] : seats_) used.insert(seat.application);
  std::vector<Id> gone;
  for (const auto& [id, entry] : entries_) {
    const bool is_mere = entry.status == ApplicationStatus::proposed && entry.said_by.empty();
    if (is_mere && !used.contains(id)) gone.push_back(id);
  }
  for (const Id& id : gone) {
    entries_.erase(id);
    changed_entries_.insert(id);
  }
}

std::map<Id, std::vector<Id>> ApplicationBook::members() const {
  std::map<Id, std::vector<Id>> of;
  for (const auto& [asset, seat] : seats_) {
    if (!seat.application.is_none()) of[top(seat.application)].push_back(asset);
  }
  return of;
}

std::vector<KnownApplication> ApplicationBook::all() const {
  std::map<Id, std::vector<Id>> of = members();
  std::vector<KnownApplication> list;
  for (const auto& [id, entry] : entries_) {
    if (entry.status != ApplicationStatus::merged) list.push_back({entry, std::move(of[id])});
  }
  return list;
}

std::optional<KnownApplication> ApplicationBook::find(const Id& id) const {
  const auto found = entries_.find(top(id));
  if (found == entries_.end()) return std::nullopt;
  KnownApplication known{found->second, {}};
  for (const auto& [asset, seat] : seats_) {
    if (top(seat.application) == found->first) known.members.push_back(asset);
  }
  return known;
}

std::vector<Id> ApplicationBook::beyond(const std::vector<Id>& known) const {
  std::vector<Id> ids;
  for (const auto& [asset, seat] : seats_) {
    if (!has(known, asset)) ids.push_back(asset);
  }
  return ids;
}

}  // namespace flowlens
