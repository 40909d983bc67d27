// What people say of applications.
#include <algorithm>
#include <utility>

#include "flowlens/application_book.hpp"

namespace flowlens {

namespace {

using Kind = ApplicationError::Kind;

[[noreturn]] void refuse(Kind kind, const std::string& what) { throw ApplicationError(kind, what); }

/// Both keep the order. \return whether it changes anything.
bool put(std::vector<Id>& ids, const Id& id) {
  const auto at = std::lower_bound(ids.begin(), ids.end(), id);
  if (at != ids.end() && *at == id) return false;
  ids.insert(at, id);
  return true;
}
bool drop(std::vector<Id>& ids, const Id& id) {
  const auto at = std::lower_bound(ids.begin(), ids.end(), id);
  if (at == ids.end() || *at != id) return false;
  ids.erase(at);
  return true;
}

/// What would spoil a log, a table or a terminal.
bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet < 0x20 || octet == 0x7f;
  });
}

}  // namespace

ApplicationEntry& ApplicationBook::known(const Id& id) {
  const auto found = entries_.find(top(id));
  if (found == entries_.end()) refuse(Kind::unknown, "there is no application " + id.to_string());
  return found->second;
}

void ApplicationBook::check_text(const char* what, const std::string& text,
                                 std::size_t most) const {
  if (text.size() > most) {
    refuse(Kind::invalid, std::string(what) + ": " + std::to_string(text.size()) +
                              " octets; give at most " + std::to_string(most));
  }
  if (has_control(text)) {
    refuse(Kind::invalid, std::string(what) + ": has a control character; give plain text");
  }
}

void ApplicationBook::check_name(const Id& id, const std::string& name) const {
  check_text("name", name, options_.max_name);
  for (const auto& [other, entry] : entries_) {
    const bool is_shown =
        entry.status == ApplicationStatus::proposed || entry.status == ApplicationStatus::confirmed;
    if (name.empty() || other == id || !is_shown || entry.name != name) continue;
    refuse(Kind::conflict, "name: `" + name + "` is that of application " + other.to_string() +
                               "; give another, or merge the two");
  }
}

void ApplicationBook::check_words(const ApplicationEntry& entry,
                                  const ApplicationWords& words) const {
  using enum ApplicationStatus;
  if (words.description) check_text("description", *words.description, options_.max_description);
  const bool comes_back = words.status == confirmed && entry.status == rejected;
  if (words.name || comes_back) check_name(entry.id, words.name.value_or(entry.name));
  if (words.status && words.status != confirmed && words.status != rejected) {
    refuse(Kind::invalid, "status: `" + std::string(to_string(*words.status)) +
                              "` is not for people to say; give confirmed or rejected");
  }
  if (words.status != rejected) return;
  std::size_t count = 0;
  for (const auto& [id, assets] : seated_in(entry.id)) count += assets.size();
  check_room(count);
}

void ApplicationBook::check_seats(const std::vector<Id>& added) const {
  std::size_t more = 0;
  for (const Id& asset : added) more += !seats_.contains(asset);
  if (seats_.size() + more <= options_.max_seats) return;
  refuse(Kind::full, "members: there is no room for " + std::to_string(more) + " more; at most " +
                         std::to_string(options_.max_seats) + " assets are in applications");
}

/// Assets by the application they are in: that one itself, or one that was merged into it.
std::map<Id, std::vector<Id>> ApplicationBook::seated_in(const Id& id) const {
  std::map<Id, std::vector<Id>> in;
  for (const auto& [asset, seat] : seats_) {
    if (top(seat.application) == id) in[seat.application].push_back(asset);
  }
  return in;
}

void ApplicationBook::check_by(const std::string& by) const {
  if (by.empty()) refuse(Kind::invalid, "by: is empty; say who");
  check_text("by", by, options_.max_name);
}

void ApplicationBook::check_room(std::size_t more) const {
  if (word_count_ + more <= options_.max_words) return;
  refuse(Kind::full, "there is no room for " + std::to_string(more) + " more assets: at most " +
                         std::to_string(options_.max_words) +
                         " are kept that people put in, took out or rejected; delete applications");
}

void ApplicationBook::say(ApplicationEntry& entry, const std::string& by, Timestamp now) {
  entry.said_by = by;
  entry.said_at = now;
  changed_entries_.insert(entry.id);
  ++words_;
}

