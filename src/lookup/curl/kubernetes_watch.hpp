/// \file
/// lookup/curl: one kind of objects of a cluster, listed and watched.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "flowlens/kubernetes_client.hpp"
#include "lookup/curl/http.hpp"
#include "lookup/kubernetes_book.hpp"

namespace flowlens::lookup {

/// What the threads of a client share.
struct KubernetesShared {
  explicit KubernetesShared(KubernetesBook::Options options) : book(std::move(options)) {}

  std::mutex mutex;
  std::condition_variable is_known;
  KubernetesBook book;
  KubernetesClientCounters counters;
  bool has_news = false;  ///< and on_change was called
  struct Kind {
    bool is_wanted = false;
    bool is_listed = false;
    std::string trouble;  ///< empty while all is well
  };
  Kind kinds[kKubernetesKinds];
};

class KubernetesWatch {
 public:
  /// All outlive it.
  KubernetesWatch(KubernetesKind kind, const KubernetesClientOptions& options,
                  KubernetesShared& shared);

  /// Until asked to stop.
  void run(const std::stop_token& stop);

 private:
  enum class Outcome { ended, broken, gone };

  void list(const std::stop_token& stop);
  Outcome watch(const std::stop_token& stop);
  bool take(std::string_view piece);
  bool take_line(std::string_view line);
  bool take_event(std::string_view type, const Json& object);
  void fail(const std::string& why);
  void tell_news(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] HttpRequest request(const std::string& query, const std::stop_token& stop) const;

  KubernetesKind kind_;
  const KubernetesClientOptions& options_;
  KubernetesShared& shared_;
  KubernetesShared::Kind& state_;
  std::string path_;
  Http http_;
  std::string version_;  ///< from which to watch; empty: list first
  std::string rest_;     ///< of a line of the watch
  std::string broken_;   ///< why the watch cannot go on
  bool is_gone_ = false;
  bool has_events_ = false;
};

}  // namespace flowlens::lookup
