/// \file
/// aggregate: one open window: its endpoints, conversations and what they add up to.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "aggregate/conversation.hpp"
#include "aggregate/shared.hpp"
#include "base/bounded_table.hpp"
#include "base/hash.hpp"

namespace flowlens::aggregate {

struct RowKey {
  std::uint32_t client = 0;
  std::uint32_t server = 0;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
  friend constexpr bool operator==(const RowKey&, const RowKey&) noexcept = default;
};
struct RowHash {
  std::uint64_t operator()(const RowKey& k, std::uint64_t seed) const noexcept {
    return base::mix((std::uint64_t{k.client} << 32 | k.server) ^ seed,
                     std::uint64_t{k.port} << 8 | k.protocol);
  }
};

/// What the conversations of one dependency add up to.
struct Row {
  TrafficCounts counts;
  TrafficCounts reported;
  WindowTime first = 0xffff'ffffu;
  WindowTime last = 0;
  std::array<ObserverIndex, kMaxObservers> observers{};
  std::uint8_t observer_count = 0;
  Direction direction = Direction::unknown;
  DirectionRung rung = DirectionRung::none;
  bool dirty = false;
  ServiceId service;
  std::uint16_t flips = 0;
  DirectionReasons reasons;
  std::array<std::uint8_t, kMaxObservers> hops{};
  std::uint8_t hop_count = 0;
  std::uint32_t via = kNoPosition;  ///< the endpoint whose address stands for one of the ends
};

/// What the close of windows brings. It is taken over as a whole, so that rows and ledgers agree.
struct Decided {
  std::vector<ConnectionSummary> rows;    ///< final
  std::vector<Redirection> redirections;  ///< `before_row` counts from the first of `rows`
  std::vector<Attempt> attempts;
  FlowLedger ledger;  ///< differences, modulo 2^64
  FlowOctetLedger octets;
};

struct EndpointState {
  bool is_internal = false;
  bool is_translated = false;  ///< while closing: see Window::translate()
  bool is_paired = false;      ///< so, by Window::pair()
  Translators::Part part = Translators::Part::none;
  bool is_group = false;       ///< multicast or broadcast
  std::uint16_t attempts = 0;  ///< distinct ends that it has called in vain
};
struct EndpointHash {
  std::uint64_t operator()(const Endpoint& e, std::uint64_t seed) const noexcept {
    return base::hash_of(e, seed);
  }
};

/// Records are only added up as they come. What they mean (best observer, direction, row) is worked
/// out when the conversations that changed are settled: many records at a time, and before anyone
/// looks.
///
/// Thread-compatible. Reused for one window after another; keeps its memory.
class Window {
 public:
  explicit Window(Shared& shared);

  void begin(std::int64_t number) noexcept;
  [[nodiscard]] std::int64_t number() const noexcept { return number_; }
  [[nodiscard]] Timestamp start() const noexcept { return start_; }
  [[nodiscard]] Timestamp end() const noexcept { return end_; }
  /// `t` in this window's time, held to what it can express.
  [[nodiscard]] WindowTime time_of(Timestamp t) const noexcept;
  [[nodiscard]] Timestamp utc(WindowTime t) const noexcept { return base_ + t * shared_.tick; }

  using Endpoints = base::BoundedTable<Endpoint, EndpointState, EndpointHash>;
  using Conversations = base::BoundedTable<ConversationKey, Conversation, ConversationHash>;
  using Rows = base::BoundedTable<RowKey, Row, RowHash>;

  /// For those who look up in steps, to have memory come in time.
  [[nodiscard]] const Endpoints& endpoints() const noexcept { return endpoints_; }
  [[nodiscard]] const Conversations& conversations() const noexcept { return conversations_; }
  /// \return the position, or Endpoints::kNone at the bound.
  std::uint32_t add_endpoint(const Endpoint& endpoint, std::uint64_t hash, bool is_internal);

  /// Adds a share to the half that `side` sends. There must be room for one more conversation.
  /// \param services  of the low and the high port.
  void add(const ConversationKey& key, std::uint64_t hash, std::size_t side, const Share& share,
           const std::array<ServiceId, 2>& services);

  /// Who called whom. Ends are positions.
  struct Call {
    std::uint32_t caller = 0;
    std::uint32_t called = 0;
    std::uint16_t caller_port = 0;
    std::uint16_t called_port = 0;
    std::uint8_t protocol = 0;
    bool is_from_service = false;  ///< the caller's port is a known service's
    bool is_sure = false;          ///< who called is beyond doubt
  };
  /// Takes note of a call in vain that is part of no conversation.
  void note_attempt(const Call& call);

