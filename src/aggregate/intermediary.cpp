#include "flowlens/intermediary.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/hash.hpp"
#include "flowlens/error.hpp"

namespace flowlens {

namespace {

/// How sure one window makes: two sums may be alike by chance.
constexpr float kEvidence = 0.5f;
/// How far these may change from window to window: who passes on adds to each message alike, and two
/// that are about as busy every day do not keep step.
constexpr double kSteady = 0.03;
/// Of the windows looked at, so many quarters must show it: sums of steady traffic are alike at times.
constexpr std::uint32_t kQuarters = 3;

/// What went through one service, or to one port of others, in one window.
struct Through {
  std::uint64_t requests = 0;  ///< estimated octets
  std::uint64_t answers = 0;
  Timestamp first = Timestamp::max();
  Timestamp last = Timestamp::min();
  std::set<Endpoint> others;

  void add(const ConnectionSummary& row, const Endpoint& other) {
    requests += row.counts.estimated_octets_to_server;
    answers += row.counts.estimated_octets_to_client;
    first = std::min(first, row.first);
    last = std::max(last, row.last);
    others.insert(other);
  }
};

/// A port of an endpoint, or a port that an endpoint asks others at.
using Port = std::tuple<Endpoint, std::uint8_t, std::uint16_t>;

struct FrontKey {
  Endpoint front;
  std::uint8_t protocol = 0;
  std::uint16_t front_port = 0;
  std::uint16_t backend_port = 0;
  friend auto operator<=>(const FrontKey&, const FrontKey&) = default;
};
struct Front {
  std::uint32_t looked_at = 0;  ///< windows
  double requests = 0;          ///< what goes out by what comes in, in the window before
  double answers = 0;
  std::set<Endpoint> backends;
  std::uint32_t clients = 0;
  std::uint32_t windows = 0;
};

/// Tells of most endpoints that are not in it that they are not; of those in it never.
class Filter {
 public:
  explicit Filter(std::size_t endpoints)
      : bits_(std::bit_ceil(std::max<std::size_t>(endpoints * 8, 64)) / 64) {}

  void add(const Endpoint& e) noexcept { word(e) |= bit(e); }
  [[nodiscard]] bool may_hold(const Endpoint& e) noexcept { return (word(e) & bit(e)) != 0; }

 private:
  std::uint64_t& word(const Endpoint& e) noexcept {
    return bits_[base::hash_of(e, 0) >> 6 & (bits_.size() - 1)];
  }
  static std::uint64_t bit(const Endpoint& e) noexcept {
    return std::uint64_t{1} << (base::hash_of(e, 0) & 63);
  }

  std::vector<std::uint64_t> bits_;
};

double ratio(std::uint64_t a, std::uint64_t b) {
  return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
}

bool alike(std::uint64_t a, std::uint64_t b, double tolerance) {
  const auto [low, high] = std::minmax(a, b);
  return low != 0 && static_cast<double>(high - low) <= tolerance * static_cast<double>(high);
}

void check_limit(std::size_t limit, const char* name) {
  if (limit > 0) return;
  throw ConfigError("IntermediaryFinderOptions::" + std::string(name) +
                    " is 0; it must be at least 1");
}

}  // namespace

std::string_view to_string(IntermediaryKind k) noexcept {
  return k == IntermediaryKind::load_balancer ? "load_balancer" : "source_nat";
}

struct IntermediaryFinder::Impl {
  IntermediaryFinderOptions options;
  std::map<FrontKey, Front> fronts;

  void look(const std::vector<const ConnectionSummary*>& window) {
    std::map<Port, Through> asked, asks;
    Filter servers{window.size()};
    for (const ConnectionSummary* r : window) servers.add(r->key.server);
    for (const ConnectionSummary* r : window) {
      const ConnectionSummary& row = *r;
      if (row.direction != Direction::client_server || row.key.port == 0) continue;
      // Most clients serve nobody.
      if (!servers.may_hold(row.key.client)) continue;
      asks[{row.key.client, row.key.protocol, row.key.port}].add(row, row.key.server);
    }
    std::erase_if(asks, [this](const auto& entry) {
      return entry.second.others.size() < options.min_backends;
    });
    Filter clients{asks.size()};
    for (const auto& [port, through] : asks) clients.add(std::get<0>(port));
    for (const ConnectionSummary* r : window) {
      const ConnectionSummary& row = *r;
      if (row.direction != Direction::client_server || row.key.port == 0) continue;
      // Most servers ask nobody; they are not worth an entry.
      if (!clients.may_hold(row.key.server)) continue;
      const auto from = asks.lower_bound({row.key.server, 0, 0});
      if (from == asks.end() || std::get<0>(from->first) != row.key.server) continue;
      asked[{row.key.server, row.key.protocol, row.key.port}].add(row, row.key.client);
    }
    for (const auto& [service, in] : asked) {
      if (in.others.size() >= options.min_clients) compare(service, in, asks);
    }
  }

