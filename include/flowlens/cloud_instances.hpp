/// \file
/// lookup: machines of clouds, from files that the clouds' command-line tools have written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "flowlens/fact_lister.hpp"

namespace flowlens {

struct CloudInstancesOptions {
  std::filesystem::path file;
  SiteId site;
  std::size_t max_octets = 64u << 20;  ///< larger files are refused
};

/// The answer of one of these, told apart by what is in it:
/// * `aws ec2 describe-instances`, `aws ec2 describe-network-interfaces`
/// * `az vm list -d`, `az vm list-ip-addresses`, with `-o json`
/// * `gcloud compute instances list --format json`
///
/// Facts of source cloud, origin `instances:` and the path: `name`, `cloud.*`, `cloud.tag.<key>`, and
/// `asset` with the time since when the address is the machine's. The id of the asset is derived from
/// the cloud's own of the machine, so all listings (and AwsClient) speak of the same asset.
///
/// Thread-compatible.
class CloudInstances : public FactLister {
 public:
  /// \throws ConfigError if no file is given.
  explicit CloudInstances(CloudInstancesOptions options);

  [[nodiscard]] const std::string& origin() const noexcept override { return origin_; }
  /// Reads the file anew. \throws IoError if it cannot be read or is no such answer.
  [[nodiscard]] std::vector<Fact> list(Timestamp now) override;
  /// Addresses in the file that are none, since this was made.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  CloudInstancesOptions options_;
  std::string origin_;
  std::uint64_t refused_ = 0;
};

}  // namespace flowlens