  /// Works out what the records since the last call mean.
  void settle();
  /// Lets go of all conversations; what they added up to stays. \return how many.
  std::uint64_t fold();
  /// Appends the rows that changed since the last call.
  void report_changed(std::vector<ConnectionSummary>& out);
  /// Begins to decide for good; nothing comes to the window any more. The conversations stay to be
  /// looked up until clear().
  /// \param before  the window before this one, closed; null if there was none.
  /// \param out  gets every row and what else follows. Both must live until all is decided.
  void begin_close(const Window* before, Decided& out);
  /// Goes on with the close, for so many conversations, ends or rows. What comes out does not depend
  /// on the sizes of the steps.
  /// \return whether all is decided.
  bool go_on_closing(std::size_t work);
  /// Forgets everything.
  void clear() noexcept;

 private:
  /// Conversations looked up at a time: enough to cover a miss, few enough to stay cached.
  static constexpr std::size_t kBatch = 16;
  /// What a conversation has brought to its row.
  struct Given {
    TrafficCounts counts;
    std::uint32_t row = kNoPosition;
    Outcome outcome = Outcome::none;
  };
  /// A conversation that changed.
  struct Noted {
    std::uint32_t conversation = 0;
    std::uint32_t given = kNoPosition;  ///< what it had given before, in given_
  };
  /// How much earlier a row's observers saw requests than answers, summed up over conversations.
  struct HopTimes {
    std::array<std::int64_t, kMaxObservers> ticks{};  ///< by index in the row
    std::array<std::uint32_t, kMaxObservers> count{};
  };
  struct RowPositionHash {
    std::uint64_t operator()(std::uint32_t row, std::uint64_t seed) const noexcept {
      return base::hash_of(row, seed);
    }
  };
  /// One end of a conversation that says something about it.
  struct Lesson {
    std::uint64_t hash = 0;  ///< of the end
    std::uint32_t conversation = 0;
    std::uint8_t side = 0;
    bool is_sure : 1 = false;   ///< the conversation's own evidence decided
    bool serves : 1 = false;    ///< and the end serves
    bool deserves : 1 = false;  ///< an entry in the memory
  };
  /// The two ends of a conversation in the memory of endpoints.
  struct Ends {
    std::array<ServiceKey, 2> key;
    std::array<std::uint64_t, 2> hash{};
  };
  /// A conversation on its way to an answer.
  struct Question {
    Evidence evidence;
    Ends ends;                   ///< where it asks
    bool asks_memory = false;    ///< what is remembered may change the answer
    Given given;                 ///< before it was changed
    bool is_given_as_is = true;  ///< it was not changed: `given` is yet to be worked out
  };
  // window.cpp: records
  bool observe(Observation& half, const Share& share);

  // settle.cpp: what they mean
  [[nodiscard]] static Given given_by(const Conversation& c) noexcept;
  void note(std::uint32_t position, Conversation& c);
  void settle(std::span<const Noted> noted);
  void prefetch_ends(std::uint32_t conversation) const noexcept;
  void ask_memory(const ConversationKey& key, Question& q) const noexcept;
  void prefetch_memory(const Question& q) const noexcept;
  [[nodiscard]] Answer answer(Question& q) const noexcept;
  void account_for(const Given& given, const Conversation& c);
  void take_back(const Given& given, const Conversation& c);
  void choose_best(Observation& half, ObserverIndex preferred);
  [[nodiscard]] bool better(const Observation& a, const Observation& b,
                            ObserverIndex preferred) const noexcept;
  [[nodiscard]] Evidence evidence(const ConversationKey& key, const Conversation& c) const noexcept;
  [[nodiscard]] Ends ends_of(const ConversationKey& key) const noexcept;
  void recall(const Ends& ends, Evidence& e) const noexcept;
  [[nodiscard]] static RowKey row_key(const ConversationKey& key, const Answer& answer) noexcept;
  void place(const ConversationKey& key, Conversation& c, const Answer& answer,
             std::uint64_t row_hash);
  std::uint32_t add_row(const RowKey& row, std::uint64_t hash, const ConversationKey& key,
                        const Conversation& c);
  [[nodiscard]] bool take_room_for_row() noexcept;
  void widen(Row& row, const Conversation& c);
  void add_observer(Row& row, ObserverIndex observer) const noexcept;
  void touch(std::uint32_t row);

