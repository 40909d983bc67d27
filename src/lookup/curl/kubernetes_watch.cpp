#include "lookup/curl/kubernetes_watch.hpp"
#include "lookup/whole_file.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "flowlens/error.hpp"

namespace flowlens::lookup {

namespace {

constexpr std::array<std::string_view, kKubernetesKinds> kPlurals = {"pods", "services", "nodes"};
constexpr std::size_t kMostPages = 10'000;
constexpr std::size_t kLongestToken = 64u << 10;

Timestamp wall_clock() { return std::chrono::system_clock::now(); }

/// What an administrator can do about it.
std::string advice(long status, std::string_view plural) {
  const std::string what(plural);
  if (status == 401) return ": the server does not know the token or certificate";
  if (status == 403) return ": the account needs a role with list and watch of " + what;
  if (status == 404) return ": this is no Kubernetes API server, or another path of it";
  return {};
}

std::string why_not(const HttpAnswer& answer, std::string_view plural) {
  if (!answer.error.empty()) return answer.error;
  return "HTTP " + std::to_string(answer.status) + advice(answer.status, plural);
}

/// Thrown where a list has to begin anew: what it continued is known no more.
struct Gone {};

}  // namespace

KubernetesWatch::KubernetesWatch(KubernetesKind kind, const KubernetesClientOptions& options,
                                 KubernetesShared& shared)
    : kind_(kind),
      options_(options),
      shared_(shared),
      state_(shared.kinds[static_cast<std::size_t>(kind)]) {
  const std::string plural(kPlurals[static_cast<std::size_t>(kind)]);
  const bool is_in_space = kind != KubernetesKind::node && !options.name_space.empty();
  path_ = "/api/v1/" + (is_in_space ? "namespaces/" + url_encoded(options.name_space) + "/" : "") +
          plural;
}

void KubernetesWatch::run(const std::stop_token& stop) {
  std::chrono::milliseconds pause = options_.first_pause;
  while (!stop.stop_requested()) {
    Outcome outcome = Outcome::broken;
    has_events_ = false;
    try {
      if (version_.empty()) list(stop);
      outcome = watch(stop);
    } catch (const Gone&) {
      outcome = Outcome::gone;
    } catch (const std::exception& error) {  // IoError, or no memory for what was sent
      fail(error.what());
    }
    if (outcome != Outcome::ended) version_.clear();
    if (has_events_) pause = options_.first_pause;
    // Also after a good end: a server that ends at once is not asked without pause.
    const auto time = outcome == Outcome::broken ? pause : options_.first_pause;
    if (!wait_for(time, stop)) return;
    if (outcome == Outcome::broken) pause = std::min(pause * 2, options_.longest_pause);
  }
}

HttpRequest KubernetesWatch::request(const std::string& query, const std::stop_token& stop) const {
  HttpRequest out;
  out.url = options_.api_server + path_ + "?" + query;
  out.headers = {"Accept: application/json"};
  std::string token = options_.token;
  if (!options_.token_file.empty()) {
    token = read_file(options_.token_file, kLongestToken);
    token.resize(std::min(token.size(), token.find_last_not_of(" \t\r\n") + 1));
    if (token.find_first_of("\r\n") != std::string::npos) {
      throw IoError(options_.token_file.string() + ": is no token: has several lines");
    }
  }
  if (!token.empty()) out.headers.push_back("Authorization: Bearer " + token);
  out.ca_file = options_.ca_file;
  out.certificate_file = options_.certificate_file;
  out.key_file = options_.key_file;
  out.connect_timeout = std::min(options_.timeout, std::chrono::milliseconds{10'000});
  out.timeout = options_.timeout;
  out.max_octets = options_.max_page_octets;
  out.stop = stop;
  return out;
}

void KubernetesWatch::list(const std::stop_token& stop) {
  const std::string_view plural = kPlurals[static_cast<std::size_t>(kind_)];
  const std::string name = options_.api_server + path_;
  std::vector<KubernetesObject> objects;
  std::string version, next;
  std::uint64_t refused = 0;
  std::size_t pages = 0;
  do {
    if (++pages > kMostPages || objects.size() > options_.max_objects * 2) {
      throw IoError(name + ": the list has no end");
    }
    std::string query = "limit=" + std::to_string(options_.page_size);
    if (!next.empty()) query += "&continue=" + url_encoded(next);
    const HttpAnswer answer = http_.send(request(query, stop));
    if (answer.status == 410 && !next.empty()) throw Gone();
    if (!answer.is_good()) throw IoError(name + ": " + why_not(answer, plural));
    const Json page = parse_json(answer.body, name);
    if (!member(page, "items").is_array()) throw IoError(name + ": answers with no list");
    for (const Json& item : list_of(page, "items")) {
      auto object = read_kubernetes_object(kind_, item, refused);
      if (object) {
        objects.push_back(std::move(*object));
      } else {
        ++refused;
      }
    }
    version = text_of(member(page, "metadata"), "resourceVersion");
    next = text_of(member(page, "metadata"), "continue");
  } while (!next.empty());
  if (version.empty()) throw IoError(name + ": answers with a list without resourceVersion");
  version_ = version;

  std::unique_lock lock(shared_.mutex);
  shared_.book.replace(kind_, std::move(objects), wall_clock());
  ++shared_.counters.lists;
  shared_.counters.refused += refused;
  state_.is_listed = true;
  state_.trouble.clear();
  shared_.is_known.notify_all();
  tell_news(lock);
}

KubernetesWatch::Outcome KubernetesWatch::watch(const std::stop_token& stop) {
  const std::string_view plural = kPlurals[static_cast<std::size_t>(kind_)];
  HttpRequest out =
      request("watch=1&allowWatchBookmarks=true&resourceVersion=" + url_encoded(version_) +
                  "&timeoutSeconds=" + std::to_string(options_.watch_time.count()),
              stop);
  // The server ends it; one that has died without a word is given up some time later.
  out.timeout = options_.watch_time + options_.timeout;
  out.on_data = [this](std::string_view piece) { return take(piece); };
  rest_.clear();
  broken_.clear();
  is_gone_ = false;
  const HttpAnswer answer = http_.send(out);
  if (stop.stop_requested()) return Outcome::ended;
  if (answer.status == 410 || is_gone_) return Outcome::gone;
  const std::string name = options_.api_server + path_;
  if (!broken_.empty()) {
    fail(name + ": " + broken_);
    return Outcome::broken;
  }
  if (answer.status != 200) throw IoError(name + ": " + why_not(answer, plural));
  if (!answer.error.empty()) {  // cut; what came whole is kept, and the watch goes on behind it
    const std::unique_lock lock(shared_.mutex);
    ++shared_.counters.failures;
  }
  return Outcome::ended;
}

/// Takes what came of the watch line by line.
bool KubernetesWatch::take(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    rest_ += piece.substr(0, end);
    if (rest_.size() > options_.max_line_octets) {
      broken_ = "an event has more than " + std::to_string(options_.max_line_octets) + " octets";
      return false;
    }
    if (end == std::string_view::npos) return true;
    piece.remove_prefix(end + 1);
    const bool is_good = take_line(rest_);
    rest_.clear();
    if (!is_good) return false;
  }
  return true;
}

bool KubernetesWatch::take_line(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return true;
  try {
    const Json event = parse_json(line, "event");
    if (take_event(text_of(event, "type"), member(event, "object"))) return true;
  } catch (const IoError& error) {
    broken_ = error.what();
  }
  const std::unique_lock lock(shared_.mutex);
  if (!is_gone_) ++shared_.counters.refused;
  return false;
}

bool KubernetesWatch::take_event(std::string_view type, const Json& object) {
  if (type == "ERROR") {
    const Json& code = member(object, "code");
    is_gone_ = code.is_number_integer() && code.get<int>() == 410;
    if (!is_gone_) broken_ = "the server ended the watch with an error";
    return false;
  }
  const std::string_view version = text_of(member(object, "metadata"), "resourceVersion");
  if (type == "BOOKMARK" && !version.empty()) {
    version_ = version;
    has_events_ = true;
    return true;
  }
  const bool is_there = type == "ADDED" || type == "MODIFIED";
  std::uint64_t refused = 0;
  auto read = read_kubernetes_object(kind_, object, refused);
  if (!read || version.empty() || (!is_there && type != "DELETED")) {
    broken_ = "an event is none of ADDED, MODIFIED, DELETED and BOOKMARK with an object";
    return false;
  }
  version_ = version;
  has_events_ = true;
  std::unique_lock lock(shared_.mutex);
  ++shared_.counters.events;
  shared_.counters.refused += refused;
  state_.trouble.clear();
  const std::string uid = read->uid;
  // A pod that is deleted says once more what it was.
  bool is_news = shared_.book.put(kind_, std::move(*read), wall_clock());
  if (!is_there) is_news = shared_.book.remove(kind_, uid, wall_clock()) || is_news;
  if (is_news) tell_news(lock);
  return true;
}

void KubernetesWatch::fail(const std::string& why) {
  const std::unique_lock lock(shared_.mutex);
  ++shared_.counters.failures;
  state_.trouble = why;
  shared_.is_known.notify_all();
}

void KubernetesWatch::tell_news(std::unique_lock<std::mutex>& lock) {
  const bool is_first = !std::exchange(shared_.has_news, true);
  lock.unlock();
  if (is_first && options_.on_change) options_.on_change();
}

}  // namespace flowlens::lookup
