#include "standby.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "auth/secrets.hpp"
#include "config/roles.hpp"
#include "daemon_options.hpp"
#include "flowlens/error.hpp"
#include "http/health.hpp"
#include "http/server.hpp"
#include "log.hpp"
#include "pipeline/replace_file.hpp"
#include "pipeline/stores.hpp"

namespace flowlensd {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using flowlens::IoError;
using flowlens::LeaseView;
using flowlens::ResolverLease;

constexpr std::chrono::seconds kSilent{5};           // then its holder counts as gone
constexpr std::chrono::seconds kServerPatience{30};  // with a database that never answered yet
constexpr milliseconds kLook{500};
constexpr milliseconds kLongBetweenLooks{
    2'000};  // this process was asleep: what it saw is worth nothing
constexpr std::size_t kNameOctets = 16;

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

/// The host, for people, and a word of its own for each data folder.
std::string holder_name(const DataDir& dir) {
  const auto file = dir.path() / "instance";
  auto word = read_file(file);
  if (!word || word->empty()) {
    word = random_text(kNameOctets);
    replace_file(file, *word);
  }
  return host_name() + "/" + *word;
}

/// The host alone.
std::string shown(const std::string& holder) { return holder.substr(0, holder.find('/')); }

/// What /health says meanwhile.
class Waiting {
 public:
  Waiting(const StandbyParts& parts, const std::string& holder)
      : life_(parts.life), active_(shown(holder)) {
    http::add_health_routes(router_, {[this] { return health(); }, [this] { return ready(); }});
    http::ServerOptions o = metrics_server_options(parts.settings);
    if (parse_roles(parts.settings.roles).has(Role::api)) {
      o.port = static_cast<std::uint16_t>(parts.settings.api_port);
    }
    server_ = std::make_unique<http::Server>(
        o, [this](http::Request r) { return answer(std::move(r)); },
        [](const std::string&, const http::Response&, double) {});
    server_->start();
    log::info("daemon", "standing by: another flowlensd writes the map",
              {{"active", active_}, {"health_port", server_->port()}});
    parts.manager.ready("standing by: " + active_ + " is active");
  }
  ~Waiting() { server_->stop(); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  void note(const std::string& problem) {
    const std::lock_guard lock(mutex_);
    if (problem_ != problem && !problem.empty()) {
      log::warning("store", "the lease cannot be seen; trying again", {{"reason", problem}});
    }
    problem_ = problem;
  }

 private:
  http::Response answer(http::Request request) const {
    http::Response response = router_.handle(std::move(request));
    if (response.status != 404) return response;
    return http::problem(503, "Standing by",
                         "this flowlensd stands by and knows no map; ask the one on " + active_);
  }
  [[nodiscard]] http::Json checks() const {
    const std::lock_guard lock(mutex_);
    return {
        {"standby", problem_.empty() ? "ok: " + active_ + " is active" : "retrying: " + problem_},
        {"postgresql", problem_.empty() ? "ok" : "retrying: " + problem_}};
  }
  [[nodiscard]] bool is_degraded() const {
    const std::lock_guard lock(mutex_);
    return !problem_.empty();
  }
  [[nodiscard]] http::Response health() const {
    return http::health_answer(true, is_degraded(), life_.uptime_seconds(), checks());
  }
  [[nodiscard]] http::Response ready() const { return http::ready_answer(false, false, checks()); }

  const Life& life_;
  const std::string active_;
  mutable std::mutex mutex_;
  std::string problem_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
};

/// How long a lease has been seen without being renewed.
class Silence {
 public:
  void saw(const LeaseView& view) {
    const auto now = Clock::now();
    if (!last_ || !(*last_ == view) || now - looked_at_ > kLongBetweenLooks) since_ = now;
    last_ = view;
    looked_at_ = now;
  }
  /// A database that was away tells nothing of who renews.
  void forget() { last_.reset(); }
  [[nodiscard]] bool is_over() const { return last_ && Clock::now() - since_ >= kSilent; }

 private:
  std::optional<LeaseView> last_;
  Clock::time_point since_, looked_at_;
};

class Turn {
 public:
  Turn(const StandbyParts& parts, std::unique_ptr<ResolverLease> lease, std::string holder)
      : parts_(parts), lease_(std::move(lease)), holder_(std::move(holder)) {}

  std::unique_ptr<LeaseKeeper> take(bool waits) {
    while (!look(waits)) {
      if (parts_.stop.wait(kLook)) throw StoppedStandingBy{};
    }
    return std::make_unique<LeaseKeeper>(
        std::move(lease_), [&stop = parts_.stop](const std::string& why) { stop.fail(why); });
  }

 private:
  /// \return whether the lease is taken.
  bool look(bool waits) {
    LeaseView view;
    try {
      view = lease_->look();
      silence_.saw(view);
      if (waiting_) waiting_->note({});
      const bool is_free = view.holder.empty() || view.holder == holder_ || silence_.is_over();
      if (is_free) return take(view);
    } catch (const IoError& e) {
      note_failure(e);
      return false;
    }
    if (!waits) check_silence(view);
    if (waits && !waiting_) waiting_.emplace(parts_, view.holder);
    return false;
  }

  /// Of a database that is away, or lets nobody write. \throws that, where it was never otherwise.
  void note_failure(const IoError& e) {
    silence_.forget();
    if (waiting_) return waiting_->note(e.what());
    if (Clock::now() - begun_ >= kServerPatience) throw IoError(e);
    if (std::exchange(has_failed_, true)) return;
    log::warning("store", "the database cannot be opened yet; trying again",
                 {{"reason", e.what()}});
  }

  bool take(const LeaseView& seen) {
    if (!lease_->take(seen, holder_)) return false;
    if (!waiting_) return true;
    if (seen.holder.empty()) {
      log::info("daemon", "the active flowlensd has ended: this one takes over");
    } else {
      log::warning("daemon", "the active flowlensd is silent: this one takes over",
                   {{"was_active", shown(seen.holder)}, {"silent_seconds", seen.silent_seconds}});
    }
    return true;
  }

  /// For one that does not wait: somebody is there.
  void check_silence(const LeaseView& view) const {
    if (Clock::now() - begun_ < kSilent + kLongBetweenLooks) return;
    throw flowlens::ConfigError("the flowlensd on " + shown(view.holder) +
                                " writes the map of this database: stop it first, or name another "
                                "database");
  }

  const StandbyParts parts_;
  std::unique_ptr<ResolverLease> lease_;
  const std::string holder_;
  Silence silence_;
  std::optional<Waiting> waiting_;
  const Clock::time_point begun_ = Clock::now();
  bool has_failed_ = false;
};

}  // namespace

std::unique_ptr<LeaseKeeper> take_turn(const StandbyParts& parts, const DataDir* dir, bool waits) {
  if (dir == nullptr || postgres_connection(parts.settings).empty()) return nullptr;
  return Turn(parts, make_postgres_resolver_lease(postgres_options(parts.settings, {})),
              holder_name(*dir))
      .take(waits);
}

}  // namespace flowlensd
