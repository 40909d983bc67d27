#include "traffic.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace simnet {
namespace {

struct PortRange {
  std::uint16_t first;
  std::uint16_t last;
};

/// By ClientPorts.
constexpr std::array<PortRange, 3> kEphemeral = {{{32768, 60999}, {49152, 65535}, {1024, 65535}}};
constexpr PortRange kPrivileged = {600, 1023};
constexpr Micros kLongestInSweep = std::chrono::seconds{2};
constexpr std::uint16_t kFrontPort = 443;
constexpr std::uint16_t kDhcpClientPort = 68;
constexpr std::int64_t kShortestLongMs = 30'000;
constexpr Micros kMonth = std::chrono::hours{30 * 24};

/// Which exporter a segment's router is, among the first four; more exporters share by host.
constexpr std::array<std::size_t, 5> kExporterOfSegment = {1, 0, 1, 3, 2};

PortRange ports_of(ClientPorts kind, const Host& host) {
  if (host.tier == Tier::translator) kind = ClientPorts::wide;
  if (kind != ClientPorts::mixed) return kEphemeral[static_cast<std::size_t>(kind)];
  return kEphemeral[host.number % kEphemeral.size()];
}

std::uint16_t following(std::uint16_t port, PortRange range) {
  return port >= range.last ? range.first : static_cast<std::uint16_t>(port + 1);
}

bool serves_on(const Host& host, std::uint16_t port) {
  return std::find(host.served.begin(), host.served.end(), port) != host.served.end();
}

}  // namespace

Traffic::Traffic(const World& world, std::vector<ExporterPlan> exporters,
                 const TrafficOptions& options)
    : world_(world), exporters_(std::move(exporters)), options_(options), rng_(options.seed + 1) {
  std::uint64_t sum = 0;
  std::map<std::uint32_t, std::uint32_t> first_of_pair;
  for (std::uint32_t i = 0; i < world_.dependencies.size(); ++i) {
    const Dependency& dependency = world_.dependencies[i];
    if (!dependency.is_monthly) sweep_.push_back(i);
    weight_sums_.push_back(sum += dependency.service->weight);
    partner_.push_back(i);
    if (dependency.pair == 0) continue;
    const auto [found, is_new] = first_of_pair.try_emplace(dependency.pair, i);
    if (is_new) continue;
    partner_[i] = found->second;
    partner_[found->second] = i;
  }
  find_controls();
  for (std::size_t i = sweep_.size(); i > 1; --i) std::swap(sweep_[i - 1], sweep_[rng_.below(i)]);
  for (const Host& host : world_.hosts) {
    const PortRange range = ports_of(options_.client_ports, host);
    ports_.push_back(static_cast<std::uint16_t>(rng_.range(range.first, range.last)));
    low_ports_.push_back(
        static_cast<std::uint16_t>(rng_.range(kPrivileged.first, kPrivileged.last)));
    if (host.tier == Tier::scanner) scanners_.push_back(host.number);
  }
  plan_jobs();
}

void Traffic::find_controls() {
  using Where = std::tuple<std::uint32_t, std::uint32_t, const Service*>;
  std::map<Where, std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < world_.dependencies.size(); ++i) {
    const Dependency& d = world_.dependencies[i];
    numbers[{d.client, d.server, d.service}] = i;
  }
  for (std::uint32_t i = 0; i < world_.dependencies.size(); ++i) {
    const Dependency& d = world_.dependencies[i];
    const auto found = numbers.find({d.client, d.server, d.control});
    control_.push_back(found == numbers.end() ? i : found->second);
  }
}

void Traffic::plan_jobs() {
  for (const Dependency& dependency : world_.dependencies) {
    if (!dependency.is_monthly) continue;
    const Micros longest = std::min(options_.duration, kMonth);
    Micros at{rng_.below(static_cast<std::uint64_t>(longest.count()))};
    for (; at < options_.duration; at += kMonth)
      jobs_.push_back({options_.start + at, &dependency});
  }
  std::stable_sort(jobs_.begin(), jobs_.end(),
                   [](const Job& a, const Job& b) { return a.at < b.at; });
}

