#include "http/asset_exchange.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "http/asset_words.hpp"
#include "http/body.hpp"
#include "http/csv.hpp"
#include "http/declared.hpp"
#include "http/input_checks.hpp"

namespace flowlensd::http {
namespace {

// The columns of CSV, and the members of JSON but for `endpoints`. Those behind `declared` are for people
// who read it; `name_source` and `type_source` also say whether name and type are somebody's word.
constexpr std::array<std::string_view, 15> kColumns{
    "endpoints", "name",        "name_source", "asset_type",  "type_source",
    "tags",      "notes",       "owner",       "criticality", "confirmed",
    "declared",  "is_internal", "first_seen",  "last_seen",   "id"};

std::string endpoint_text(const Endpoint& e, const SiteTable& sites) {
  const std::string address = e.address.to_string();
  return e.site == SiteId{} ? address : address + "@" + std::string(sites.name(e.site));
}

/// What it holds now; empty for one that stands for many others.
std::vector<Endpoint> held_now(const AssetRow& row) {
  std::vector<Endpoint> held;
  for (const HeldEndpoint& e : row.endpoints) {
    if (!e.until && !peer_group(e.endpoint.address)) held.push_back(e.endpoint);
  }
  return held;
}

const Annotation& said_of(const AssetRow& row) {
  static const Annotation nothing;
  return row.annotation ? *row.annotation : nothing;
}

std::string joined(const std::vector<std::string>& parts, std::string_view by) {
  std::string text;
  for (const std::string& part : parts) (text += text.empty() ? "" : by) += part;
  return text;
}

std::vector<std::string> parts_of(std::string_view text, char by) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find(by));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

/// A name or type that was only found is nobody's word.
bool is_word(const Json& item, const char* source) {
  const auto text = optional_text_member(item, source);
  return !text || text->empty() || *text == "declared";
}

/// One asset: what is given of it over what stands.
class ItemReader {
 public:
  ItemReader(const Request& request, const Service& s) : request_(request), service_(s) {}

  /// \param is_made  set to whether the asset is not there yet.
  /// \throws Problem, whose detail begins with the name of a member where it is of one.
  AssetWords read(const Json& item, bool& is_made) {
    check_members(item, "an asset", {kColumns.begin(), kColumns.end()});
    AssetWords words;
    words.endpoints = endpoints_member(item, service_);
    words.is_internal =
        flag_member(item, "is_internal", words.endpoints.front().address.is_private());
    const auto holder = holder_of(words.endpoints);
    is_made = !holder.has_value();
    if (holder && holder->annotation) words.said = *holder->annotation;
    words.said.subject = {};
    take_words(request_, item, words.said);
    words.said.is_declared = flag_member(item, "declared", words.said.is_declared);
    const auto name = optional_text_member(item, "name");
    if (is_word(item, "name_source") && name) {
      words.name = bounded_text(*name, "name", kLongestName);
    }
    const auto type = optional_text_member(item, "asset_type");
    if (is_word(item, "type_source") && type && !type->empty() && *type != "unknown") {
      check_type(*type);
      words.asset_type = *type;
    }
    return words;
  }

 private:
  std::optional<AssetRow> holder_of(const std::vector<Endpoint>& endpoints) {
    std::optional<AssetRow> holder;
    for (const Endpoint& e : endpoints) {
      if (!seen_.insert(e).second) {
        bad_body("endpoints: " + endpoint_text(e, service_.graph.sites()) + " stands here twice");
      }
      auto row = service_.graph.asset_of(e);
      if (row && holder && row->id != holder->id) {
        throw Problem{409, "Conflict",
                      "endpoints: they belong to assets " + holder->id.to_string() + " and " +
                          row->id.to_string() + "; merge those first"};
      }
      if (row) holder = std::move(row);
    }
    if (holder && !assets_.insert(holder->id).second) {
      bad_body("endpoints: another entry is of the same asset, " + holder->id.to_string());
    }
    return holder;
  }