  // Steps of the close, in their order. Each takes its things from one number to another.
  struct Step {
    std::size_t (Window::*size)() const noexcept;
    void (Window::*go)(std::uint32_t from, std::uint32_t to);
  };
  static constexpr std::size_t kLearningSteps = 22, kAllSteps = 35;
  static const Step kSteps[kAllSteps];
  /// Goes on until `last_step`, at most.
  void go_on(std::size_t last_step, std::size_t work);
  [[nodiscard]] std::size_t once() const noexcept { return 1; }
  [[nodiscard]] std::size_t all_conversations() const noexcept {
    return conversations_.positions();
  }
  [[nodiscard]] std::size_t all_endpoints() const noexcept { return endpoints_.positions(); }
  [[nodiscard]] std::size_t all_rows() const noexcept { return rows_.positions(); }
  [[nodiscard]] std::size_t all_lessons() const noexcept { return lessons_.size(); }
  [[nodiscard]] std::size_t all_seen_by_many() const noexcept { return seen_by_many_.size(); }
  [[nodiscard]] std::size_t all_hop_times() const noexcept { return hop_times_.positions(); }
  [[nodiscard]] std::size_t all_proven() const noexcept { return proven_.size(); }
  [[nodiscard]] std::size_t all_controls() const noexcept { return controls_.size(); }
  [[nodiscard]] std::size_t all_teachers() const noexcept { return teachers_.size(); }
  [[nodiscard]] std::size_t all_doubtful() const noexcept { return doubtful_.size(); }

  [[nodiscard]] std::size_t all_attempts() const noexcept { return attempts_.positions(); }

  [[nodiscard]] std::size_t all_looks() const noexcept {
    return shared_.likenesses.looks.positions();
  }
  [[nodiscard]] std::size_t all_items() const noexcept { return shared_.likenesses.items.size(); }
  [[nodiscard]] std::size_t all_groups() const noexcept {
    return shared_.likenesses.groups.positions();
  }

  // pair.cpp: translators that nobody tells of
  void name_endpoints(std::uint32_t from, std::uint32_t to);
  void collect_looks(std::uint32_t from, std::uint32_t to);
  void compare_looks(std::uint32_t from, std::uint32_t to);
  void count_twins(std::uint32_t from, std::uint32_t to);
  void conclude_translators(std::uint32_t, std::uint32_t);
  void mark_parts(std::uint32_t from, std::uint32_t to);
  void collect_translated(std::uint32_t from, std::uint32_t to);
  void pair_alike(std::uint32_t from, std::uint32_t to);
  void collect_cut(std::uint32_t from, std::uint32_t to);
  void pair_cut(std::uint32_t from, std::uint32_t to);
  void discount_shifted(std::uint32_t from, std::uint32_t to);
  void end_pairing(std::uint32_t, std::uint32_t);
  [[nodiscard]] bool may_pair(const ConversationKey& key, const Conversation& c) const noexcept;
  [[nodiscard]] std::uint64_t look_of(const ConversationKey& key, const Conversation& c,
                                      std::size_t same_side) const noexcept;
  [[nodiscard]] bool are_same_time(const Conversation& a, const Conversation& b) const noexcept;
  [[nodiscard]] Timestamp::duration time_between(const Conversation& a,
                                                 const Conversation& b) const noexcept;
  [[nodiscard]] bool have_one_exporter(const Conversation& a, const Conversation& b) const noexcept;
  [[nodiscard]] bool are_alike(const Likenesses::Look& look) const noexcept;
  [[nodiscard]] Translators::End other_end(const Likenesses::Look& look,
                                           std::size_t n) const noexcept;
  void group(std::uint32_t item, std::uint64_t look);
  void take_group(std::uint32_t first, std::vector<std::uint32_t>& outside,
                  std::vector<std::uint32_t>& inside) const;
  [[nodiscard]] bool may_compare() noexcept;
  [[nodiscard]] bool may_be_one(const Likenesses::Item& outer, const Likenesses::Item& inner) const;
  [[nodiscard]] double cut_distance(const Likenesses::Item& a, const Likenesses::Item& b) const;
  void compare_clocks(const Likenesses::Item& outer, const Likenesses::Item& inner);
  void pair(Likenesses::Item& outer, Likenesses::Item& inner);

  // translate.cpp: who really talks
  void mark_translated(std::uint32_t from, std::uint32_t to);
  void translate(std::uint32_t from, std::uint32_t to);
  void end_translation(std::uint32_t, std::uint32_t);
  [[nodiscard]] ConnectionEnds ends_seen(const ConversationKey& key) const noexcept;
  void attribute(std::uint32_t position, const ConnectionEnds& seen,
                 const TranslationTable::Found& found);
  std::uint32_t position_of(const Endpoint& endpoint);
  std::uint32_t move_to(std::uint32_t position, const ConversationKey& to, bool same_way);
  void take_over(Observation& half, const Observation& moved);
  void note_vias(std::uint32_t, std::uint32_t);

