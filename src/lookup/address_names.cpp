#include "lookup/address_names.hpp"

#include <algorithm>

namespace flowlens::lookup {

void AddressNames::add(const IpAddress& address, std::string_view name, bool is_proper,
                       std::size_t line, FactSheet& sheet) {
  constexpr std::size_t kMostNames = 64;  // of one address
  if (!is_of_one_machine(address)) return sheet.pass_over();
  if (known_.size() >= sheet.options().max_facts && !known_.contains(address)) {
    return sheet.leave_out();
  }
  Names& names = known_[address];
  const auto found = std::find(names.all.begin(), names.all.end(), name);
  if (found == names.all.end() && names.all.size() >= kMostNames) return sheet.leave_out();
  const bool goes_first = names.all.empty() || (is_proper && !names.is_proper);
  if (goes_first) {
    names.is_proper = is_proper;
    names.line = line;
  }
  if (found == names.all.end()) {
    names.all.insert(goes_first ? names.all.begin() : names.all.end(), std::string(name));
  } else if (goes_first) {
    std::rotate(names.all.begin(), found, found + 1);
  }
}

void AddressNames::tell(FactSource source, FactSheet& sheet) const {
  for (const auto& [address, names] : known_) {
    const Fact fact = sheet.about(address, source);
    sheet.add(fact, "name", names.all.front(), names.line);
    sheet.add(fact, "aliases", joined(names.all, 1), names.line);
  }
}

}  // namespace flowlens::lookup
