/// \file
/// http: how many requests one user, or one address before log-in, may make.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "config/settings.hpp"
#include "http/router.hpp"

namespace flowlensd::http {

/// So many in each window; a window begins with the first request after the one before.
struct RateLimit {
  std::uint64_t count = 0;
  std::chrono::seconds window{};
};
/// \param text  `100/minute`. \return nothing for bad text.
[[nodiscard]] std::optional<RateLimit> parse_rate_limit(std::string_view text) noexcept;

struct RateLimitOptions {
  bool is_on = true;
  bool has_log_in = false;  ///< without it addresses count, and loopback is free
  RateLimit sustained{100, std::chrono::seconds{60}};
  RateLimit burst{20, std::chrono::seconds{1}};
  std::size_t max_keys = 20'000;  ///< users and addresses remembered; the one idle longest goes
};
/// \throws flowlens::ConfigError.
[[nodiscard]] RateLimitOptions rate_limit_options(const Settings& settings, bool has_log_in);

struct RateLimitCounters {
  std::uint64_t refused = 0;
  std::uint64_t keys = 0;
  std::uint64_t forgotten = 0;  ///< keys, past max_keys
};

/// What a request is told.
struct Allowance {
  bool is_allowed = true;
  std::uint64_t limit = 0;  ///< of the bucket that has least left, as are the next two
  std::uint64_t remaining = 0;
  std::chrono::seconds reset{};  ///< until its window ends
};

/// Thread-safe.
class RateLimits {
 public:
  using Clock = std::chrono::steady_clock;

  explicit RateLimits(const RateLimitOptions& options) : options_(options) {}

  [[nodiscard]] const RateLimitOptions& options() const noexcept { return options_; }
  /// Counts one request.
  [[nodiscard]] Allowance take(const std::string& key, Clock::time_point now);
  [[nodiscard]] RateLimitCounters counters() const;

 private:
  struct Bucket {
    Clock::time_point begun{};
    std::uint64_t used = 0;
  };
  struct Entry {
    std::string key;
    Bucket sustained;
    Bucket burst;
  };

  static Allowance look(Bucket& bucket, const RateLimit& limit, Clock::time_point now);
  Entry& entry_of(const std::string& key);

  const RateLimitOptions options_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  ///< the one used last first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
  RateLimitCounters counters_;
};

/// The guard with the limits around it: users count by name; who is refused for want of a log-in, and who
/// logs in, by address. What everybody may read, such as health and the page itself, counts for nothing.
/// \param guard  may be empty. \param limits  outlives what is returned.
[[nodiscard]] Guard limited(Guard guard, RateLimits& limits);

}  // namespace flowlensd::http