void ApplicationBook::seat(const Id& asset, const Id& application, Timestamp now) {
  seats_.try_emplace(asset, ApplicationSeat{asset, {}, {}, now}).first->second.application =
      application;
  changed_seats_.insert(asset);
}

/// Where traffic has it stays known.
void ApplicationBook::unseat(const Id& asset) {
  const auto found = seats_.find(asset);
  if (found == seats_.end()) return;
  changed_seats_.insert(asset);
  found->second.application = {};
  if (found->second.proposed.is_none()) seats_.erase(found);
}

/// Room was checked.
void ApplicationBook::put_in(ApplicationEntry& entry, const Id& asset, Timestamp now) {
  if (const auto put = added_.find(asset); put != added_.end() && put->second != entry.id) {
    word_count_ -= drop(entries_.at(put->second).added, asset);
    changed_entries_.insert(put->second);
  }
  word_count_ -= drop(entry.removed, asset);
  word_count_ += put(entry.added, asset);
  added_[asset] = entry.id;
  seat(asset, entry.id, now);
}

void ApplicationBook::take_out(ApplicationEntry& entry, const Id& asset) {
  if (drop(entry.added, asset)) {
    --word_count_;
    added_.erase(asset);
  }
  word_count_ += put(entry.removed, asset);
  const auto found = seats_.find(asset);
  if (found != seats_.end() && top(found->second.application) == entry.id) unseat(asset);
}

Id ApplicationBook::make(const ApplicationWords& words, const std::vector<Id>& members,
                         const std::string& by, Timestamp now) {
  check_by(by);
  check_words({}, words);
  if (!words.name || words.name->empty()) refuse(Kind::invalid, "name: is missing; give one");
  if (entries_.size() >= options_.max_applications) {
    refuse(Kind::full, "there are " + std::to_string(entries_.size()) +
                           " applications already, and no more are kept; delete or merge some");
  }
  check_room(members.size());
  check_seats(members);
  const Id id = derive_id(asset_namespace(), "application " + *words.name + " " + to_string(now));
  if (entries_.contains(id)) {
    refuse(Kind::conflict, "name: `" + *words.name + "` was made this very moment");
  }
  ApplicationEntry& entry = entries_[id];
  entry.id = id;
  entry.status = ApplicationStatus::confirmed;
  entry.first_seen = now;
  entry.name = *words.name;
  entry.description = words.description.value_or("");
  entry.criticality = words.criticality.value_or(Criticality::unknown);
  for (const Id& asset : members) put_in(entry, asset, now);
  say(entry, by, now);
  return id;
}

void ApplicationBook::edit(const Id& id, const ApplicationWords& words, const std::string& by,
                           Timestamp now) {
  ApplicationEntry& entry = known(id);
  check_by(by);
  check_words(entry, words);
  if (words.name) entry.name = *words.name;
  if (words.description) entry.description = *words.description;
  if (words.criticality) entry.criticality = *words.criticality;
  if (words.status == ApplicationStatus::confirmed) make_confirmed(entry);
  if (words.status == ApplicationStatus::rejected) make_rejected(entry.id, by, now);
  say(entry, by, now);
}

void ApplicationBook::make_confirmed(ApplicationEntry& entry) {
  word_count_ -= entry.rejected.size();
  entry.rejected.clear();
  entry.status = ApplicationStatus::confirmed;
}

/// With what was merged into it, each by whom it has itself, so that each is known again.
void ApplicationBook::make_rejected(const Id& id, const std::string& by, Timestamp now) {
  if (entries_.at(id).status == ApplicationStatus::rejected) return;
  std::map<Id, std::vector<Id>> has = seated_in(id);
  for (auto& [other, entry] : entries_) {
    if (other != id && entry.into != id) continue;
    for (const Id& asset : entry.added) added_.erase(asset);
    word_count_ -= entry.added.size() + entry.removed.size();
    entry.added.clear();
    entry.removed.clear();
    entry.rejected = std::move(has[other]);
    word_count_ += entry.rejected.size();
    entry.status = ApplicationStatus::rejected;
    entry.into = {};
    say(entry, by, now);
  }
}

