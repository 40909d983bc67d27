#include "config/exporter_list.hpp"

#include <string>

namespace flowlensd {
namespace {

IpAddress last_of(const IpPrefix& prefix) {
  auto octets = prefix.address.octets();
  for (std::size_t bit = prefix.length; bit < 128; ++bit) {
    octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] | 0x80u >> bit % 8);
  }
  return IpAddress::v6(octets);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

ExporterList::ExporterList(const std::vector<IpPrefix>& prefixes) {
  std::vector<Range> all;
  for (const IpPrefix& prefix : prefixes) all.push_back({prefix.address, last_of(prefix)});
  std::sort(all.begin(), all.end(), [](const Range& a, const Range& b) {
    return std::pair{a.first, b.last} < std::pair{b.first, a.last};
  });
  // Prefixes lie in each other or apart: the first of those that share an end holds the others.
  for (const Range& range : all) {
    if (ranges_.empty() || ranges_.back().last < range.first) ranges_.push_back(range);
  }
}

ExporterList parse_exporter_list(std::string_view list) {
  std::vector<IpPrefix> prefixes;
  while (!trimmed(list).empty()) {
    const std::string_view part = trimmed(list.substr(0, list.find(',')));
    const auto prefix = IpPrefix::parse(part);
    if (!prefix) {
      throw ConfigError("ingestion.allowed_exporters: `" + std::string(part) +
                        "` is not valid; give addresses or prefixes such as 10.0.0.5 or "
                        "10.0.0.0/24, with commas between");
    }
    prefixes.push_back(*prefix);
    list.remove_prefix(std::min(list.find(','), list.size() - 1) + 1);
  }
  return ExporterList(prefixes);
}

}  // namespace flowlensd
