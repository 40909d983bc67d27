/// \file
/// lookup: /etc/hosts and files like it.
#pragma once

#include <string_view>

#include "flowlens/fact_file.hpp"

namespace flowlens {

/// Lines of an address, a name and further names (hosts(5)). The first name of an address is its `name`,
/// all others together are `aliases`. Source `inventory`: people wrote it, and it goes before the DNS on
/// their machines, too. Thread-compatible.
class HostsFile final : public FactFile {
 public:
  /// \throws ConfigError as FactFile does.
  explicit HostsFile(const FactFileOptions& options) : FactFile("hosts", options) {}

 private:
  void read(std::string_view text, lookup::FactSheet& sheet) override;
};

}  // namespace flowlens