Micros Traffic::sweep_duration() const noexcept {
  return options_.gap * static_cast<std::int64_t>(sweep_.size());
}

std::optional<Conversation> Traffic::next() {
  const Micros offset = options_.gap * static_cast<std::int64_t>(started_);
  const bool is_over = offset >= options_.duration || sweep_.empty();
  const Time at = options_.start + (is_over ? options_.duration : offset);
  if (auto conversation = due(at)) return conversation;
  if (is_over) return std::nullopt;
  return regular(at);
}

/// What was put off until now: monthly jobs and what follows on a control conversation.
std::optional<Conversation> Traffic::due(Time before) {
  if (!waiting_.empty() && waiting_.front().start <= before) {
    Conversation conversation = std::move(waiting_.front());
    waiting_.pop_front();
    return conversation;
  }
  if (jobs_.empty() || jobs_.front().at > before) return std::nullopt;
  const Job job = jobs_.front();
  jobs_.pop_front();
  return of_dependency(*job.dependency, job.at, false);
}

std::optional<Conversation> Traffic::regular(Time at) {
  if (attempt_is_next_) {
    attempt_is_next_ = false;
    return of_attempt(world_.attempts[rng_.below(world_.attempts.size())], at);
  }
  if (scans_due_ > 0) {
    --scans_due_;
    return of_scan(at);
  }
  const bool in_sweep = started_ < sweep_.size();
  const Dependency& dependency = in_sweep ? world_.dependencies[sweep_[started_]] : pick(at);
  Conversation conversation = with_legs(with_control(dependency, at, in_sweep));
  attempt_is_next_ = !world_.attempts.empty() && rng_.percent(options_.attempt_percent);
  if (!scanners_.empty() && options_.scan_percent > 0) {
    scans_due_ = options_.scan_percent / 100;
    scans_due_ += rng_.percent(options_.scan_percent % 100) ? 1 : 0;
  }
  ++started_;
  return conversation;
}

/// By weight; of a pair the one that is in service.
const Dependency& Traffic::pick(Time at) {
  const std::uint64_t drawn = rng_.below(weight_sums_.back());
  const auto found = std::upper_bound(weight_sums_.begin(), weight_sums_.end(), drawn);
  const auto number = static_cast<std::size_t>(found - weight_sums_.begin());
  const Dependency& dependency = world_.dependencies[number];
  const bool in_second_half = at - options_.start >= options_.duration / 2;
  if (dependency.pair == 0 || dependency.is_standby == in_second_half) return dependency;
  return world_.dependencies[partner_[number]];
}

std::uint16_t Traffic::next_port(const Host& host) {
  // Counting up, as many systems do, keeps five-tuples apart for as long as possible.
  std::uint16_t& port = ports_[host.number];
  const PortRange range = ports_of(options_.client_ports, host);
  do {
    port = following(port, range);
  } while (serves_on(host, port));
  return port;
}

std::uint16_t Traffic::next_low_port(const Host& host) {
  std::uint16_t& port = low_ports_[host.number];
  do {
    port = following(port, kPrivileged);
  } while (serves_on(host, port));
  return port;
}

/// A dynamic port is asked for first, a moment before it is used.
Conversation Traffic::with_control(const Dependency& dependency, Time at, bool in_sweep) {
  Conversation conversation = of_dependency(dependency, at, in_sweep);
  if (dependency.control == nullptr || in_sweep) return conversation;
  const auto number = static_cast<std::size_t>(&dependency - world_.dependencies.data());
  Conversation first = of_dependency(world_.dependencies[control_[number]], at, false);
  const Micros length = conversation.end - conversation.start;
  conversation.start = first.start + (first.end - first.start) / 2;
  conversation.end = std::min(conversation.start + length, options_.start + options_.duration);
  put_off(std::move(conversation));
  return first;
}

