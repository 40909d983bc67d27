#include "flowlens/dns_lookup.hpp"

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/hash.hpp"
#include "base/lru_table.hpp"
#include "flowlens/error.hpp"
#include "lookup/dns_channel.hpp"
#include "lookup/dns_message.hpp"

namespace flowlens {

namespace {

using lookup::DnsChannel;
using lookup::DnsReply;
using lookup::DnsType;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t kMostNames = 4;  // of one address that are confirmed
// A new channel reads /etc/resolv.conf again, and asks from other ports.
constexpr seconds kChannelLife{60};
constexpr std::size_t kChannelQueries = 20'000;

/// Whoever chooses addresses cannot choose where they lie in tables.
struct AddressHash {
  std::uint64_t seed = 0;
  std::size_t operator()(const IpAddress& a) const noexcept { return base::hash_of(a, seed); }
};

AddressHash random_hash() {
  std::random_device random;
  return {std::uint64_t{random()} << 32 | random()};
}

/// What was found out of one address, whoever asks.
struct Found {
  DnsResult result = DnsResult::no_name;
  std::string name;
  Timestamp at, expires, ask_again;
};

/// One address that is being asked about, and for whom.
struct Question {
  std::vector<Endpoint> subjects;
  std::vector<std::string> names;  ///< still to be confirmed, the next one last
  std::string first_name;          ///< shown where none is confirmed
  std::uint32_t ttl = 0;
};

DnsResult failure_of(int status) noexcept {
  switch (status) {
    case ARES_ETIMEOUT:
      return DnsResult::timed_out;
    case ARES_ECONNREFUSED:
      return DnsResult::unreachable;
    case ARES_ESERVFAIL:
    case ARES_ENOTIMP:
    case ARES_EREFUSED:
    case ARES_EFORMERR:
      return DnsResult::server_failed;
    default:
      return DnsResult::bad_answer;
  }
}

void check(const DnsOptions& o) {
  if (o.max_concurrent == 0 || o.max_waiting == 0 || o.cache_size == 0) {
    throw ConfigError("DNS look-ups: concurrency, queue and cache need room for one at least");
  }
  if (o.tries < 1 || o.timeout.count() < 1) {
    throw ConfigError("DNS look-ups: time-out and tries are at least 1");
  }
}

}  // namespace

struct DnsLookup::Impl {
  Impl(const DnsOptions& options, Tell tell)
      : options_(options),
        tell_(std::move(tell)),
        servers_(lookup::dns_server_list(options.servers)),
        cache_(options.cache_size, random_hash()),
        questions_(0, random_hash()) {
    check(options_);
    renew_channel();
    try {
      thread_ = std::thread([this] { io_.run(); });
    } catch (const std::system_error& e) {
      throw IoError(std::string("DNS look-ups have no thread: ") + e.what());
    }
  }

  bool ask(const Endpoint& endpoint) {
    const std::lock_guard lock(mutex_);
    if (is_stopped_ || counters_.waiting >= options_.max_waiting) {
      ++counters_.refused;
      return false;
    }
    inbox_.push_back(endpoint);
    ++counters_.asked;
    ++counters_.waiting;
    if (inbox_.size() == 1) asio::post(io_, [this] { take_inbox(); });
    return true;
  }

