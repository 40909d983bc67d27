#include "lookups/cloud_sources.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <stop_token>
#include <utility>

#include "flowlens/aws_client.hpp"
#include "flowlens/cloud_instances.hpp"
#include "flowlens/cloud_ranges.hpp"
#include "flowlens/error.hpp"
#include "flowlens/kubernetes_client.hpp"
#include "flowlens/kubernetes_objects.hpp"

namespace flowlensd {
namespace {

constexpr std::size_t kPage = 1'000;  // assets looked at under one lock
// Of `doctor`, which waits for one after the other.
constexpr std::chrono::seconds kAwsTimeout{10}, kAwsPatience{30}, kFirstWait{5};

/// The ranges of clouds, asked for all addresses on the map that are not private.
class RangeLister : public FactLister {
 public:
  RangeLister(std::vector<std::filesystem::path> files, const DependencyGraph* graph)
      : files_(std::move(files)), graph_(graph) {}

  const std::string& origin() const noexcept override { return origin_; }
  std::vector<Fact> list(Timestamp now) override {
    const CloudRanges ranges(files_);
    assets_ = graph_ != nullptr ? graph_->counters().assets : 0;
    std::vector<Fact> facts;
    AssetQuery query;
    query.limit = kPage;
    for (bool has_more = graph_ != nullptr; has_more;) {
      const Page<AssetRow> page = graph_->assets(query);
      for (const AssetRow& row : page.rows) add(ranges, row, now, facts);
      query.after = page.next;
      has_more = page.has_more;
    }
    return facts;
  }
  /// Whether there is more on the map than it was asked for. Any thread.
  [[nodiscard]] bool has_news() const {
    return graph_ != nullptr && graph_->counters().assets != assets_;
  }

 private:
  static void add(const CloudRanges& ranges, const AssetRow& row, Timestamp now,
                  std::vector<Fact>& out) {
    for (const HeldEndpoint& held : row.endpoints) {
      if (held.until || held.endpoint.address.is_private()) continue;
      std::vector<Fact> facts = ranges.facts(held.endpoint, now);
      std::move(facts.begin(), facts.end(), std::back_inserter(out));
    }
  }

  std::string origin_ = "ranges";
  std::vector<std::filesystem::path> files_;
  const DependencyGraph* graph_;
  std::atomic<std::uint64_t> assets_{0};  ///< on the map, last time
};

/// Of one that counts from its beginning: what came on since the last time.
class Since {
 public:
  std::uint64_t operator()(std::uint64_t count) { return count - std::exchange(last_, count); }

 private:
  std::uint64_t last_ = 0;
};

class Maker {
 public:
  Maker(const Settings& settings, const DependencyGraph* graph, std::vector<LookupSource>& out)
      : settings_(settings), graph_(graph), out_(out) {}

  void ranges() {
    std::vector<std::filesystem::path> files;
    for (const std::string& path : parts_of(settings_.cloud_range_files)) files.emplace_back(path);
    if (files.empty()) return;
    const std::filesystem::path first = files.front();
    auto lister = std::make_unique<RangeLister>(std::move(files), graph_);
    const RangeLister& ranges = *lister;
    add("cloud_ranges", std::move(lister), interval(), first);
    out_.back().has_news = [&ranges] { return ranges.has_news(); };
  }
  void instances() {
    for (const std::string& path : parts_of(settings_.cloud_instance_files)) {
      add_counting("cloud_instances",
                   std::make_unique<CloudInstances>(CloudInstancesOptions{path, {}}), interval(),
                   path);
    }
  }
  void aws() {
    if (!settings_.aws_enabled) return;
    for (const std::string& region : parts_of(settings_.aws_regions)) {
      AwsClientOptions options;
      options.region = region;
      options.credentials_file = settings_.aws_credentials_file;
      options.profile = settings_.aws_profile;
      options.endpoint = settings_.aws_endpoint;
      options.timeout = kAwsTimeout;
      options.patience = kAwsPatience;
      std::stop_source stop;
      options.stop = stop.get_token();
      add_counting("aws", std::make_unique<AwsClient>(std::move(options)),
                   std::chrono::seconds(settings_.aws_refresh_seconds));
      out_.back().stop = [stop]() mutable { stop.request_stop(); };
    }
  }
  void kubernetes_files() {
    for (const std::string& path : parts_of(settings_.kubernetes_files)) {
      add_counting("kubernetes",
                   std::make_unique<KubernetesObjects>(
                       KubernetesObjectsOptions{path, settings_.kubernetes_cluster, {}}),
                   interval(), path);
    }
  }
  void kubernetes() {
    const std::string& server = settings_.kubernetes_api_server;
    if (server.empty()) return;
    const bool is_in_cluster = server == "in_cluster";
    KubernetesClientOptions options =
        is_in_cluster ? KubernetesClientOptions::in_cluster() : KubernetesClientOptions{};
    if (!is_in_cluster) options.api_server = server;
    const auto take = [](std::filesystem::path& to, const std::string& from) {
      if (!from.empty()) to = from;
    };
    take(options.token_file, settings_.kubernetes_token_file);
    take(options.ca_file, settings_.kubernetes_ca_file);
    take(options.certificate_file, settings_.kubernetes_certificate_file);
    take(options.key_file, settings_.kubernetes_key_file);
    options.cluster = settings_.kubernetes_cluster;
    options.first_wait = kFirstWait;
    auto lister = std::make_unique<KubernetesClient>(std::move(options));
    const KubernetesClient& client = *lister;
    add("kubernetes", std::move(lister), interval());
    out_.back().has_news = [&client] { return client.has_news(); };
    out_.back().remarks = [&client, refused = Since()]() mutable {
      const KubernetesClientCounters counters = client.counters();
      return LookupRemarks{refused(counters.refused), 0, counters.left_out, {}};
    };
  }

 private:
  [[nodiscard]] std::chrono::seconds interval() const {
    return std::chrono::seconds(settings_.lookup_interval_seconds);
  }
  void add(const char* source, std::unique_ptr<FactLister> lister, std::chrono::seconds every,
           std::filesystem::path file = {}) {
    out_.push_back({source, std::move(lister), every, std::move(file)});
  }
  /// Of one that counts what it could not read.
  template <typename Lister>
  void add_counting(const char* source, std::unique_ptr<Lister> lister, std::chrono::seconds every,
                    std::filesystem::path file = {}) {
    const Lister& counts = *lister;
    add(source, std::move(lister), every, std::move(file));
    out_.back().remarks = [&counts, refused = Since()]() mutable {
      return LookupRemarks{refused(counts.refused()), 0, 0, {}};
    };
  }

  const Settings& settings_;
  const DependencyGraph* graph_;
  std::vector<LookupSource>& out_;
};

}  // namespace

std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view part = list.substr(0, comma);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return parts;
}

void add_cloud_sources(const Settings& settings, const DependencyGraph* graph,
                       std::vector<LookupSource>& out) {
  struct Row {
    std::string_view setting;
    void (Maker::*make)();
  };
  constexpr Row kRows[] = {{"enrichment.cloud.range_files", &Maker::ranges},
                           {"enrichment.cloud.instance_files", &Maker::instances},
                           {"enrichment.cloud.aws", &Maker::aws},
                           {"enrichment.kubernetes.files", &Maker::kubernetes_files},
                           {"enrichment.kubernetes.api_server", &Maker::kubernetes}};
  Maker maker(settings, graph, out);
  for (const Row& row : kRows) {
    try {
      (maker.*row.make)();
    } catch (const ConfigError& e) {
      throw ConfigError(std::string(row.setting) + ": " + e.what());
    }
  }
}

}  // namespace flowlensd