void Traffic::put_off(Conversation conversation) {
  const auto place =
      std::upper_bound(waiting_.begin(), waiting_.end(), conversation.start,
                       [](Time time, const Conversation& other) { return time < other.start; });
  waiting_.insert(place, std::move(conversation));
}

/// A proxy asks as soon as it is asked, in a connection of its own, and adds a line to each request.
Conversation Traffic::with_legs(Conversation whole) {
  const Dependency& dependency = *whole.dependency;
  if (!world_.is_passed_on(dependency)) return whole;
  constexpr std::uint64_t kForwardedFor = 32;
  const Host& proxy = world_.hosts[*dependency.front];
  const Micros length = whole.end - whole.start;
  Conversation back = whole;
  back.client_host = &proxy;
  back.client = dependency.over_ipv6 ? proxy.ipv6 : proxy.ipv4;
  back.leg = Leg::back;
  Dialogue::Shape shape = whole.dialogue.shape();
  shape.request_octets += kForwardedFor;
  back.dialogue = Dialogue(shape);
  back.outer_client = {};
  back.outer_port = 0;
  finish(back, whole.start + length / 16, length - length / 8, ClientPort::ephemeral, false);
  back.end = std::min(back.end, std::max(back.start, whole.end));

  whole.server_host = &proxy;
  whole.server = back.client;
  whole.server_port = kFrontPort;
  whole.leg = Leg::front;
  whole.observers = route(whole, false);
  put_off(std::move(back));
  return whole;
}

Conversation Traffic::between(const Host& client, const Host& server) const {
  Conversation conversation;
  conversation.client_host = &client;
  conversation.server_host = &server;
  conversation.client = client.ipv4;
  conversation.server = server.ipv4;
  return conversation;
}

Conversation Traffic::of_dependency(const Dependency& dependency, Time at, bool in_sweep) {
  const Service& service = *dependency.service;
  const auto draw = [&](const Range& range) {
    return range.high == 0 ? 0 : rng_.log_range(range.low, range.high);
  };
  Conversation conversation =
      between(world_.hosts[dependency.client], world_.hosts[dependency.server]);
  conversation.dependency = &dependency;
  conversation.client = world_.client_address(dependency);
  conversation.server = world_.server_address(dependency);
  conversation.server_port = dependency.port;
  if (dependency.front && !world_.is_passed_on(dependency)) {
    conversation.front = world_.asked_address(dependency);
    conversation.front_port = kFrontPort;
  }

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
  const bool may_be_long = options_.long_percent > 0 && service.protocol == kTcp && !in_sweep;
  if (may_be_long && rng_.percent(options_.long_percent)) {
    const auto longest = std::chrono::floor<std::chrono::milliseconds>(options_.longest).count();
    length = std::chrono::milliseconds{
        rng_.log_range(kShortestLongMs, static_cast<std::uint64_t>(longest))};
  }
  finish(conversation, at, length, dependency.client_port, service.is_management);
  return conversation;
}

Conversation Traffic::of_attempt(const Attempt& attempt, Time at) {
  Conversation conversation = between(world_.hosts[attempt.client], world_.hosts[attempt.server]);
  conversation.attempt = &attempt;
  conversation.server_port = attempt.port;

  Dialogue::Shape shape;
  shape.outcome = attempt.outcome;
  shape.rounds = attempt.outcome == Outcome::refused ? 1 : rng_.range(1, 3);
  conversation.dialogue = Dialogue(shape);
  // Repeated after one second and after two more.
  const Micros length = std::chrono::seconds{shape.rounds == 1 ? 0 : shape.rounds == 2 ? 1 : 3};
  finish(conversation, at, length, ClientPort::ephemeral, false);
  return conversation;
}

