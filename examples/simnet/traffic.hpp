/// \file
/// Conversations over time: which dependency is used when, how much is said, who sees it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "dialogue.hpp"
#include "exporter.hpp"
#include "rng.hpp"
#include "world.hpp"

namespace simnet {

/// An exporter on the way of a conversation.
struct Observation {
  std::size_t exporter = 0;  ///< its number
  bool is_outside = false;   ///< behind the translator, so it sees the outer address
  bool is_in_front = false;  ///< of a virtual server, so it sees that one's address
};

/// What passes a proxy is two conversations.
enum class Leg : std::uint8_t {
  whole,  ///< nothing passes it on
  front,  ///< from the client to the proxy
  back    ///< from the proxy to the server
};

/// One use of a dependency, or one attempt.
struct Conversation {
  const Dependency* dependency = nullptr;  ///< exactly one of these two is set
  const Attempt* attempt = nullptr;
  const Host* client_host = nullptr;
  const Host* server_host = nullptr;
  Address client;
  Address server;
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;
  Time start;
  Time end;
  Dialogue dialogue{Dialogue::Shape{}};
  std::vector<Observation> observers;  ///< the nearest first
  std::uint64_t records = 0;           ///< of the observer that samples least; sFlow: samples
  Address outer_client;                ///< with an outer port: what the translator makes of it
  std::uint16_t outer_port = 0;
  Address front;  ///< with a port: of the virtual server that the client asks
  std::uint16_t front_port = 0;
  Leg leg = Leg::whole;
  bool is_scan = false;  ///< an attempt that no list has
};

/// Where the clients' operating systems take ephemeral ports from.
enum class ClientPorts : std::uint8_t {
  linux_default,  ///< 32768 to 60999
  windows,        ///< 49152 to 65535
  wide,           ///< 1024 to 65535: old systems, translators
  mixed           ///< by host one of these
};

struct TrafficOptions {
  std::uint64_t seed = 1;
  Micros gap{20'000};  ///< from one conversation to the next
  Time start;
  Micros duration{};
  std::uint32_t observers = 1;  ///< exporters that see each conversation, if there are so many
  std::uint32_t overlap_percent = 0;  ///< of conversations, seen by one exporter more
  std::uint32_t attempt_percent = 2;
  std::uint32_t scan_percent = 0;  ///< scan packets per conversation, if there is a scanner
  ClientPorts client_ports = ClientPorts::linux_default;
  std::uint32_t long_percent = 0;               ///< of TCP conversations
  Micros longest = std::chrono::seconds{1800};  ///< of those
};

/// Makes conversations in the order of their start. First every dependency is used once in an
/// order drawn by lot, then they are used by weight.
class Traffic {
 public:
  /// \param world  outlives this.
  Traffic(const World& world, std::vector<ExporterPlan> exporters, const TrafficOptions& options);

  /// \return nothing when the time is over.
  [[nodiscard]] std::optional<Conversation> next();

  /// How long it takes until every dependency was used.
  [[nodiscard]] Micros sweep_duration() const noexcept;

 private:
  struct Job {
    Time at;
    const Dependency* dependency = nullptr;
  };
  [[nodiscard]] std::optional<Conversation> regular(Time at);
  [[nodiscard]] Conversation of_dependency(const Dependency& dependency, Time at, bool in_sweep);
  [[nodiscard]] Conversation with_control(const Dependency& dependency, Time at, bool in_sweep);
  [[nodiscard]] Conversation with_legs(Conversation whole);
  void put_off(Conversation conversation);
  [[nodiscard]] Conversation of_attempt(const Attempt& attempt, Time at);
  [[nodiscard]] Conversation of_scan(Time at);
  [[nodiscard]] std::optional<Conversation> due(Time before);
  [[nodiscard]] Conversation between(const Host& client, const Host& server) const;
  void finish(Conversation& conversation, Time at, Micros length, ClientPort client_port,
              bool is_management);
  void translate(Conversation& conversation);
  [[nodiscard]] std::vector<Observation> route(const Conversation& conversation,
                                               bool is_management);
  [[nodiscard]] const Dependency& pick(Time at);
  [[nodiscard]] std::uint16_t next_port(const Host& host);
  [[nodiscard]] std::uint16_t next_low_port(const Host& host);
  void find_controls();
  void plan_jobs();

  const World& world_;
  std::vector<ExporterPlan> exporters_;
  TrafficOptions options_;
  Rng rng_;
  std::vector<std::uint32_t> sweep_;        ///< dependencies by number, shuffled
  std::vector<std::uint64_t> weight_sums_;  ///< running totals
  std::vector<std::uint32_t> partner_;      ///< the other one of a pair, by dependency; else itself
  std::vector<std::uint32_t> control_;      ///< what is asked first, by dependency; else itself
  std::vector<std::uint32_t> scanners_;     ///< hosts
  std::vector<std::uint16_t> ports_;        ///< next ephemeral port of each host
  std::vector<std::uint16_t> low_ports_;    ///< next privileged port of each host
  std::deque<Conversation> waiting_;        ///< to start soon, ascending
  std::deque<Job> jobs_;                    ///< ascending
  std::uint64_t started_ = 0;
  std::uint64_t scans_due_ = 0;
  bool attempt_is_next_ = false;
};

}  // namespace simnet
