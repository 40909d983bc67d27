/// \file
/// analyze: applications over time: what traffic proposes, and what people say of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flowlens/annotation.hpp"
#include "flowlens/communities.hpp"
#include "flowlens/error.hpp"
#include "flowlens/id.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

enum class ApplicationStatus : std::uint8_t {
  proposed,   ///< traffic shows it; nobody has judged
  confirmed,  ///< a person says so, or has made it
  rejected,   ///< a person says that it is none: it is not proposed again
  merged,     ///< a person says that it is part of `into`
};
inline constexpr std::size_t kApplicationStatusCount = 4;
[[nodiscard]] std::string_view to_string(ApplicationStatus s) noexcept;
[[nodiscard]] std::optional<ApplicationStatus> parse_application_status(
    std::string_view text) noexcept;

/// What is known of an application but for whom traffic puts there.
struct ApplicationEntry {
  Id id;
  ApplicationStatus status = ApplicationStatus::proposed;
  std::string name;  ///< empty: nobody gave it one
  std::string description;
  Criticality criticality = Criticality::unknown;
  Id into;                   ///< of a merged one; else none
  Timestamp first_seen;      ///< proposed, or made
  std::string said_by;       ///< who said the last word of it; empty: nobody has said any
  Timestamp said_at;         ///< when
  std::vector<Id> added;     ///< assets that people put there, ascending: they stay
  std::vector<Id> removed;   ///< those that people took out, ascending: they do not come back
  std::vector<Id> rejected;  ///< whom it had when it was rejected, ascending
  friend bool operator==(const ApplicationEntry&, const ApplicationEntry&) = default;
};

/// Where an asset is.
struct ApplicationSeat {
  Id asset;
  Id application;   ///< none: in none
  Id proposed;      ///< where traffic has it, whatever people say
  Timestamp since;  ///< when that began
  friend bool operator==(const ApplicationSeat&, const ApplicationSeat&) = default;
};

/// An application as people see it.
struct KnownApplication {
  ApplicationEntry entry;
  std::vector<Id> members;  ///< ascending, with those of what was merged into it
};

/// An asset joined or left a confirmed application, by what traffic shows.
struct MembershipChange {
  Id asset;
  Id application;   ///< the confirmed one
  Id other;         ///< where it was before, or is now; none: nowhere
  bool has_joined;  ///< else it left
  Timestamp since;  ///< when traffic began to show it
  friend bool operator==(const MembershipChange&, const MembershipChange&) = default;
};

/// All of it, to be kept.
struct ApplicationState {
  std::vector<ApplicationEntry> entries;
  std::vector<ApplicationSeat> seats;
};

/// What is otherwise since it was last kept: new absolute values, and what has gone.
struct ApplicationChanges {
  std::vector<ApplicationEntry> entries;
  std::vector<Id> removed_entries;
  std::vector<ApplicationSeat> seats;
  std::vector<Id> removed_seats;  ///< by asset
  [[nodiscard]] bool empty() const noexcept {
    return entries.empty() && removed_entries.empty() && seats.empty() && removed_seats.empty();
  }
};

/// A word that was not taken. what() says which, why, and what would be right.
class ApplicationError : public ConfigError {
 public:
  enum class Kind { unknown, invalid, conflict, full };
  ApplicationError(Kind kind, const std::string& what) : ConfigError(what), kind_(kind) {}
  [[nodiscard]] Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

/// What a person says of an application; what is absent stays as it is.
struct ApplicationWords {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<Criticality> criticality;
  std::optional<ApplicationStatus> status;  ///< confirmed or rejected
};

struct ApplicationBookOptions {
  std::size_t max_applications = 10'000;  ///< of every status; past it, new proposals are left out
  std::size_t max_seats = 1'000'000;      ///< past it, further assets are in no application
  std::size_t max_words = 100'000;        ///< assets added, removed and rejected by people, in all
  std::size_t max_name = 200;             ///< octets, also of who says a word
  std::size_t max_description = 2'000;    ///< octets
  std::size_t max_changes = 1'000;        ///< told of one run; the rest is counted
  /// So long traffic must show an asset elsewhere, in every run, before it joins or leaves an
  /// application that is confirmed; more than 0, so two runs at least.
  std::chrono::nanoseconds hold = std::chrono::hours{1};
};

struct ApplicationBookCounters {
  std::uint64_t left_out = 0;  ///< proposals that there was no room for, of the last run
  std::uint64_t unseated = 0;  ///< assets, the same
  std::uint64_t untold = 0;    ///< changes of membership past max_changes
};

/// Keeps applications over runs of propose_applications(). What people say wins for ever: names,
/// members put in or taken out, applications confirmed, rejected, merged. Among others an asset is
/// where the last run has it; a confirmed application gains and loses members slowly (`hold`).
///
///     book.take(propose_applications(snapshot, services.own_edges(snapshot), book.before()), now);
///
/// An id that was merged finds what it is part of. Words that do not fit throw ApplicationError and
/// change nothing.
///
/// Thread-compatible.
class ApplicationBook {
 public:
  /// \throws ConfigError for a limit of 0.
  explicit ApplicationBook(const ApplicationBookOptions& options = {});

