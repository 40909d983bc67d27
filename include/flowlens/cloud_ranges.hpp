/// \file
/// lookup: which cloud an address belongs to, from the lists of ranges that providers publish.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "flowlens/fact.hpp"
#include "flowlens/ip_address.hpp"

namespace flowlens {

/// What the lists say of an address; what they do not say is empty.
struct CloudRange {
  std::string provider;  ///< `aws`, `azure`, `gcp`, `google` (not of its cloud) or `cloudflare`
  std::string region;   ///< in the provider's words: `eu-west-1`, `westeurope`; empty: none, or all
  std::string service;  ///< such as `S3`; several with commas between, in alphabetical order
  std::string origin;   ///< `ranges:` and the file's name, without its folder
  friend bool operator==(const CloudRange&, const CloudRange&) = default;
};

struct CloudRangesOptions {
  std::size_t max_ranges = 1'000'000;  ///< of all files; further ones are left out and counted
  std::size_t max_octets = 64u << 20;  ///< of a file; larger ones are refused
};

/// The ranges of all files. Of several ranges around an address the smallest counts; what it does not
/// say, the next larger one of the same provider does. Kinds are told apart by what is in the file:
/// * AWS, ip-ranges.json;
/// * Azure, ServiceTags_*.json;
/// * Google, cloud.json and goog.json;
/// * Cloudflare, its API's answer, or any text with one network a line.
///
/// Thread-safe: immutable. For new files make a new one.
class CloudRanges {
 public:
  /// \throws IoError if a file cannot be read or is of no such kind.
  explicit CloudRanges(std::span<const std::filesystem::path> files,
                       const CloudRangesOptions& options = {});
  ~CloudRanges();
  CloudRanges(CloudRanges&&) noexcept;
  CloudRanges& operator=(CloudRanges&&) noexcept;

  /// Some tens of nanoseconds. \return null if no range has it. Valid as long as this is.
  [[nodiscard]] const CloudRange* find(const IpAddress& address) const noexcept;
  /// What find() finds, as `cloud.provider`, `cloud.region` and `cloud.service`.
  [[nodiscard]] std::vector<Fact> facts(const Endpoint& subject, Timestamp now) const;

  [[nodiscard]] std::size_t size() const noexcept;  ///< ranges
  /// Entries that are no network, or found no room.
  [[nodiscard]] std::uint64_t refused() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
