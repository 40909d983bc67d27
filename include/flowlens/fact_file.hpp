/// \file
/// lookup: files of facts: what those that read inventories, hosts, zones and leases have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/endpoint.hpp"
#include "flowlens/fact_lister.hpp"

namespace flowlens {

namespace lookup {
class FactSheet;
}

struct FactFileOptions {
  std::filesystem::path path;
  SiteTable sites{};                                ///< the map's
  SiteId site{};                                    ///< of the addresses in the file
  std::size_t max_octets = std::size_t{256} << 20;  ///< of the file; a larger one is refused
  std::size_t max_line = 65'536;      ///< octets of a line or row; a longer one is broken
  std::size_t max_facts = 1'000'000;  ///< past it they are left out and counted
};

/// What the last list() came to.
struct FactFileReport {
  std::uint64_t facts = 0;
  std::uint64_t broken = 0;  ///< lines, rows and values that are not as they should be
  std::uint64_t passed_over =
      0;                     ///< rows that are sound, of which nothing is used, such as 127.0.0.1
  std::uint64_t beyond = 0;  ///< facts past `max_facts`
  std::string first_error;   ///< of `broken`: file, line, what. Printable ASCII.
};

/// A file that is read as a whole each time. A line that is broken costs itself only, where the format
/// allows. Texts with control characters, or that are no UTF-8, are broken; addresses that many machines
/// have (loopback, link-local) and those that are nobody's (multicast, 0.0.0.0) are passed over.
///
/// Thread-compatible.
class FactFile : public FactLister {
 public:
  /// `kind:path`
  [[nodiscard]] const std::string& origin() const noexcept final { return origin_; }
  /// \throws IoError if the file is none, cannot be read or is too large, or if all of it is broken.
  [[nodiscard]] std::vector<Fact> list(Timestamp now) final;
  [[nodiscard]] const FactFileReport& report() const noexcept { return report_; }

 protected:
  /// \throws ConfigError for an empty path, one too long for an origin, or a limit of 0.
  FactFile(std::string_view kind, const FactFileOptions& options);

 private:
  /// Reads `text` into `sheet`. \throws IoError where the rest of it cannot be understood.
  virtual void read(std::string_view text, lookup::FactSheet& sheet) = 0;

  FactFileOptions options_;
  std::string origin_;
  FactFileReport report_;
};

}  // namespace flowlens
