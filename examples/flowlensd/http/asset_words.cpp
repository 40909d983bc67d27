#include "http/asset_words.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "http/body.hpp"
#include "http/said_by.hpp"

namespace flowlensd::http {

DependencyGraph& map_of(const Service& s) {
  if (s.map != nullptr) return *s.map;
  throw Problem{503, "Not available", "this process does not write the map"};
}

void no_room() {
  throw Problem{507, "Insufficient storage", "the map has no room for more that people say"};
}

std::vector<std::string> tags_of(const Json& list, const char* name) {
  const std::string is_wrong = std::string(name) + ": give a list of at most " +
                               std::to_string(kMostTags) + " texts of 1 to " +
                               std::to_string(kLongestTag) + " octets without commas";
  if (!list.is_array() || list.size() > kMostTags) bad_body(is_wrong);
  std::vector<std::string> tags;
  for (const Json& item : list) {
    if (!item.is_string() || !is_valid_tag(item.get<std::string>())) bad_body(is_wrong);
    tags.push_back(item.get<std::string>());
  }
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

std::string bounded_text(std::string text, const char* name, std::size_t longest) {
  if (text.size() <= longest) return text;
  bad_body(std::string(name) + ": give at most " + std::to_string(longest) + " octets");
}

void take_words(const Request& request, const Json& body, Annotation& said) {
  if (body.contains("tags")) said.tags = tags_of(body["tags"], "tags");
  if (auto notes = optional_text_member(body, "notes")) {
    said.notes = bounded_text(std::move(*notes), "notes", kLongestNotes);
  }
  if (auto owner = optional_text_member(body, "owner")) {
    said.owner = bounded_text(std::move(*owner), "owner", kLongestOwner);
  }
  if (const auto text = optional_text_member(body, "criticality")) {
    const auto criticality = text->empty() ? Criticality::unknown : parse_criticality(*text);
    if (!criticality) {
      bad_body("criticality: `" + *text + "` is none; give unknown, low, medium, high or critical");
    }
    said.criticality = *criticality;
  }
  said.is_confirmed = flag_member(body, "confirmed", said.is_confirmed);
  said.said_by = bounded_text(said_by_anyone(request, body), "by", kLongestOwner);
  said.said_at = std::chrono::system_clock::now();
}

std::vector<Endpoint> endpoints_member(const Json& body, const Service& s) {
  if (!body.contains("endpoints") || !body["endpoints"].is_array() || body["endpoints"].empty() ||
      body["endpoints"].size() > kMostEndpoints) {
    bad_body("endpoints: give a list of 1 to " + std::to_string(kMostEndpoints));
  }
  std::vector<Endpoint> endpoints;
  for (const Json& item : body["endpoints"]) {
    const Endpoint endpoint = endpoint_of(item, s.graph.sites());
    if (endpoint.address.is_unspecified()) bad_body("endpoints: the address is unspecified");
    if (std::find(endpoints.begin(), endpoints.end(), endpoint) == endpoints.end()) {
      endpoints.push_back(endpoint);
    }
  }
  return endpoints;
}

}  // namespace flowlensd::http