  const Request& request_;
  const Service& service_;
  std::set<Endpoint> seen_;
  std::set<Id> assets_;
};

void too_many() {
  throw Problem{413, "Content too large",
                "give at most " + std::to_string(kMostImported) + " assets at once"};
}

/// `true`, `yes`, `1` and their contraries; nothing for an empty cell.
std::optional<bool> flag_of(const std::string& text) {
  if (text.empty()) return std::nullopt;
  for (const char* yes : {"true", "TRUE", "yes", "1"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"false", "FALSE", "no", "0"}) {
    if (text == no) return false;
  }
  bad_body("give true or false");
}

Json value_of(std::string_view column, const std::string& text) {
  if (column == "endpoints") {
    Json list = Json::array();
    for (const std::string& part : parts_of(text, ';')) {
      const std::size_t at = part.find('@');
      Json endpoint{{"address", part.substr(0, at)}};
      if (at != std::string::npos) endpoint["site"] = part.substr(at + 1);
      list.push_back(std::move(endpoint));
    }
    return list;
  }
  if (column == "tags") return parts_of(text, ',');
  if (column == "confirmed" || column == "declared" || column == "is_internal") {
    const auto flag = flag_of(text);
    return flag ? Json(*flag) : Json(nullptr);
  }
  return text;
}

/// Reads one CSV text.
class CsvImport {
 public:
  CsvImport(const Request& request, const Service& s) : rows_(request.body), items_(request, s) {
    if (!is_utf8(request.body)) bad_body("the body is no UTF-8");
    if (!rows_.next(header_)) bad_body("line 1: the first line names the columns; there is none");
    for (const CsvCell& cell : header_) check_column(cell);
    if (!places_.contains("endpoints")) bad_body("line 1: a column `endpoints` must be there");
  }

  AssetImport read() {
    AssetImport import;
    std::vector<CsvCell> row;
    while (rows_.next(row)) {
      if (import.words.size() == kMostImported) too_many();
      bool is_made = false;
      import.words.push_back(read(row, is_made));
      import.places.push_back(csv_place(row.front().line, row.front().column));
      import.made += is_made ? 1 : 0;
    }
    return import;
  }

 private:
  void check_column(const CsvCell& cell) {
    const std::string where = csv_place(cell.line, cell.column);
    if (std::find(kColumns.begin(), kColumns.end(), cell.text) == kColumns.end()) {
      std::string names;
      for (const std::string_view name : kColumns) {
        (names += names.empty() ? "" : ", ") += name;
      }
      bad_body(where + "there is no column `" + cell.text + "`; columns are " + names);
    }
    const std::size_t place = places_.size();
    if (!places_.emplace(cell.text, place).second) {
      bad_body(where + "there are two columns `" + cell.text + "`");
    }
  }

  AssetWords read(const std::vector<CsvCell>& row, bool& is_made) {
    if (row.size() != header_.size()) {
      bad_body(csv_place(row.front().line, row.front().column) + "there are " +
               std::to_string(row.size()) + " cells; the first line has " +
               std::to_string(header_.size()));
    }
    Json item = Json::object();
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string& column = header_[i].text;
      try {
        Json value = value_of(column, csv_text(row[i].text));
        if (!value.is_null()) item[column] = std::move(value);
      } catch (Problem& p) {
        fail(p, row[i], column);
      }
    }
    try {
      return items_.read(item, is_made);
    } catch (Problem& p) {
      const CsvCell& cell = row[column_of(p.detail)];
      fail(p, cell, {});
    }
  }

  /// The one that a message is about: it begins with a name of a member.
  std::size_t column_of(const std::string& detail) const {
    std::string name = detail.substr(0, detail.find(':'));
    if (name == "address" || name == "site") name = "endpoints";
    const auto found = places_.find(name);
    return found == places_.end() ? 0 : found->second;
  }

