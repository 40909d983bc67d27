/// \file
/// lookup: the names of addresses, where a file may give one many.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/fact.hpp"
#include "lookup/fact_sheet.hpp"

namespace flowlens::lookup {

/// One name of each address is its `name`, all others together are `aliases`.
class AddressNames {
 public:
  /// \param is_proper  whether it goes before those that are not (of equals, the first wins).
  void add(const IpAddress& address, std::string_view name, bool is_proper, std::size_t line,
           FactSheet& sheet);
  void tell(FactSource source, FactSheet& sheet) const;

 private:
  struct Names {
    std::vector<std::string> all;  ///< the first is the name
    bool is_proper = false;
    std::size_t line = 0;
  };
  std::map<IpAddress, Names> known_;
};

}  // namespace flowlens::lookup
