#include <algorithm>
#include <nlohmann/json.hpp>

#include "flowlens/error.hpp"
#include "lookup/inventory_rows.hpp"

namespace flowlens::lookup {

namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 32;
constexpr std::size_t kMostCells = 256;         // of a row
constexpr std::size_t kMostValues = 5'000'000;  // of a document

/// `3:14` of an octet.
std::string place_of(std::string_view text, std::size_t octet) {
  const std::string_view before = text.substr(0, octet == 0 ? 0 : octet - 1);
  const std::size_t line_begin = before.rfind('\n');
  const std::size_t column =
      line_begin == std::string_view::npos ? before.size() : before.size() - line_begin - 1;
  return std::to_string(1 + std::count(before.begin(), before.end(), '\n')) + ':' +
         std::to_string(column + 1);
}

Json parse(std::string_view text, const std::string& path) {
  std::size_t values = 0;
  const auto bounded = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kDeepest)
      throw IoError(path + ": is deeper than " + std::to_string(kDeepest) + " brackets");
    if (++values > kMostValues) throw IoError(path + ": has too many values");
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), bounded);
  } catch (const Json::parse_error& error) {
    throw IoError(path + ':' + place_of(text, error.byte) + ": is no JSON from here on");
  } catch (const Json::exception&) {
    throw IoError(path + ": is no JSON: a number is too large");
  }
}

/// What an object is called by those who refer to it. \return null where it is only a group of values.
const Json* called(const Json& object) {
  for (const char* const member : {"address", "name", "label", "value", "display"}) {
    const auto found = object.find(member);
    if (found != object.end() && found->is_primitive() && !found->is_null()) return &*found;
  }
  return nullptr;
}

/// \return empty for what says nothing, and for groups.
std::string text_of(const Json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return std::string(trimmed(value.get_ref<const std::string&>()));
  if (value.is_primitive()) return value.dump();
  if (value.is_object()) {
    const Json* const name = called(value);
    return name == nullptr ? "" : text_of(*name);
  }
  std::string list;
  for (const Json& item : value) {
    const std::string text = text_of(item);
    if (!text.empty()) (list += list.empty() ? "" : ", ") += text;
  }
  return list;
}

/// Reads one row, whose members may be groups.
class RowReader {
 public:
  RowReader(InventoryRow& row, FactSheet& sheet) : row_(row), sheet_(sheet) {}

  void take(const Json& object, const std::string& group) {
    for (const auto& [key, value] : object.items()) {
      const std::string column = attribute_name(group + key);
      const bool is_row_itself = group.empty() && key == "custom_fields";
      if (value.is_object() && (is_row_itself || called(value) == nullptr)) {
        take(value, is_row_itself ? "" : column + '.');
        continue;
      }
      std::string text = text_of(value);
      if (text.empty() || column.empty()) continue;
      if (row_.cells.size() >= kMostCells) return sheet_.leave_out();
      row_.cells.emplace_back(column, std::move(text));
    }
  }

 private:
  InventoryRow& row_;
  FactSheet& sheet_;
};

bool has_column(const InventoryRow& row, std::string_view column) {
  return std::any_of(row.cells.begin(), row.cells.end(),
                     [&](const auto& cell) { return cell.first == column; });
}

/// \param key  of an object of objects: a name, or an address; else empty.
void take_row(const Json& value, std::size_t number, const std::string& key, FactSheet& sheet,
              const InventorySink& sink) {
  InventoryRow row{0, "row " + std::to_string(number) + ": ", {}};
  if (!value.is_object()) return sheet.broken(0, row.where + "is no object");
  RowReader{row, sheet}.take(value, "");
  const char* const column = IpAddress::parse(key) ? "address" : "name";
  if (!key.empty() && !has_column(row, column)) row.cells.emplace_back(column, key);
  sink(row);
}

}  // namespace

void read_inventory_json(std::string_view text, FactSheet& sheet, const InventorySink& sink) {
  const std::string path = sheet.options().path.string();
  const Json document = parse(text, path);
  const Json* rows = &document;
  if (document.is_object()) {
    const auto results = document.find("results");
    if (results != document.end() && results->is_array()) rows = &*results;
  }
  std::size_t number = 0;
  for (const auto& [key, value] : rows->items()) {
    take_row(value, ++number, rows->is_object() ? key : "", sheet, sink);
  }
}

}  // namespace flowlens::lookup
