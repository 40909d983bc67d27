#include "traffic.hpp"

#include <algorithm>
#include <array>

namespace simnet {
namespace {

constexpr std::uint16_t kFirstEphemeral = 32768;
constexpr std::uint16_t kLastEphemeral = 60999;
constexpr std::uint64_t kMicrosPerSecond = 1'000'000;
constexpr Micros kLongestInSweep = std::chrono::seconds{2};

/// Which exporter a segment's router is, among the first four; more exporters share by host.
constexpr std::array<std::size_t, 5> kExporterOfSegment = {1, 0, 1, 3, 2};

}  // namespace

Traffic::Traffic(const World& world, std::vector<Protocol> exporters, const TrafficOptions& options)
    : world_(world), exporters_(std::move(exporters)), options_(options), rng_(options.seed + 1) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < world_.dependencies.size(); ++i) {
    sweep_.push_back(i);
    weight_sums_.push_back(sum += world_.dependencies[i].service->weight);
  }
  for (std::size_t i = sweep_.size(); i > 1; --i) std::swap(sweep_[i - 1], sweep_[rng_.below(i)]);
  for (std::size_t i = 0; i < world_.hosts.size(); ++i) {
    ports_.push_back(static_cast<std::uint16_t>(rng_.range(kFirstEphemeral, kLastEphemeral)));
  }
}

Micros Traffic::sweep_duration() const noexcept {
  // A conversation is two flows.
  return Micros{sweep_.size() * 2 * kMicrosPerSecond / options_.flows_per_second};
}

std::optional<Conversation> Traffic::next() {
  const Micros offset{started_ * 2 * kMicrosPerSecond / options_.flows_per_second};
  if (offset >= options_.duration || world_.dependencies.empty()) return std::nullopt;
  if (attempt_is_next_) {
    attempt_is_next_ = false;
    return of_attempt(world_.attempts[rng_.below(world_.attempts.size())]);
  }
  const bool in_sweep = started_ < sweep_.size();
  const Dependency& dependency =
      in_sweep ? world_.dependencies[sweep_[started_]] : pick_by_weight();
  Conversation conversation = of_dependency(dependency, in_sweep);
  attempt_is_next_ = !world_.attempts.empty() && rng_.percent(options_.attempt_percent);
  ++started_;
  return conversation;
}

const Dependency& Traffic::pick_by_weight() {
  const std::uint64_t drawn = rng_.below(weight_sums_.back());
  const auto found = std::upper_bound(weight_sums_.begin(), weight_sums_.end(), drawn);
  return world_.dependencies[static_cast<std::size_t>(found - weight_sums_.begin())];
}

std::uint16_t Traffic::next_port(const Host& client) {
  // Counting up, as many systems do, keeps five-tuples apart for as long as possible.
  std::uint16_t& port = ports_[client.number];
  port = port >= kLastEphemeral ? kFirstEphemeral : static_cast<std::uint16_t>(port + 1);
  return port;
}

Conversation Traffic::of_dependency(const Dependency& dependency, bool in_sweep) {
  const Service& service = *dependency.service;
  const auto draw = [&](const Range& range) {
    return range.high == 0 ? 0 : rng_.log_range(range.low, range.high);
  };
  Conversation conversation;
  conversation.dependency = &dependency;
  conversation.client_host = &world_.hosts[dependency.client];
  conversation.server_host = &world_.hosts[dependency.server];
  conversation.client = world_.client_address(dependency);
  conversation.server = world_.server_address(dependency);
  conversation.server_port = service.port;

  Dialogue::Shape shape;
  shape.protocol = service.protocol;
  shape.is_ipv6 = dependency.over_ipv6;
  shape.outcome = service.outcome;
  shape.rounds = draw(service.rounds);
  shape.request_octets = draw(service.request_octets);
  shape.reply_octets = draw(service.reply_octets);
  conversation.dialogue = Dialogue(shape);

  Micros length = std::chrono::milliseconds{draw(service.milliseconds)};
  if (in_sweep) length = std::min(length, kLongestInSweep);
  finish(conversation, length, service.is_management);
  return conversation;
}

Conversation Traffic::of_attempt(const Attempt& attempt) {
  Conversation conversation;
  conversation.attempt = &attempt;
  conversation.client_host = &world_.hosts[attempt.client];
  conversation.server_host = &world_.hosts[attempt.server];
  conversation.client = conversation.client_host->ipv4;
  conversation.server = conversation.server_host->ipv4;
  conversation.server_port = attempt.port;

  Dialogue::Shape shape;
  shape.outcome = attempt.outcome;
  shape.rounds = attempt.outcome == Outcome::refused ? 1 : rng_.range(1, 3);
  conversation.dialogue = Dialogue(shape);
  // Repeated after one second and after two more.
  const Micros length = std::chrono::seconds{shape.rounds == 1 ? 0 : shape.rounds == 2 ? 1 : 3};
  finish(conversation, length, false);
  return conversation;
}

void Traffic::finish(Conversation& conversation, Micros length, bool is_management) {
  const Micros gap{2 * kMicrosPerSecond / options_.flows_per_second};
  const Micros offset{started_ * 2 * kMicrosPerSecond / options_.flows_per_second};
  // None for attempts: they take the place before the next conversation, in the order of time.
  const bool is_attempt = conversation.attempt != nullptr;
  const Micros jitter{is_attempt ? 0 : rng_.below(static_cast<std::uint64_t>(gap.count()) / 2 + 1)};
  const Time over = options_.start + options_.duration;
  conversation.start = std::min(options_.start + offset + jitter, over);
  conversation.end = std::min(conversation.start + length, over);
  conversation.client_port = next_port(*conversation.client_host);
  conversation.observers = route(conversation, is_management);
}

std::vector<std::size_t> Traffic::route(const Conversation& conversation, bool is_management) {
  const bool is_ipv6 = conversation.client.is_ipv6;
  const std::size_t count = exporters_.size();
  const auto router_of = [&](const Host& host) {
    return (kExporterOfSegment[static_cast<std::size_t>(host.segment)] + host.number / 4 * 4) %
           count;
  };
  // The server's router sees it, for polls the poller's; one that cannot export IPv6 passes it on.
  std::vector<std::size_t> path = {router_of(*conversation.server_host),
                                   router_of(*conversation.client_host)};
  if (is_management) std::swap(path[0], path[1]);
  for (std::size_t i = 0; i < count; ++i) path.push_back((path[0] + i) % count);

  std::vector<std::size_t> seen;
  for (const std::size_t exporter : path) {
    const bool is_new = std::find(seen.begin(), seen.end(), exporter) == seen.end();
    const bool can_see = !is_ipv6 || exporters_[exporter] != Protocol::netflow_v5;
    if (is_new && can_see) seen.push_back(exporter);
  }
  const bool by_two = rng_.percent(options_.overlap_percent);
  seen.resize(std::min<std::size_t>(seen.size(), by_two ? 2 : 1));
  return seen;
}

}  // namespace simnet
