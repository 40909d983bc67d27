#include "http/lists.hpp"

#include <algorithm>

#include "http/parameters.hpp"

namespace flowlensd::http {
namespace {

[[noreturn]] void bad(const std::string& detail) {
  throw Problem{400, "Bad query parameter", detail};
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    parts.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return parts;
}

}  // namespace

ListPlace list_place(const Request& request, const Service& s) {
  ListPlace place;
  place.limit = number_parameter(request, "page_size", s.settings.default_page_size, 1,
                                 s.settings.max_page_size);
  place.after = cursor_parameter(request);
  const bool is_sorted = request.query.contains("sort");
  if (!is_sorted && !request.query.contains("page")) return place;
  if (request.query.contains("cursor")) {
    bad(is_sorted ? "cursor: a sorted list has none; give page" : "cursor, page: give one of them");
  }
  place.page = number_parameter(request, "page", 1, 1, kDeepestRow);
  if ((*place.page - 1) * place.limit > kDeepestRow - place.limit) {
    bad("page: ends behind row " + std::to_string(kDeepestRow) +
        "; go on by cursor, or narrow the list by filter");
  }
  place.skip = (*place.page - 1) * place.limit;
  return place;
}

std::optional<std::pair<std::size_t, bool>> sort_parameter(
    const Request& request, std::initializer_list<std::string_view> names) {
  const auto found = request.query.find("sort");
  if (found == request.query.end()) return std::nullopt;
  std::string_view name = found->second;
  const bool is_descending = name.starts_with('-');
  if (is_descending) name.remove_prefix(1);
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) {
    bad("sort: `" + found->second + "` is not valid; give one of " +
        listed({names.begin(), names.end()}) + ", with - before it for descending");
  }
  return std::pair{static_cast<std::size_t>(at - names.begin()), is_descending};
}

ShownFields::ShownFields(const Request& request, const std::function<Json()>& make_example) {
  const auto found = request.query.find("fields");
  if (found == request.query.end()) return;
  names_ = parts_of(found->second);
  const Json example = make_example();
  for (const std::string& name : names_) {
    if (example.contains(name)) continue;
    std::vector<std::string> all;
    for (const auto& [known, value] : example.items()) all.push_back(known);
    bad("fields: `" + name + "` is none; give some of " + listed(all) + ", with commas between");
  }
}

Json ShownFields::of(Json row) const {
  if (names_.empty()) return row;
  Json shown = Json::object();
  for (const std::string& name : names_) {
    if (row.contains(name)) shown[name] = std::move(row[name]);
  }
  return shown;
}

}  // namespace flowlensd::http
