#include "http/rate_limits.hpp"

#include <algorithm>
#include <charconv>

#include "flowlens/error.hpp"

namespace flowlensd::http {
namespace {

using std::chrono::seconds;

std::optional<seconds> unit_of(std::string_view text) noexcept {
  if (text == "second") return seconds{1};
  if (text == "minute") return seconds{60};
  if (text == "hour") return seconds{3'600};
  return std::nullopt;
}

RateLimit rate_of(std::string_view key, const std::string& text) {
  const auto limit = parse_rate_limit(text);
  if (limit) return *limit;
  throw flowlens::ConfigError(std::string(key) + ": `" + text +
                              "` is not valid; give a number from 1 to 10000000 with /second, "
                              "/minute or /hour, such as 100/minute");
}

/// A network of one client: an IPv6 client has many addresses of its own.
std::string address_key(const flowlens::IpAddress& address) {
  if (address.is_v4()) return "address " + address.to_string();
  auto octets = address.octets();
  std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
  return "address " + flowlens::IpAddress::v6(octets).to_string();
}

std::vector<std::pair<std::string, std::string>> headers_of(const Allowance& a) {
  return {{"RateLimit-Limit", std::to_string(a.limit)},
          {"RateLimit-Remaining", std::to_string(a.remaining)},
          {"RateLimit-Reset", std::to_string(a.reset.count())}};
}

Problem too_many(const Allowance& a) {
  const std::string wait = std::to_string(a.reset.count());
  auto headers = headers_of(a);
  headers.emplace_back("Retry-After", wait);
  return {429, "Too many requests",
          "more than " + std::to_string(a.limit) + " requests in this window; try again in " +
              wait + " s",
          std::move(headers)};
}

void count(Request& request, RateLimits& limits, const std::string& key) {
  const Allowance allowance = limits.take(key, RateLimits::Clock::now());
  if (!allowance.is_allowed) throw too_many(allowance);
  request.answer_headers = headers_of(allowance);
}

/// Lets the guard speak; who has no log-in counts by address.
void ask(const Guard& guard, Request& request, const Route& route, RateLimits& limits) {
  if (!guard) return;
  try {
    guard(request, route);
  } catch (const Problem& p) {
    if (p.status == 401) count(request, limits, address_key(request.peer));
    throw;
  }
}

}  // namespace

std::optional<RateLimit> parse_rate_limit(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  RateLimit limit;
  const auto [at, error] = std::from_chars(text.data(), text.data() + slash, limit.count);
  const auto unit = unit_of(text.substr(slash + 1));
  if (error != std::errc{} || at != text.data() + slash || !unit) return std::nullopt;
  if (limit.count < 1 || limit.count > 10'000'000) return std::nullopt;
  limit.window = *unit;
  return limit;
}

RateLimitOptions rate_limit_options(const Settings& s, bool has_log_in) {
  RateLimitOptions o;
  o.is_on = s.rate_limiting_enabled;
  o.has_log_in = has_log_in;
  o.sustained = {s.rate_limit_requests,
                 seconds{static_cast<std::int64_t>(s.rate_limit_window_seconds)}};
  if (!s.rate_limit.empty()) o.sustained = rate_of("api.rate_limiting.default_limit", s.rate_limit);
  o.burst = rate_of("api.rate_limiting.burst_limit", s.burst_limit);
  return o;
}

Allowance RateLimits::look(Bucket& bucket, const RateLimit& limit, Clock::time_point now) {
  if (now - bucket.begun >= limit.window) bucket = {now, 0};
  const auto left = bucket.begun + limit.window - now;
  const auto reset = std::chrono::ceil<seconds>(left);
  const bool is_allowed = bucket.used < limit.count;
  return {is_allowed, limit.count, is_allowed ? limit.count - bucket.used - 1 : 0, reset};
}

Allowance RateLimits::take(const std::string& key, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entry_of(key);
  const Allowance sustained = look(entry.sustained, options_.sustained, now);
  const Allowance burst = look(entry.burst, options_.burst, now);
  if (sustained.is_allowed && burst.is_allowed) {
    ++entry.sustained.used;
    ++entry.burst.used;
    return sustained;
  }
  ++counters_.refused;
  return sustained.is_allowed ? burst : sustained;
}

RateLimits::Entry& RateLimits::entry_of(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front();
  }
  if (entries_.size() >= options_.max_keys) {
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
    ++counters_.forgotten;
  }
  entries_.push_front({key, {}, {}});
  by_key_.emplace(entries_.front().key, entries_.begin());
  return entries_.front();
}

RateLimitCounters RateLimits::counters() const {
  const std::lock_guard lock(mutex_);
  RateLimitCounters c = counters_;
  c.keys = entries_.size();
  return c;
}

Guard limited(Guard guard, RateLimits& limits) {
  if (!limits.options().is_on) return guard;
  return [guard = std::move(guard), &limits](Request& request, const Route& route) {
    const bool is_anonymous = route.permission() == Permission::anonymous;
    const bool has_log_in = limits.options().has_log_in;
    const bool is_free = request.is_asked_again || (is_anonymous && route.method == "GET") ||
                         (!has_log_in && request.peer.is_loopback());
    if (is_free) {
      if (guard) guard(request, route);
      return;
    }
    if (is_anonymous) count(request, limits, address_key(request.peer));
    ask(guard, request, route, limits);
    if (is_anonymous) return;
    count(request, limits, has_log_in ? "user " + request.caller.name : address_key(request.peer));
  };
}

}  // namespace flowlensd::http
