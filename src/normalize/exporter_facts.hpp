/// \file
/// normalize: what exporters say about themselves in options: sampling rates, boot times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/hash.hpp"
#include "base/lru_table.hpp"
#include "flowlens/diagnostic.hpp"
#include "flowlens/record.hpp"

namespace flowlens::normalize {

/// Facts are kept by exporter address and observation domain, sampling rates by sampler too.
///
/// Thread-compatible. At the bound what was used longest ago goes.
class ExporterFacts {
 public:
  struct Domain {
    std::uint32_t sampling_rate = 0;       ///< 0: not told
    std::optional<std::uint64_t> boot_ms;  ///< element 160, since 1970
  };

  explicit ExporterFacts(std::size_t max_entries) : domains_(max_entries), samplers_(max_entries) {}

  /// Takes what the records of an options template say.
  /// \throws std::bad_alloc
  void learn(const DataSet& set);

  /// Of a domain; the one asked last is at hand.
  [[nodiscard]] const Domain& domain(const IpAddress& exporter, std::uint32_t domain) noexcept;
  /// \return 0 if the sampler's rate was not told.
  [[nodiscard]] std::uint32_t rate_of(const IpAddress& exporter, std::uint32_t domain,
                                      std::uint64_t sampler) noexcept;
  /// Rates held.
  [[nodiscard]] std::uint64_t rates() const noexcept;

  [[nodiscard]] std::vector<std::byte> save() const;
  Diagnostic load(std::span<const std::byte> state) noexcept;

 private:
  struct Key {
    IpAddress exporter;
    std::uint32_t domain = 0;
    std::uint64_t sampler = 0;  ///< 0 for the domain's own facts
    friend bool operator==(const Key&, const Key&) noexcept = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& k) const noexcept {
      return base::mix(base::hash_of(k.exporter, k.domain), k.sampler);
    }
  };

  void learn(const DataSet& set, const Record& record);

  base::LruTable<Key, Domain, KeyHash> domains_;
  base::LruTable<Key, std::uint32_t, KeyHash> samplers_;
  Key last_key_;
  Domain last_{};
  bool has_last_ = false;
};

}  // namespace flowlens::normalize
