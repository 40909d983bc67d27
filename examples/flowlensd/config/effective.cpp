#include "config/effective.hpp"

#include <algorithm>
#include <cstddef>

namespace flowlensd {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string origin_text(const ValueOrigin& origin) {
  if (origin.kind == ValueOrigin::Kind::built_in) return "default";
  return std::string(to_string(origin.kind)) + " " + origin.where;
}

/// A value in an environment file; quoted where a shell or systemd would see more than text in it.
std::string env_value(const std::string& value) {
  const bool is_plain = std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_-+=:.,/@%").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (is_plain) return value;
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\' || c == '$' || c == '`') text += '\\';
    text += c;
  }
  return text + '"';
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string code(std::string_view text) {
  return text.empty() ? std::string{} : "`" + cell(text) + "`";
}

std::string page_row(const Setting& s) {
  std::string names = code(s.key);
  for (const std::string_view other : {s.alias, s.variable, s.option}) {
    if (!other.empty()) names += (names.empty() ? "" : "<br>") + code(other);
  }
  std::string help = cell(s.help);
  if (s.is_secret())
    help +=
        "; secret" +
        (s.variable.empty() ? "" : ", or from the file " + code(std::string(s.variable) + "_FILE"));
  return "| " + names + " | " + code(shown_text(Settings{}, s)) + " | " + cell(s.unit) + " | " +
         help + (s.is_live() ? "; live" : "") + " |\n";
}

}  // namespace

Json settings_json(const Loaded& loaded) {
  Json items = Json::array();
  for (const Setting& s : settings_table()) {
    if (is_second_name(s)) continue;
    const ValueOrigin origin = loaded.origins.of(s);
    items.push_back({{"name", s.name()},
                     {"variable", or_null(s.variable)},
                     {"option", or_null(s.option)},
                     {"value", shown_text(loaded.settings, s)},
                     {"default", shown_text(Settings{}, s)},
                     {"source", to_string(origin.kind)},
                     {"where", or_null(origin.where)},
                     {"is_secret", s.is_secret()},
                     {"is_live", s.is_live()},
                     {"unit", s.unit},
                     {"help", s.help}});
  }
  return items;
}

std::string settings_text(const Loaded& loaded) {
  std::size_t width = 0;
  std::size_t value_width = 0;
  for (const Setting& s : settings_table()) {
    width = std::max(width, s.name().size());
    value_width = std::max(value_width, shown_text(loaded.settings, s).size());
  }
  value_width = std::min<std::size_t>(value_width, 40);
  const auto padded = [](std::string text, std::size_t to) {
    text.resize(std::max(text.size(), to), ' ');
    return text + "  ";
  };
  std::string out;
  for (const Setting& s : settings_table()) {
    if (is_second_name(s)) continue;
    const std::string value = shown_text(loaded.settings, s);
    out += padded(std::string(s.name()), width) + padded(value.empty() ? "-" : value, value_width) +
           origin_text(loaded.origins.of(s)) + "\n";
  }
  return out;
}

std::string settings_env(const Loaded& loaded) {
  std::string out;
  for (const Setting& s : settings_table()) {
    if (is_second_name(s) || s.variable.empty()) continue;
    const std::string value = value_text(loaded.settings, s);
    if (value.empty()) {
      out += "#" + std::string(s.variable) + "=\n";
    } else if (s.is_secret()) {
      out += "#" + std::string(s.variable) + "=" + shown_text(loaded.settings, s) + "\n";
    } else {
      out += std::string(s.variable) + "=" + env_value(value) + "\n";
    }
  }
  return out;
}

std::string settings_page() {
  std::string out =
      "# Settings\n\n"
      "Made by `flowlensd config --format markdown` from the table in "
      "[settings_table.cpp](../examples/flowlensd/config/settings_table.cpp);\na test compares the "
      "two. How "
      "settings are given, and which wins: [configuration](configuration.md).\n\n"
      "The names of a setting are its YAML key, its environment variable and its option. *Live*: "
      "changes while flowlensd runs,\nby SIGHUP or the settings API.\n\n"
      "| name | default | value | what it is |\n|---|---|---|---|\n";
  for (const Setting& s : settings_table()) out += page_row(s);
  return out;
}

}  // namespace flowlensd
