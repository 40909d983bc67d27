#include "flowlens/hosts_file.hpp"

#include <algorithm>

#include "lookup/address_names.hpp"
#include "lookup/fact_sheet.hpp"

namespace flowlens {

namespace {

/// \return empty at the end.
std::string_view take_word(std::string_view& line) noexcept {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

void take_names(const IpAddress& address, std::string_view line, std::size_t number,
                lookup::AddressNames& names, lookup::FactSheet& sheet) {
  std::string_view word = take_word(line);
  if (word.empty()) sheet.broken(number, "there is no name behind the address");
  for (; !word.empty(); word = take_word(line)) {
    const std::string_view name = lookup::host_name(word);
    if (name.empty()) return sheet.broken(number, lookup::shown(word) + " is no host name");
    names.add(address, name, false, number, sheet);
  }
}

}  // namespace

void HostsFile::read(std::string_view text, lookup::FactSheet& sheet) {
  lookup::AddressNames names;
  lookup::Lines lines{text};
  for (std::string_view line; lines.next(line);) {
    if (line.size() > sheet.options().max_line) {
      sheet.broken(lines.number(), "the line is too long");
      continue;
    }
    line = line.substr(0, line.find('#'));
    const std::string_view word = take_word(line);
    if (word.empty()) continue;
    // `fe80::1%lo0`: a link-local address on one interface.
    const auto address = IpAddress::parse(word.substr(0, word.find('%')));
    if (address) {
      take_names(*address, line, lines.number(), names, sheet);
    } else {
      sheet.broken(lines.number(),
                   lookup::shown(word) + " is no address; a line is `address name`");
    }
  }
  names.tell(FactSource::inventory, sheet);
}

}  // namespace flowlens