  void stop() noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (is_stopped_) return;
      is_stopped_ = true;
    }
    io_.stop();
    thread_.join();
    channel_.reset();
    others_.reset();
  }

  DnsCounters counters() const {
    const std::lock_guard lock(mutex_);
    return counters_;
  }
  std::string last_problem() const {
    const std::lock_guard lock(mutex_);
    return problem_;
  }

 private:
  // All that follows is of the thread.
  void take_inbox() {
    std::vector<Endpoint> taken;
    {
      const std::lock_guard lock(mutex_);
      taken.swap(inbox_);
    }
    const Timestamp now = std::chrono::system_clock::now();
    for (const Endpoint& endpoint : taken) take(endpoint, now);
    begin_more();
  }

  void take(const Endpoint& endpoint, Timestamp now) {
    const Found* known = cache_.find(endpoint.address);
    if (known != nullptr && now < known->ask_again && now >= known->at) {
      count([](DnsCounters& c) { ++c.from_cache, --c.waiting; });
      answer(endpoint, *known);
      return;
    }
    Question& question = questions_[endpoint.address];
    if (question.subjects.empty()) {
      waiting_.push_back(endpoint.address);
    } else {
      count([](DnsCounters& c) { ++c.shared; });
    }
    question.subjects.push_back(endpoint);
  }

  void begin_more() {
    while (!waiting_.empty() && under_way_ < options_.max_concurrent) {
      if (is_worn() && under_way_ > 0) return;  // the rest waits for a new channel
      if (is_worn()) renew_channel();
      const IpAddress address = waiting_.front();
      waiting_.pop_front();
      ++under_way_;
      count([this](DnsCounters& c) { c.under_way = under_way_; });
      query(address, lookup::reverse_name(address), DnsType::ptr);
    }
  }

  bool is_worn() const {
    return channel_queries_ >= kChannelQueries || steady_clock::now() >= channel_ends_;
  }

  /// If none can be made, the one before goes on.
  void renew_channel() {
    channel_queries_ = 0;
    channel_ends_ = steady_clock::now() + kChannelLife;
    try {
      using OnFailure = DnsChannel::OnFailure;
      auto channel = std::make_unique<DnsChannel>(io_, options_, servers_, OnFailure::tell);
      others_ = std::make_unique<DnsChannel>(io_, options_, servers_, OnFailure::ask_others);
      channel_ = std::move(channel);
    } catch (const IoError& e) {
      if (!channel_) throw;
      const std::lock_guard lock(mutex_);
      problem_ = e.what();
    }
  }

  void query(const IpAddress& address, const std::string& name, DnsType type) {
    ++channel_queries_;
    count([](DnsCounters& c) { ++c.queries; });
    channel_->ask(name, type,
                  [this, address, name, type](int status, std::span<const std::byte> message) {
                    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
                    if (failure_of(status) == DnsResult::server_failed && has_others()) {
                      return query_others(address, name, type);
                    }
                    take_reply(address, name, type, status, message);
                  });
  }

  bool has_others() const { return channel_->servers().find(',') != std::string::npos; }

  /// c-ares tells of failing servers, or asks the next one and does not tell that they failed. So the
  /// others are asked by a channel of the second kind, once a server has failed.
  void query_others(const IpAddress& address, const std::string& name, DnsType type) {
    count([](DnsCounters& c) { ++c.queries; });
    others_->ask(name, type,
                 [this, address, name, type](int status, std::span<const std::byte> message) {
                   if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
                   if (status == ARES_ECONNREFUSED) status = ARES_ESERVFAIL;
                   take_reply(address, name, type, status, message);
                 });
  }

  void take_reply(const IpAddress& address, const std::string& name, DnsType type, int status,
                  std::span<const std::byte> message) {
    if (message.empty()) return finish(address, failure_of(status), {}, 0);
    const auto reply = lookup::read_dns_reply(message, name, type);
    if (!reply) return finish(address, DnsResult::bad_answer, {}, 0);
    if (type == DnsType::ptr) {
      take_names(address, *reply);
    } else {
      take_addresses(address, name, *reply);
    }
  }

  void take_names(const IpAddress& address, const DnsReply& reply) {
    std::vector<std::string> names = reply.names;
    std::erase_if(names, [](const std::string& name) { return !is_host_name(name); });
    if (names.empty()) {
      const bool is_bad = reply.refused_names + reply.names.size() > 0;
      const auto ttl = is_bad ? reply.ttl : reply.negative_ttl.value_or(kNoTtl);
      return finish(address, is_bad ? DnsResult::bad_name : DnsResult::no_name, {}, ttl);
    }
    // Servers turn the order round with each answer.
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (names.size() > kMostNames) names.resize(kMostNames);
    std::reverse(names.begin(), names.end());
    Question& question = questions_[address];
    question.first_name = names.back();
    question.names = std::move(names);
    question.ttl = reply.ttl;
    confirm_next(address);
  }

  void confirm_next(const IpAddress& address) {
    Question& question = questions_[address];
    if (question.names.empty()) {
      return finish(address, DnsResult::unconfirmed, question.first_name, question.ttl);
    }
    const std::string name = std::move(question.names.back());
    question.names.pop_back();
    query(address, name, address.is_v4() ? DnsType::a : DnsType::aaaa);
  }

  void take_addresses(const IpAddress& address, const std::string& name, const DnsReply& reply) {
    const auto& all = reply.addresses;
    if (std::find(all.begin(), all.end(), address) == all.end()) return confirm_next(address);
    finish(address, DnsResult::confirmed, name, std::min(questions_[address].ttl, reply.ttl));
  }

  /// \param ttl  as the server says; of failures it does not count.
  void finish(const IpAddress& address, DnsResult result, std::string name, std::uint32_t ttl) {
    const Found found = keep_until(result, std::move(name), ttl);
    cache_.put(address, found);
    const auto at = questions_.find(address);
    const std::vector<Endpoint> subjects = std::move(at->second.subjects);
    questions_.erase(at);
    --under_way_;
    note(address, found, subjects.size());
    for (const Endpoint& subject : subjects) answer(subject, found);
    // Not from here: c-ares may be telling one failure after the other.
    if (is_beginning_ || waiting_.empty()) return;
    is_beginning_ = true;
    asio::post(io_, [this] {
      is_beginning_ = false;
      begin_more();
    });
  }

  Found keep_until(DnsResult result, std::string name, std::uint32_t ttl) const {
    Found found{result, std::move(name), std::chrono::system_clock::now(), {}, {}};
    if (is_failure(result)) {
      found.expires = found.ask_again = found.at + options_.longest_negative_ttl;
      return found;
    }
    const bool is_named = !found.name.empty();
    const seconds longest = is_named ? options_.longest_ttl : options_.longest_negative_ttl;
    const Timestamp::duration life =
        std::min(std::max(seconds{ttl}, options_.shortest_ttl), longest);
    found.expires = found.at + life;
    // A name is asked for again before it expires, so that it does not go and come.
    found.ask_again = is_named ? found.at + life * 3 / 4 : found.expires;
    return found;
  }

  void note(const IpAddress& address, const Found& found, std::size_t subjects) {
    const DnsResult result = found.result;
    const std::lock_guard lock(mutex_);
    ++counters_.results[static_cast<std::size_t>(result)];
    counters_.waiting -= subjects;
    counters_.under_way = under_way_;
    counters_.cached = cache_.size();
    counters_.evicted = cache_.evicted();
    if (!is_failure(result)) {
      counters_.failures_in_a_row = 0;
      counters_.last_answer = found.at;
      return;
    }
    ++counters_.failures_in_a_row;
    counters_.last_failure = found.at;
    problem_ = std::string(to_string(result)) + ", asking for " + address.to_string() +
               "; asked: " + (channel_->servers().empty() ? "no server" : channel_->servers());
  }

  void answer(const Endpoint& subject, const Found& found) {
    tell_({subject, found.result, found.name, found.at, found.expires, found.ask_again});
  }

  template <typename Change>
  void count(Change change) {
    const std::lock_guard lock(mutex_);
    change(counters_);
  }

  static constexpr std::uint32_t kNoTtl = 0x7fff'ffff;  // the server does not say

  const DnsOptions options_;
  const Tell tell_;
  const std::string servers_;

  mutable std::mutex mutex_;
  std::vector<Endpoint> inbox_;
  DnsCounters counters_;
  std::string problem_;
  bool is_stopped_ = false;

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  base::LruTable<IpAddress, Found, AddressHash> cache_;
  std::unordered_map<IpAddress, Question, AddressHash> questions_;
  std::deque<IpAddress> waiting_;
  std::size_t under_way_ = 0;
  bool is_beginning_ = false;
  std::unique_ptr<DnsChannel> channel_;
  std::unique_ptr<DnsChannel> others_;
  std::size_t channel_queries_ = 0;
  steady_clock::time_point channel_ends_;
  std::thread thread_;
};