  /// What was kept. Before anything else. Rows that fit no other are left out.
  void restore(ApplicationState state);
  /// Moves out what changed since the last call.
  [[nodiscard]] ApplicationChanges take_changes();

  /// What propose_applications() takes as `before`.
  [[nodiscard]] std::vector<Application> before() const;
  /// Changes with every word that people say.
  [[nodiscard]] std::uint64_t words() const noexcept { return words_; }
  /// Takes what propose_applications() gave for before() as it is now: not if words() has changed
  /// meanwhile. \return who joined and left confirmed ones, in the order of assets.
  std::vector<MembershipChange> take(const std::vector<Application>& proposals, Timestamp now);

  // What people say. `by` must not be empty.

  /// Confirmed from the start. \return its id.
  Id make(const ApplicationWords& words, const std::vector<Id>& members, const std::string& by,
          Timestamp now);
  void edit(const Id& id, const ApplicationWords& words, const std::string& by, Timestamp now);
  void confirm(const Id& id, const std::string& by, Timestamp now) {
    edit(id, {{}, {}, {}, ApplicationStatus::confirmed}, by, now);
  }
  void reject(const Id& id, const std::string& by, Timestamp now) {
    edit(id, {{}, {}, {}, ApplicationStatus::rejected}, by, now);
  }
  /// Who is added leaves the application it was in.
  void edit_members(const Id& id, const std::vector<Id>& added, const std::vector<Id>& removed,
                    const std::string& by, Timestamp now);
  /// Whatever traffic puts into `from` is in `into`, which is then confirmed.
  void merge(const Id& into, const Id& from, const std::string& by, Timestamp now);
  /// Forgets it, and what was merged into it, with every word. What traffic shows of it is proposed
  /// anew. \throws ApplicationError for a mere proposal: it would be back with the next run.
  void erase(const Id& id);
  /// An asset has become part of another: what was said of it, and its seat, go over to that.
  void rename_asset(const Id& from, const Id& to);

  /// Those that are not merged into another, by id.
  [[nodiscard]] std::vector<KnownApplication> all() const;
  [[nodiscard]] std::optional<KnownApplication> find(const Id& id) const;
  [[nodiscard]] const std::map<Id, ApplicationEntry>& entries() const noexcept { return entries_; }
  /// Assets with a seat that are not among `known`, by id. \param known  ascending.
  [[nodiscard]] std::vector<Id> beyond(const std::vector<Id>& known) const;
  [[nodiscard]] ApplicationBookCounters counters() const noexcept { return counters_; }

 private:
  using Kind = ApplicationError::Kind;

  ApplicationEntry& known(const Id& id);
  [[nodiscard]] Id top(const Id& id) const;
  [[nodiscard]] bool is_confirmed(const Id& id) const;
  void check_text(const char* what, const std::string& text, std::size_t most) const;
  void check_words(const ApplicationEntry& entry, const ApplicationWords& words) const;
  void check_name(const Id& id, const std::string& name) const;
  void check_seats(const std::vector<Id>& added) const;
  [[nodiscard]] std::map<Id, std::vector<Id>> seated_in(const Id& id) const;
  void make_confirmed(ApplicationEntry& entry);
  void make_rejected(const Id& id, const std::string& by, Timestamp now);
  void check_by(const std::string& by) const;
  void check_room(std::size_t more) const;
  void say(ApplicationEntry& entry, const std::string& by, Timestamp now);
  void put_in(ApplicationEntry& entry, const Id& asset, Timestamp now);
  void take_out(ApplicationEntry& entry, const Id& asset);
  void seat(const Id& asset, const Id& application, Timestamp now);
  void unseat(const Id& asset);
  void forget(const Id& id);
  [[nodiscard]] std::vector<std::pair<Id, Id>> note(const std::vector<Application>& proposals,
                                                    Timestamp now);
  [[nodiscard]] Id allowed(const Id& asset, const Id& application) const;
  void settle(const Id& asset, const Id& proposed, Timestamp now,
              std::vector<MembershipChange>& changes);
  void tell(const ApplicationSeat& seat, const Id& to, std::vector<MembershipChange>& changes);
  void drop_unused(const std::vector<Application>& proposals);
  [[nodiscard]] std::map<Id, std::vector<Id>> members() const;

  ApplicationBookOptions options_;
  std::map<Id, ApplicationEntry> entries_;
  std::map<Id, ApplicationSeat> seats_;  ///< by asset
  std::map<Id, Id> added_;               ///< asset to where people put it
  std::size_t word_count_ = 0;           ///< assets added, removed and rejected
  std::uint64_t words_ = 0;
  std::set<Id> changed_entries_, changed_seats_;
  ApplicationBookCounters counters_;
};

}  // namespace flowlens
