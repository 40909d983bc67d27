/// \file
/// lookup: zones of the DNS as name servers keep them in files.
#pragma once

#include <string>
#include <string_view>

#include "flowlens/fact_file.hpp"

namespace flowlens {

/// A master file (RFC 1035 §5, RFC 2308 §4): A, AAAA and PTR records of class IN give names; all others
/// are passed over. A PTR's name is the `name` of its address, else the first A or AAAA record's; further
/// ones together are `aliases`. Source `dns`.
///
/// `$INCLUDE` reaches files in the directory of the first file and below, 8 deep, 1,000 in all.
/// `$GENERATE` of BIND's is not known, and counted as broken. Thread-compatible.
class ZoneFile final : public FactFile {
 public:
  /// \param zone  where the file begins, as name servers are told in their configuration. Empty: as
  ///   `$ORIGIN` says, or the file's name: `example.com.zone`, `db.example.com`, `example.com.db`.
  /// \throws ConfigError as FactFile does, or if `zone` is no domain name.
  explicit ZoneFile(const FactFileOptions& options, std::string_view zone = {});

 private:
  void read(std::string_view text, lookup::FactSheet& sheet) override;

  std::string zone_;  ///< without a point at the end; empty: not known
};

}  // namespace flowlens