  void compare(const Port& service, const Through& in, const std::map<Port, Through>& asks) {
    const auto& [front, protocol, port] = service;
    for (auto i = asks.lower_bound({front, protocol, 0}); i != asks.end(); ++i) {
      const auto& [client, out_protocol, out_port] = i->first;
      if (client != front || out_protocol != protocol) break;
      const Through& out = i->second;
      Front* const seen = look_at({front, protocol, port, out_port});
      if (seen == nullptr || !is_steady(*seen, in, out)) continue;
      // What is passed on is passed on while it is being asked.
      constexpr std::chrono::seconds kSlack{5};
      if (out.first + kSlack < in.first || out.last > in.last + kSlack) continue;
      if (!alike(in.requests, out.requests, options.tolerance)) continue;
      if (!alike(in.answers, out.answers, options.tolerance)) continue;
      remember(*seen, in, out);
    }
  }

  /// \return null at the bound.
  Front* look_at(const FrontKey& key) {
    if (fronts.size() >= options.max_fronts && !fronts.contains(key)) return nullptr;
    Front& front = fronts[key];
    ++front.looked_at;
    return &front;
  }

  /// The first window cannot say otherwise.
  static bool is_steady(Front& front, const Through& in, const Through& out) {
    const double requests = ratio(out.requests, in.requests);
    const double answers = ratio(out.answers, in.answers);
    const double requests_before = std::exchange(front.requests, requests);
    const double answers_before = std::exchange(front.answers, answers);
    return front.looked_at == 1 || (std::abs(requests - requests_before) <= kSteady &&
                                    std::abs(answers - answers_before) <= kSteady);
  }

  void remember(Front& front, const Through& in, const Through& out) {
    ++front.windows;
    front.clients = static_cast<std::uint32_t>(in.others.size());
    front.backends.insert(out.others.begin(), out.others.end());
    while (front.backends.size() > options.max_backends) {
      front.backends.erase(std::prev(front.backends.end()));
    }
  }
};

IntermediaryFinder::IntermediaryFinder(const IntermediaryFinderOptions& options)
    : impl_(std::make_unique<Impl>()) {
  check_limit(options.max_fronts, "max_fronts");
  check_limit(options.max_backends, "max_backends");
  check_limit(options.min_clients, "min_clients");
  check_limit(options.min_backends, "min_backends");
  check_limit(options.min_windows, "min_windows");
  impl_->options = options;
}
IntermediaryFinder::~IntermediaryFinder() = default;
IntermediaryFinder::IntermediaryFinder(IntermediaryFinder&&) noexcept = default;
IntermediaryFinder& IntermediaryFinder::operator=(IntermediaryFinder&&) noexcept = default;

void IntermediaryFinder::look(std::span<const ConnectionSummary> rows) {
  std::map<Timestamp, std::vector<const ConnectionSummary*>> windows;
  for (const ConnectionSummary& row : rows) {
    if (!row.provisional && !row.counts.is_zero()) windows[row.window_start].push_back(&row);
  }
  for (const auto& [start, window] : windows) impl_->look(window);
}

std::vector<IntermediaryProposal> IntermediaryFinder::proposals() const {
  std::vector<IntermediaryProposal> found;
  for (const auto& [key, front] : impl_->fronts) {
    if (front.windows < impl_->options.min_windows) continue;
    if (4 * front.windows < kQuarters * front.looked_at) continue;
    IntermediaryProposal& p = found.emplace_back();
    p.front = key.front;
    p.front_port = key.front_port;
    p.backend_port = key.backend_port;
    p.protocol = key.protocol;
    p.backends.assign(front.backends.begin(), front.backends.end());
    p.clients = front.clients;
    p.windows = front.windows;
    p.confidence = 1.0f - std::pow(1.0f - kEvidence, static_cast<float>(front.windows));
  }
  return found;
}

}  // namespace flowlens