/// One packet to some closed port of some host: TCP unanswered or refused, or UDP unanswered.
Conversation Traffic::of_scan(Time at) {
  const Host& scanner = world_.hosts[scanners_[rng_.below(scanners_.size())]];
  const Host* target = &scanner;
  while (target == &scanner) target = &world_.hosts[rng_.below(world_.hosts.size())];
  Conversation conversation = between(scanner, *target);
  conversation.is_scan = true;
  do {
    conversation.server_port = static_cast<std::uint16_t>(rng_.range(1, 49151));
  } while (serves_on(*target, conversation.server_port));

  Dialogue::Shape shape;
  const std::uint64_t kind = rng_.below(20);
  shape.outcome = kind < 6 ? Outcome::refused : Outcome::unanswered;
  if (kind < 2) {
    shape.protocol = kUdp;
    shape.outcome = Outcome::one_way;
    shape.request_octets = 20;
  }
  conversation.dialogue = Dialogue(shape);
  finish(conversation, at, Micros{}, ClientPort::ephemeral, false);
  return conversation;
}

void Traffic::finish(Conversation& conversation, Time at, Micros length, ClientPort client_port,
                     bool is_management) {
  // None for attempts: they take the place before the next conversation, in the order of time.
  const bool has_jitter = conversation.dependency != nullptr;
  const auto half_gap = static_cast<std::uint64_t>(options_.gap.count()) / 2;
  const Micros jitter{has_jitter ? rng_.below(half_gap + 1) : 0};
  const Time over = options_.start + options_.duration;
  conversation.start = std::min(at + jitter, over);
  conversation.end = std::min(conversation.start + length, over);
  conversation.client_port = client_port == ClientPort::same   ? conversation.server_port
                             : client_port == ClientPort::dhcp ? kDhcpClientPort
                             : client_port == ClientPort::privileged
                                 ? next_low_port(*conversation.client_host)
                                 : next_port(*conversation.client_host);
  translate(conversation);
  conversation.observers = route(conversation, is_management);
}

void Traffic::translate(Conversation& conversation) {
  const Host& client = *conversation.client_host;
  if (!client.translator || conversation.client.is_ipv6) return;
  const Host& translator = world_.hosts[*client.translator];
  conversation.outer_client = translator.ipv4;
  conversation.outer_port = next_port(translator);
}

std::vector<Observation> Traffic::route(const Conversation& conversation, bool is_management) {
  const bool is_ipv6 = conversation.client.is_ipv6;
  const std::size_t count = exporters_.size();
  const auto router_of = [&](const Host& host) {
    return (kExporterOfSegment[static_cast<std::size_t>(host.segment)] + host.number / 4 * 4) %
           count;
  };
  // The server's router sees it, for polls the poller's; one that cannot export IPv6 passes it on.
  const std::size_t inner = router_of(*conversation.client_host);
  const std::size_t last = router_of(*conversation.server_host);
  std::vector<std::size_t> path = {last, inner};
  if (is_management) std::swap(path[0], path[1]);
  for (std::size_t i = 0; i < count; ++i) path.push_back((path[0] + i) % count);

  const bool by_one_more = rng_.percent(options_.overlap_percent);
  const std::size_t wanted = options_.observers + (by_one_more ? 1 : 0);
  std::vector<Observation> seen;
  for (const std::size_t exporter : path) {
    const bool is_new = std::none_of(seen.begin(), seen.end(), [&](const Observation& other) {
      return other.exporter == exporter;
    });
    const bool can_see = !is_ipv6 || exporters_[exporter].protocol != Protocol::netflow_v5;
    if (!is_new || !can_see || seen.size() == wanted) continue;
    // The client's own router lies before the translator, the server's behind the virtual server.
    seen.push_back({exporter, conversation.outer_port != 0 && exporter != inner,
                    conversation.front_port != 0 && exporter != last});
  }
  return seen;
}

}  // namespace simnet
