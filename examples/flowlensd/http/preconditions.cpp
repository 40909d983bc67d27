#include "http/preconditions.hpp"

#include <string_view>
#include <vector>

#include "http/rows.hpp"

namespace flowlensd::http {
namespace {

Json said_json(const std::shared_ptr<const Annotation>& annotation) {
  const Annotation said = annotation ? *annotation : Annotation{};
  return Json::array({said.tags, said.notes, said.owner, to_string(said.criticality),
                      said.is_declared, said.is_confirmed, said.said_by, to_string(said.said_at)});
}

std::string etag(const Json& said, const std::string& map_etag) {
  const std::string text = derive_id(Id{}, text_of(said)).to_string();
  return '"' + text.substr(0, text.find('-')) + text.substr(text.rfind('-') + 1) + '.' +
         map_etag.substr(1);
}

/// Up to the part that changes with traffic.
std::string_view said_part(std::string_view tag) { return tag.substr(0, tag.find('.')); }

/// The entity tags of a header: `"a"`, `W/"b"`. What is none is left out, so it matches nothing.
std::vector<std::string_view> tags_of(std::string_view header) {
  std::vector<std::string_view> tags;
  while (true) {
    const std::size_t from = header.find('"');
    if (from == std::string_view::npos) return tags;
    const std::size_t to = header.find('"', from + 1);
    if (to == std::string_view::npos) return tags;
    const bool is_weak = from >= 2 && header.substr(from - 2, 2) == "W/";
    const std::size_t begin = is_weak ? from - 2 : from;
    tags.push_back(header.substr(begin, to + 1 - begin));
    header.remove_prefix(to + 1);
  }
}

bool matches(std::string_view header, const std::string& etag) {
  if (header == "*") return true;
  for (const std::string_view tag : tags_of(header)) {
    if (said_part(tag) == said_part(etag)) return true;
  }
  return false;
}

}  // namespace

std::string row_etag(const AssetRow& row, const std::string& map_etag) {
  Json held = Json::array();
  for (const HeldEndpoint& e : row.endpoints) {
    if (!e.until) held.push_back(e.endpoint.address.to_string());
  }
  return etag(Json::array({row.id.to_string(), row.name, row.asset_type, to_string(row.type_source),
                           std::move(held), said_json(row.annotation)}),
              map_etag);
}

std::string row_etag(const DependencyRow& row, const std::string& map_etag) {
  return etag(Json::array({row.id.to_string(), said_json(row.annotation)}), map_etag);
}

void check_preconditions(const Request& request, const std::string& etag) {
  const std::string_view wanted = request.header("if-match");
  const std::string_view unwanted = request.header("if-none-match");
  if (!wanted.empty() && !matches(wanted, etag)) {
    throw Problem{412,
                  "Precondition failed",
                  "If-Match: it has changed since it had this ETag; read it again",
                  {{"ETag", etag}}};
  }
  if (!unwanted.empty() && matches(unwanted, etag)) {
    throw Problem{
        412, "Precondition failed", "If-None-Match: it is there with this ETag", {{"ETag", etag}}};
  }
}

}  // namespace flowlensd::http
