#include "flowlens/kubernetes_client.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <thread>
#include <utility>

#include "flowlens/error.hpp"
#include "lookup/curl/kubernetes_watch.hpp"
#include "lookup/curl/server.hpp"

namespace flowlens {

namespace {

using lookup::KubernetesKind;
using lookup::KubernetesShared;

void check(const KubernetesClientOptions& o) {
  lookup::require_tls(o.api_server, "the API server of Kubernetes");
  if (!o.token.empty() && !o.token_file.empty()) {
    throw ConfigError("a token of Kubernetes is given twice: by itself and by its file");
  }
  if (o.token.find_first_of("\r\n") != std::string::npos) {
    throw ConfigError("a token of Kubernetes has one line");
  }
  if (o.certificate_file.empty() != o.key_file.empty()) {
    throw ConfigError("a certificate for Kubernetes needs its key, and a key its certificate");
  }
  if (!o.with_pods && !o.with_services && !o.with_nodes) {
    throw ConfigError("of Kubernetes' pods, services and nodes none is wanted");
  }
  if (o.page_size == 0 || o.max_objects == 0 || o.watch_time.count() <= 0 ||
      o.timeout.count() <= 0 || o.first_pause.count() <= 0) {
    throw ConfigError("a limit or time for Kubernetes is 0");
  }
}

}  // namespace

KubernetesClientOptions KubernetesClientOptions::in_cluster() {
  const char* const host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* const port = std::getenv("KUBERNETES_SERVICE_PORT");
  const std::filesystem::path account = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::error_code error;
  if (host == nullptr || port == nullptr || !std::filesystem::exists(account / "token", error)) {
    throw ConfigError("this is no pod: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT or " +
                      (account / "token").string() + " is missing");
  }
  const bool is_v6 = std::string_view(host).find(':') != std::string_view::npos;
  KubernetesClientOptions options;
  options.api_server =
      std::string("https://") + (is_v6 ? "[" : "") + host + (is_v6 ? "]" : "") + ":" + port;
  options.token_file = account / "token";
  options.ca_file = account / "ca.crt";
  return options;
}

struct KubernetesClient::Impl {
  explicit Impl(KubernetesClientOptions o)
      : options(std::move(o)),
        origin("kubernetes:" + options.api_server),
        shared({.cluster = options.cluster,
                .max_objects = options.max_objects,
                .remember = options.remember}) {}

  void watch(KubernetesKind kind);
  [[nodiscard]] bool is_known() const;
  [[nodiscard]] std::string trouble() const;

  KubernetesClientOptions options;
  std::string origin;
  KubernetesShared shared;
  std::vector<std::jthread> threads{};  ///< last, so that they end first
};

void KubernetesClient::Impl::watch(KubernetesKind kind) {
  shared.kinds[static_cast<std::size_t>(kind)].is_wanted = true;
  threads.emplace_back([this, kind](const std::stop_token& stop) {
    lookup::KubernetesWatch(kind, options, shared).run(stop);
  });
}

/// Or known to be in trouble.
bool KubernetesClient::Impl::is_known() const {
  return std::all_of(std::begin(shared.kinds), std::end(shared.kinds), [](const auto& kind) {
    return !kind.is_wanted || kind.is_listed || !kind.trouble.empty();
  });
}

std::string KubernetesClient::Impl::trouble() const {
  for (const KubernetesShared::Kind& kind : shared.kinds) {
    if (!kind.trouble.empty()) return kind.trouble;
    if (kind.is_wanted && !kind.is_listed) return options.api_server + ": has not answered yet";
  }
  return {};
}

KubernetesClient::KubernetesClient(KubernetesClientOptions options) {
  while (options.api_server.ends_with('/')) options.api_server.pop_back();
  check(options);
  impl_ = std::make_unique<Impl>(std::move(options));
  // Before any of them may be listed, it has to be known which are to be.
  if (impl_->options.with_pods) impl_->watch(KubernetesKind::pod);
  if (impl_->options.with_services) impl_->watch(KubernetesKind::service);
  if (impl_->options.with_nodes) impl_->watch(KubernetesKind::node);
}

KubernetesClient::~KubernetesClient() {
  for (std::jthread& thread : impl_->threads) thread.request_stop();
}

const std::string& KubernetesClient::origin() const noexcept { return impl_->origin; }

std::vector<Fact> KubernetesClient::list(Timestamp now) {
  std::unique_lock lock(impl_->shared.mutex);
  impl_->shared.is_known.wait_for(lock, impl_->options.first_wait,
                                  [this] { return impl_->is_known(); });
  // Also where there is trouble: its end is news.
  impl_->shared.has_news = false;
  const std::string trouble = impl_->trouble();
  if (!trouble.empty()) throw IoError(trouble);
  return impl_->shared.book.facts({impl_->options.site, FactSource::inventory, impl_->origin, now});
}

bool KubernetesClient::has_news() const {
  const std::unique_lock lock(impl_->shared.mutex);
  return impl_->shared.has_news;
}

KubernetesClientCounters KubernetesClient::counters() const {
  const std::unique_lock lock(impl_->shared.mutex);
  KubernetesClientCounters counters = impl_->shared.counters;
  counters.left_out = impl_->shared.book.left_out();
  counters.objects = impl_->shared.book.size();
  return counters;
}

}  // namespace flowlens