  // learn.cpp: what is remembered of it
  void begin_learning(std::uint32_t, std::uint32_t);
  [[nodiscard]] bool teaches(const ConversationKey& key, const Conversation& c) const noexcept;
  void collect_lessons(std::uint32_t from, std::uint32_t to);
  void count_lessons(std::uint32_t from, std::uint32_t to);
  void weigh_lessons(std::uint32_t from, std::uint32_t to);
  void learn_deserving_ends(std::uint32_t from, std::uint32_t to) { learn_ends(true, from, to); }
  void learn_other_ends(std::uint32_t from, std::uint32_t to) { learn_ends(false, from, to); }
  void learn_ends(bool deserving, std::uint32_t from, std::uint32_t to);
  void learn_end(const ServiceKey& key, EndpointMemory::End& end,
                 const ConversationKey& conversation, std::size_t side, const Conversation& c);
  void learn_controls(std::uint32_t from, std::uint32_t to);
  void learn_control(const ConversationKey& key, const Conversation& c);
  [[nodiscard]] ServiceKey end_of(const ConversationKey& key, std::size_t side) const noexcept;
  void note_answer(std::uint32_t position, const ConversationKey& key, const Conversation& c);
  void learn_answers(std::uint32_t from, std::uint32_t to);
  void redirect(std::uint32_t from, std::uint32_t to);
  void order_redirections(std::uint32_t, std::uint32_t);
  [[nodiscard]] bool has_served(const ServiceKey& end) const noexcept;
  void note_doubts(std::uint32_t from, std::uint32_t to);
  void note_doubt(const ConversationKey& key, const Conversation& c);
  [[nodiscard]] DependencyKey dependency_key(std::uint32_t row) const noexcept;

  // close.cpp: what is decided for good
  void note_silence(std::uint32_t from, std::uint32_t to);
  [[nodiscard]] bool is_vain(const ConversationKey& key, const Conversation& c) const noexcept;
  void begin_deciding(std::uint32_t from, std::uint32_t to);
  void decide_for_good(std::uint32_t from, std::uint32_t to);
  void look_at(std::uint32_t position, Question& q);
  void close_one(std::uint32_t position, Question& q);
  void look_at_others(const ConversationKey& key, const Conversation& c,
                      Evidence& e) const noexcept;
  struct Before {
    const Conversation* conversation = nullptr;
    bool same_way = true;  ///< its low side is the low one here
  };
  [[nodiscard]] Before find_before(const Window& before, const ConversationKey& key,
                                   const Conversation& c) const noexcept;
  void follow_on(const Window& before, const Before& then, Conversation& c, Evidence& e);
  [[nodiscard]] bool is_tail(const Window& before, const Observation& then,
                             const Observation& now) const noexcept;
  [[nodiscard]] static WindowTime first_of(const Conversation& c) noexcept;
  [[nodiscard]] static WindowTime last_of(const Conversation& c) noexcept;
  void collect_hop_times(std::uint32_t from, std::uint32_t to);
  void order_hops(std::uint32_t from, std::uint32_t to);
  void add_hop_times(const Conversation& c);
  void report_all(std::uint32_t from, std::uint32_t to);

  // attempts.cpp: who called in vain
  static constexpr std::uint16_t kMostAttempts = 8'192;  ///< of one caller
  void note_attempt(const ConversationKey& key, const Conversation& c);
  void note_all_attempts();
  [[nodiscard]] bool may_be_answer(const Call& call) const noexcept;
  void report_attempts(std::uint32_t from, std::uint32_t to);

  void end_close(std::uint32_t, std::uint32_t);

  void report(std::uint32_t row, bool is_final, std::vector<ConnectionSummary>& out);

  Shared& shared_;
  std::int64_t number_ = 0;
  Timestamp start_;
  Timestamp end_;
  Timestamp base_;
  Endpoints endpoints_;
  Conversations conversations_;
  Rows rows_;
  struct Nothing {};
  base::BoundedTable<RowKey, Nothing, RowHash> attempts_;  ///< as the rows they would have made
  std::vector<Observation> pool_;  ///< observers besides the first of each half
  std::vector<Noted> noted_;
  std::vector<Given> given_;
  std::array<Question, kBatch> questions_;  ///< of a batch
  std::vector<std::uint32_t> dirty_;
  // While closing
  std::size_t step_ = 0;    ///< in kSteps
  std::uint32_t next_ = 0;  ///< of the step's things
  const Window* before_ = nullptr;
  Decided* decided_ = nullptr;  ///< null: not closing
  std::size_t first_redirection_ = 0;
  std::size_t room_for_rows_ = 0;                                           ///< further ones
  std::vector<std::uint32_t> seen_by_many_;                                 ///< conversations
  base::BoundedTable<std::uint32_t, HopTimes, RowPositionHash> hop_times_;  ///< by row
  std::vector<ServiceKey> proven_;                                          ///< ends found to serve
  std::vector<Lesson> lessons_;
  std::vector<std::uint32_t> controls_;  ///< conversations at a control port
  std::vector<std::uint32_t> teachers_;  ///< whose answers teach
  std::vector<std::uint32_t> doubtful_;  ///< whose rows may yet be turned round
  /// Conversations and the endpoints that stand for one of their ends elsewhere.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> vias_;
  bool folded_ = false;
  bool closed_ = false;
};

}  // namespace flowlens::aggregate