  [[noreturn]] static void fail(Problem& p, const CsvCell& cell, const std::string& name) {
    p.detail = csv_place(cell.line, cell.column) + (name.empty() ? "" : name + ": ") + p.detail;
    throw p;
  }

  CsvReader rows_;
  ItemReader items_;
  std::vector<CsvCell> header_;
  std::map<std::string, std::size_t> places_;  ///< of columns
};

AssetImport read_json(const Request& request, const Service& s) {
  const Json body = object_of(request, {"format", "version", "assets"});
  if (body.contains("format") && body["format"] != "flowlens-assets") {
    bad_body("format: give flowlens-assets");
  }
  if (body.contains("version") && body["version"] != 1) bad_body("version: give 1");
  if (!body.contains("assets") || !body["assets"].is_array()) bad_body("assets: give a list");
  if (body["assets"].size() > kMostImported) too_many();
  ItemReader items{request, s};
  AssetImport import;
  for (const Json& item : body["assets"]) {
    const std::string place = "assets[" + std::to_string(import.words.size()) + "]: ";
    bool is_made = false;
    try {
      import.words.push_back(items.read(item, is_made));
    } catch (Problem& p) {
      p.detail = place + p.detail;
      throw;
    }
    import.places.push_back(place);
    import.made += is_made ? 1 : 0;
  }
  return import;
}

}  // namespace

std::string assets_as_csv(const std::vector<AssetRow>& rows, const SiteTable& sites) {
  std::string text;
  for (const std::string_view column : kColumns) add_cell(text, column);
  text += "\r\n";
  const auto flag = [](bool is_so) { return is_so ? "true" : "false"; };
  for (const AssetRow& row : rows) {
    std::vector<std::string> held;
    for (const Endpoint& e : held_now(row)) held.push_back(endpoint_text(e, sites));
    if (held.empty()) continue;
    const Annotation& said = said_of(row);
    for (const std::string& cell :
         {joined(held, "; "), row.name,
          row.name.empty() ? "" : std::string(to_string(row.name_source)), row.asset_type,
          std::string(to_string(row.type_source)), joined(said.tags, ","), said.notes, said.owner,
          std::string(to_string(said.criticality)), std::string(flag(said.is_confirmed)),
          std::string(flag(said.is_declared)), std::string(flag(row.is_internal)),
          to_string(row.first_seen), to_string(row.last_seen), row.id.to_string()}) {
      add_cell(text, cell);
    }
    text += "\r\n";
  }
  return text;
}

std::string assets_as_json(const std::vector<AssetRow>& rows, const SiteTable& sites) {
  std::string text = R"({"format":"flowlens-assets","version":1,"assets":[)";
  for (const AssetRow& row : rows) {
    Json held = Json::array();
    for (const Endpoint& e : held_now(row)) {
      held.push_back({{"address", e.address.to_string()}, {"site", sites.name(e.site)}});
    }
    if (held.empty()) continue;
    const Annotation& said = said_of(row);
    if (text.back() == '}') text += ',';
    text += text_of({{"endpoints", std::move(held)},
                     {"name", row.name},
                     {"name_source", row.name.empty() ? "" : to_string(row.name_source)},
                     {"asset_type", row.asset_type},
                     {"type_source", to_string(row.type_source)},
                     {"tags", said.tags},
                     {"notes", said.notes},
                     {"owner", said.owner},
                     {"criticality", to_string(said.criticality)},
                     {"confirmed", said.is_confirmed},
                     {"declared", said.is_declared},
                     {"is_internal", row.is_internal},
                     {"first_seen", to_string(row.first_seen)},
                     {"last_seen", to_string(row.last_seen)},
                     {"id", row.id.to_string()}});
    text.pop_back();
  }
  return text + "]}\n";
}

AssetImport read_assets(const Request& request, const Service& s) {
  const bool is_csv = request.header("content-type").starts_with("text/csv");
  return is_csv ? CsvImport(request, s).read() : read_json(request, s);
}

}  // namespace flowlensd::http
