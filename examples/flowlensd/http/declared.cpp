#include "http/declared.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "flowlens/asset_type.hpp"
#include "http/body.hpp"

namespace flowlensd::http {
namespace {

void tell(const AssetRow& row, std::string attribute, std::string value, const Service& s) {
  const auto held = std::find_if(row.endpoints.begin(), row.endpoints.end(),
                                 [](const HeldEndpoint& e) { return !e.until; });
  if (held == row.endpoints.end()) {
    throw Problem{409, "Conflict", "the asset holds no endpoint now"};
  }
  Fact fact;
  fact.subject = held->endpoint;
  fact.attribute = std::move(attribute);
  fact.value = std::move(value);
  fact.source = FactSource::declared;
  fact.at = std::chrono::system_clock::now();
  // To take back what nobody says is no conflict.
  if (!s.tell(fact) && !fact.value.empty())
    throw Problem{409, "Conflict", "the asset has gone, or a later word stands"};
}

std::string type_names() {
  std::string names;
  for (const std::string_view name : asset_type_names().subspan(1)) {
    names += " " + std::string(name);
  }
  return names;
}

}  // namespace

void tell_name(const AssetRow& row, std::string name, const Service& s) {
  tell(row, "name", std::move(name), s);
}

void check_type(const Json& type) {
  const auto known =
      type.is_string() ? parse_asset_type(type.get<std::string>()) : std::optional<AssetType>{};
  if (!known || *known == AssetType::unknown) {
    bad_body("asset_type: " + type.dump(-1, ' ', false, Json::error_handler_t::replace) +
             " is no type; give null or one of" + type_names());
  }
}

void tell_type(const AssetRow& row, const Json& type, const Service& s) {
  if (type.is_null()) {
    if (row.type_source != FactSource::declared) {
      throw Problem{409, "Conflict", "nobody has declared what this asset is"};
    }
    return tell(row, "type", "unknown", s);
  }
  check_type(type);
  tell(row, "type", type.get<std::string>(), s);
}

}  // namespace flowlensd::http
