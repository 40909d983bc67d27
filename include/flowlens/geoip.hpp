/// \file
/// lookup: where addresses are and whom they belong to, from files in MaxMind's DB format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flowlens/endpoint.hpp"
#include "flowlens/fact.hpp"
#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"

namespace flowlens {

/// What a file tells of an address; what it does not tell is empty. Text is UTF-8, names in English.
struct GeoRecord {
  std::string continent;     ///< two letters
  std::string country;       ///< ISO 3166-1, two letters: where it is, or else is registered
  std::string country_name;  ///< of `country`
  std::string region;        ///< ISO 3166-2 without the country, of the largest subdivision
  std::string city;
  std::optional<double> latitude, longitude;  ///< degrees
  std::uint32_t as_number = 0;                ///< 0: not told
  std::string as_organization;
  friend bool operator==(const GeoRecord&, const GeoRecord&) = default;
};

enum class GeoStatus : std::uint8_t {
  found,
  unknown,  ///< the file has no record of the address
  damaged   ///< the file is not sound where the record should be
};

struct GeoAnswer {
  GeoStatus status = GeoStatus::unknown;
  GeoRecord record;  ///< empty unless found
};

/// What a record tells, as facts of origin `geoip`: `country`, `region`, `city`, `as_number`,
/// `as_organization`. A guess from the address: source `inferred`.
[[nodiscard]] std::vector<Fact> geo_facts(const GeoRecord& record, const Endpoint& endpoint,
                                          Timestamp now);

/// One file, of whatever kind: countries, cities, autonomous systems. It is mapped into memory; put a
/// new one in its place by renaming, never by writing over it.
///
/// Thread-safe: immutable.
class GeoDatabase {
 public:
  /// \throws IoError if the file cannot be read or is no such database.
  explicit GeoDatabase(const std::filesystem::path& path);
  ~GeoDatabase();
  GeoDatabase(GeoDatabase&&) noexcept;
  GeoDatabase& operator=(GeoDatabase&&) noexcept;

  /// Some tenths of a microsecond; waits for nothing but the disk, at first. \throws std::bad_alloc
  [[nodiscard]] GeoAnswer find(const IpAddress& address) const;

  /// Whether no node of the search tree leads to a damaged place; of a large file some thousands are
  /// looked at, spread over all. Takes some milliseconds.
  [[nodiscard]] bool seems_sound() const;

  [[nodiscard]] const std::string& type() const noexcept;  ///< such as `GeoLite2-ASN`
  [[nodiscard]] Timestamp built() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