void ApplicationBook::edit_members(const Id& id, const std::vector<Id>& added,
                                   const std::vector<Id>& removed, const std::string& by,
                                   Timestamp now) {
  ApplicationEntry& entry = known(id);
  check_by(by);
  if (entry.status == ApplicationStatus::rejected) {
    refuse(Kind::conflict, "application " + id.to_string() + " is rejected; confirm it first");
  }
  check_room(added.size() + removed.size());
  check_seats(added);
  for (const Id& asset : removed) take_out(entry, asset);
  for (const Id& asset : added) put_in(entry, asset, now);
  say(entry, by, now);
}

void ApplicationBook::merge(const Id& into, const Id& from, const std::string& by, Timestamp now) {
  ApplicationEntry& kept = known(into);
  ApplicationEntry& part = known(from);
  check_by(by);
  if (kept.id == part.id) {
    refuse(Kind::conflict, "from: is application " + kept.id.to_string() + " itself");
  }
  for (const ApplicationEntry* entry : {&kept, &part}) {
    if (entry->status != ApplicationStatus::rejected) continue;
    refuse(Kind::conflict,
           "application " + entry->id.to_string() + " is rejected; confirm it first");
  }
  for (const Id& asset : std::exchange(part.added, {})) {
    added_[asset] = kept.id;
    word_count_ -= !put(kept.added, asset);
    word_count_ -= drop(kept.removed, asset);
  }
  for (const Id& asset : std::exchange(part.removed, {})) {
    const auto seat = seats_.find(asset);
    const bool is_in = seat != seats_.end() && top(seat->second.application) == kept.id;
    word_count_ -= is_in || !put(kept.removed, asset);
  }
  for (auto& [id, entry] : entries_) {
    if (id != part.id && entry.into != part.id) continue;
    entry.status = ApplicationStatus::merged;
    entry.into = kept.id;
    say(entry, by, now);
  }
  kept.status = ApplicationStatus::confirmed;
  say(kept, by, now);
  // Whom people took out of the one is not in it by way of the other.
  for (const Id& asset : kept.removed) {
    const auto seat = seats_.find(asset);
    if (seat != seats_.end() && top(seat->second.application) == kept.id) unseat(asset);
  }
}

void ApplicationBook::erase(const Id& id) {
  const ApplicationEntry& entry = known(id);
  if (entry.status == ApplicationStatus::proposed && entry.said_by.empty()) {
    refuse(Kind::conflict, "application " + entry.id.to_string() +
                               " is a mere proposal and would be back at once; reject it");
  }
  std::vector<Id> gone;
  for (const auto& [other, part] : entries_) {
    if (other == entry.id || part.into == entry.id) gone.push_back(other);
  }
  for (const Id& one : gone) forget(one);
  ++words_;
}

void ApplicationBook::forget(const Id& id) {
  const ApplicationEntry& entry = entries_.at(id);
  for (const Id& asset : entry.added) added_.erase(asset);
  word_count_ -= entry.added.size() + entry.removed.size() + entry.rejected.size();
  for (auto at = seats_.begin(); at != seats_.end();) {
    ApplicationSeat& seat = at->second;
    if (seat.application != id && seat.proposed != id) {
      ++at;
      continue;
    }
    changed_seats_.insert(at->first);
    if (seat.application == id) seat.application = {};
    if (seat.proposed == id) seat.proposed = {};
    at = seat.application.is_none() && seat.proposed.is_none() ? seats_.erase(at) : std::next(at);
  }
  changed_entries_.insert(id);
  entries_.erase(id);
}

void ApplicationBook::rename_asset(const Id& from, const Id& to) {
  if (from == to) return;
  for (auto& [id, entry] : entries_) {
    for (std::vector<Id>* list : {&entry.added, &entry.removed, &entry.rejected}) {
      if (!drop(*list, from)) continue;
      const bool is_taken = list == &entry.added && added_.contains(to);
      word_count_ -= is_taken || !put(*list, to);
      changed_entries_.insert(id);
    }
  }
  if (const auto put = added_.find(from); put != added_.end()) {
    const Id application = put->second;
    added_.erase(put);
    added_.try_emplace(to, application);
  }
  if (const auto found = seats_.find(from); found != seats_.end()) {
    ApplicationSeat seat = found->second;
    seat.asset = to;
    seats_.erase(found);
    changed_seats_.insert({from, to});
    seats_.try_emplace(to, seat);
    if (const auto put = added_.find(to); put != added_.end()) {
      seats_.at(to).application = put->second;
    }
  }
  ++words_;
}

}  // namespace flowlens
