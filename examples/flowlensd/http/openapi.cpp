#include "http/openapi.hpp"

#include <string>

#include "flowlens/error.hpp"
#include "flowlens/version.hpp"
#include "http/embedded.hpp"

namespace flowlensd::http {
namespace {

constexpr std::string_view kFolder = "http/openapi/";
constexpr std::string_view kBase = "http/openapi/base.json";

/// Adds the members of `part`; what both have must be the same, or objects, of which this is true.
void merge(Json& whole, const Json& part, const std::string& where) {
  for (const auto& [name, value] : part.items()) {
    const auto found = whole.find(name);
    if (found == whole.end()) {
      whole[name] = value;
    } else if (found->is_object() && value.is_object()) {
      merge(*found, value, where + "/" + name);
    } else if (*found != value) {
      throw flowlens::Error("openapi: " + where + "/" + name + " is there already, and other");
    }
  }
}

void add_part(Json& document, Json part) {
  for (Json& tag : part["tags"]) document["tags"].push_back(std::move(tag));
  part.erase("tags");
  merge(document, part, "#");
}

void add_answer(Json& operation, const char* status, const char* name) {
  Json& answers = operation["responses"];
  if (answers.contains(status)) return;
  answers[status] = {{"$ref", std::string("#/components/responses/") + name}};
}

/// The answers of the router and the server.
void add_common_answers(Json& operation) {
  const bool is_open = operation["x-permission"] == "anonymous";
  if (is_open) operation["security"] = Json::array();
  add_answer(operation, "400", "BadRequest");
  if (!is_open) {
    add_answer(operation, "401", "Unauthorized");
    add_answer(operation, "403", "Forbidden");
  }
  if (operation.contains("requestBody")) {
    add_answer(operation, "413", "ContentTooLarge");
    add_answer(operation, "415", "UnsupportedMediaType");
  }
  add_answer(operation, "429", "TooManyRequests");
  add_answer(operation, "431", "HeaderTooLarge");
  add_answer(operation, "503", "NotAvailable");
}

}  // namespace

Json openapi_document() {
  Json document;
  for (const EmbeddedFile& f : embedded_files()) {
    if (f.name == kBase) document = Json::parse(f.text);
  }
  for (const EmbeddedFile& f : embedded_files()) {
    if (f.name.starts_with(kFolder) && f.name != kBase) add_part(document, Json::parse(f.text));
  }
  document["info"]["version"] = flowlens::kVersion;
  for (auto& [path, item] : document["paths"].items()) {
    for (auto& [member, operation] : item.items()) {
      if (member != "parameters") add_common_answers(operation);
    }
  }
  return document;
}

}  // namespace flowlensd::http