DnsLookup::DnsLookup(const DnsOptions& options, Tell tell)
    : impl_(std::make_unique<Impl>(options, std::move(tell))) {}
DnsLookup::~DnsLookup() { impl_->stop(); }
bool DnsLookup::ask(const Endpoint& endpoint) { return impl_->ask(endpoint); }
void DnsLookup::stop() noexcept { impl_->stop(); }
DnsCounters DnsLookup::counters() const { return impl_->counters(); }
std::string DnsLookup::last_problem() const { return impl_->last_problem(); }

void check_dns_servers(const std::vector<std::string>& servers) {
  static_cast<void>(lookup::dns_server_list(servers));
}

std::string_view to_string(DnsResult r) noexcept {
  constexpr std::array<std::string_view, kDnsResults> kNames{
      "confirmed", "unconfirmed", "no_name",       "bad_name",
      "timed_out", "unreachable", "server_failed", "bad_answer"};
  return kNames[static_cast<std::size_t>(r)];
}

std::vector<Fact> dns_facts(const DnsAnswer& answer) {
  if (answer.name.empty()) return {};
  const bool is_confirmed = answer.result == DnsResult::confirmed;
  Fact fact{answer.subject, is_confirmed ? "name" : "dns.unconfirmed_name",
            answer.name,    FactSource::dns,
            answer.at,      answer.expires};
  fact.origin = "dns";
  return {std::move(fact)};
}

bool is_host_name(std::string_view text) noexcept {
  constexpr std::size_t kLongestName = 253;
  constexpr std::size_t kLongestLabel = 63;
  if (text.empty() || text.size() > kLongestName) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_fit = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
  };
  for (;;) {
    const std::size_t point = text.find('.');
    const std::string_view label = text.substr(0, point);
    if (label.empty() || label.size() > kLongestLabel) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), is_fit)) return false;
    if (point == std::string_view::npos) {
      return !std::all_of(label.begin(), label.end(), is_digit);
    }
    text.remove_prefix(point + 1);
  }
}

}  // namespace flowlens
