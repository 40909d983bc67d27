/// \file
/// lookup/curl: pods, services and nodes of a Kubernetes cluster, as its API server tells of them. Of
/// flowlens::lookup, built with FLOWLENS_WITH_CURL.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flowlens/fact_lister.hpp"

namespace flowlens {

struct KubernetesClientOptions {
  std::string api_server;  ///< `https://10.0.0.1:6443`
  std::string token;       ///< a bearer token, or
  std::filesystem::path
      token_file;  ///< its file, read anew for each request, as it is renewed there
  std::filesystem::path certificate_file, key_file;  ///< of a client, PEM
  std::filesystem::path ca_file;                     ///< empty: whom the system trusts
  std::string cluster;                               ///< `kubernetes.cluster` of all; may be empty
  std::string name_space;  ///< empty: all; nodes are in none and always all
  bool with_pods = true, with_services = true, with_nodes = true;
  SiteId site;
  std::chrono::milliseconds timeout{30'000};  ///< of each page of a list, and of a connection
  std::chrono::seconds watch_time{300};       ///< after which the server is to end a watch
  std::chrono::milliseconds first_wait{
      10'000};                                 ///< of list() until all is known for the first time
  std::chrono::milliseconds first_pause{500};  ///< after trouble; doubled each time
  std::chrono::milliseconds longest_pause{60'000};
  std::size_t page_size = 500;
  std::size_t max_page_octets = 64u << 20;  ///< of a page of a list; larger ones are an error
  std::size_t max_line_octets =
      4u << 20;                       ///< of an event of a watch; after a longer one all is listed
  std::size_t max_objects = 200'000;  ///< of each kind; further ones are left out and counted
  std::chrono::minutes remember{60};  ///< how long it is said who held an address before
  /// Called by a thread of the client once there is news since the last list(). Must not wait, nor call
  /// the client.
  std::function<void()> on_change{};

  /// The options of who runs in a pod: the server of the environment (KUBERNETES_SERVICE_HOST and
  /// _PORT), token and CA of the service account. \throws ConfigError if this is no pod.
  static KubernetesClientOptions in_cluster();
};

struct KubernetesClientCounters {
  std::uint64_t lists = 0;     ///< that came to an end
  std::uint64_t events = 0;    ///< of watches
  std::uint64_t failures = 0;  ///< lists and watches that broke off
  std::uint64_t refused =
      0;  ///< events and objects that could not be read, addresses that are none
  std::uint64_t left_out = 0;  ///< objects past the limit
  std::uint64_t objects = 0;   ///< known now
};

/// Lists what there is, then watches it: a thread for each kind, from construction to destruction. The
/// facts are those of KubernetesObjects, with origin `kubernetes:` and the server.
///
/// When a watch breaks off it is taken up where it ended; where the server no longer knows that place
/// (410 Gone), or an event could not be read, all is listed anew. Needs a role with `list` and `watch` of
/// the three kinds and no other.
///
/// Thread-safe.
class KubernetesClient : public FactLister {
 public:
  /// \throws ConfigError for a server that is no URL with TLS (but on this machine), two tokens, a
  ///   certificate without key, or a limit of nothing.
  explicit KubernetesClient(KubernetesClientOptions options);
  ~KubernetesClient() override;  ///< within two seconds

  [[nodiscard]] const std::string& origin() const noexcept override;
  /// What is known now; at first it waits for it. \throws IoError while a kind cannot be listed or
  /// watched: with path, status, and what would help.
  [[nodiscard]] std::vector<Fact> list(Timestamp now) override;
  /// Whether list() would say something else than it said last.
  [[nodiscard]] bool has_news() const;
  [[nodiscard]] KubernetesClientCounters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
