/// \file
/// lookup: pods, services and nodes of a Kubernetes cluster, from files that kubectl has written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "flowlens/fact_lister.hpp"

namespace flowlens {

struct KubernetesObjectsOptions {
  std::filesystem::path file;
  std::string cluster;  ///< `kubernetes.cluster` of all; may be empty
  SiteId site;
  std::size_t max_octets = 256u << 20;  ///< larger files are refused
};

/// What `kubectl get pods,services,nodes --all-namespaces -o json` prints; any of the three will do.
///
/// Facts of source inventory, origin `kubernetes:` and the path: `name`, `kubernetes.*`, of nodes also
/// what is known of their machine, and `asset` since the object was started. Its id is derived from the
/// object's uid; a node in EC2 is the asset that EC2's listings speak of. Pods in the network of their
/// node are no assets, and pods that have ended only say whose their address was.
///
/// Thread-compatible.
class KubernetesObjects : public FactLister {
 public:
  /// \throws ConfigError if no file is given.
  explicit KubernetesObjects(KubernetesObjectsOptions options);

  [[nodiscard]] const std::string& origin() const noexcept override { return origin_; }
  /// Reads the file anew. \throws IoError if it cannot be read or is no list of Kubernetes objects.
  [[nodiscard]] std::vector<Fact> list(Timestamp now) override;
  /// Objects without uid and addresses that are none, since this was made.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  KubernetesObjectsOptions options_;
  std::string origin_;
  std::uint64_t refused_ = 0;
};

}  // namespace flowlens
