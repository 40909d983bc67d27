#include "lookup/range_file.hpp"

#include <algorithm>
#include <utility>

#include "flowlens/error.hpp"
#include "lookup/json_file.hpp"

namespace flowlens::lookup {

namespace {

constexpr std::string_view kBlanks = " \t\r";

void add(RangeFile& file, std::string_view network, const CloudRange& says) {
  if (const auto prefix = IpPrefix::parse(network)) {
    file.entries.push_back({*prefix, says});
  } else {
    ++file.refused;
  }
}

/// The names of members that may hold the network.
std::string_view network_of(const Json& entry, std::string_view v4, std::string_view v6) {
  const std::string_view network = text_of(entry, v4);
  return network.empty() ? text_of(entry, v6) : network;
}

RangeFile read_aws(const Json& document) {
  RangeFile file;
  CloudRange says;
  says.provider = "aws";
  for (const char* list : {"prefixes", "ipv6_prefixes"}) {
    for (const Json& entry : list_of(document, list)) {
      says.region = text_of(entry, "region");
      if (says.region == "GLOBAL") says.region.clear();
      says.service = text_of(entry, "service");
      if (says.service == "AMAZON") says.service.clear();  // all of them
      add(file, network_of(entry, "ip_prefix", "ipv6_prefix"), says);
    }
  }
  return file;
}

/// `Storage` of `Storage.WestEurope`, unless the tag says by itself which service it is.
std::string_view azure_service(const Json& tag, const Json& properties) {
  const std::string_view service = text_of(properties, "systemService");
  if (!service.empty()) return service;
  const std::string_view name = text_of(tag, "name");
  const std::string_view front = name.substr(0, name.find('.'));
  return front == "AzureCloud" ? std::string_view() : front;
}

RangeFile read_azure(const Json& document) {
  RangeFile file;
  CloudRange says;
  says.provider = "azure";
  for (const Json& tag : list_of(document, "values")) {
    const Json& properties = member(tag, "properties");
    says.region = text_of(properties, "region");
    says.service = azure_service(tag, properties);
    for (const Json& network : list_of(properties, "addressPrefixes")) {
      add(file, network.is_string() ? network.get_ref<const std::string&>() : std::string(), says);
    }
  }
  return file;
}

RangeFile read_google(const Json& document) {
  RangeFile file;
  for (const Json& entry : list_of(document, "prefixes")) {
    CloudRange says;
    const std::string_view service = text_of(entry, "service");
    says.provider = service.empty() ? "google" : "gcp";
    if (service != "Google Cloud") says.service = service;
    says.region = text_of(entry, "scope");
    if (says.region == "global") says.region.clear();
    add(file, network_of(entry, "ipv4Prefix", "ipv6Prefix"), says);
  }
  return file;
}

RangeFile read_cloudflare(const Json& document) {
  RangeFile file;
  CloudRange says;
  says.provider = "cloudflare";
  const Json& result = member(document, "result");
  for (const char* list : {"ipv4_cidrs", "ipv6_cidrs"}) {
    for (const Json& network : list_of(result, list)) {
      add(file, network.is_string() ? network.get_ref<const std::string&>() : std::string(), says);
    }
  }
  return file;
}

/// The first line has to be a network, or else it is some other text.
RangeFile read_text(std::string_view content, const std::string& name) {
  RangeFile file;
  CloudRange says;
  says.provider = "cloudflare";
  std::size_t number = 0;
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    std::string_view line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    ++number;
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    line = line.substr(0, line.find_last_not_of(kBlanks) + 1);
    if (line.empty() || line.front() == '#') continue;
    add(file, line, says);
    if (file.entries.empty()) {
      throw IoError(name + ":" + std::to_string(number) +
                    ": is no network such as 198.51.100.0/24, and the file is none of the JSON of "
                    "AWS, Azure, Google or Cloudflare either");
    }
  }
  if (file.entries.empty()) throw IoError(name + ": has no network");
  return file;
}

/// Google's list has no more in common with Amazon's than its name.
RangeFile read_prefixes(const Json& document) {
  const Json& list = list_of(document, "prefixes");
  const bool is_google = std::any_of(list.begin(), list.end(), [](const Json& entry) {
    return !network_of(entry, "ipv4Prefix", "ipv6Prefix").empty();
  });
  return is_google ? read_google(document) : read_aws(document);
}

}  // namespace

RangeFile read_ranges(std::string_view content, const std::string& name) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  const std::size_t first = content.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) throw IoError(name + ": is empty");
  if (content[first] != '{' && content[first] != '[') return read_text(content, name);
  const Json document = parse_json(content, name);
  RangeFile file;
  if (member(document, "prefixes").is_array()) {
    file = read_prefixes(document);
  } else if (member(document, "values").is_array()) {
    file = read_azure(document);
  } else if (member(member(document, "result"), "ipv4_cidrs").is_array()) {
    file = read_cloudflare(document);
  } else {
    throw IoError(name +
                  ": is none of the lists of ranges of AWS (prefixes), Azure (values), "
                  "Google (prefixes) or Cloudflare (result.ipv4_cidrs)");
  }
  if (file.entries.empty()) throw IoError(name + ": has no network");
  return file;
}

}  // namespace flowlens::lookup
