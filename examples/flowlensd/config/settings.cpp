#include "config/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

using flowlens::ConfigError;
using flowlens::IpAddress;

[[noreturn]] void fail(std::string_view origin, std::string_view text, const std::string& right) {
  throw ConfigError(std::string(origin) + ": `" + std::string(text) + "` is not valid; " + right);
}

std::string number_text(double n) {
  std::ostringstream out;
  out.precision(15);
  out << n;
  return out.str();
}

std::string range_text(const Setting& s, bool whole) {
  return std::string("give a ") + (whole ? "whole " : "") + "number from " + number_text(s.least) +
         " to " + number_text(s.most) + " (" + std::string(s.unit) + ")";
}

/// Plain decimal only: `0777`, `1e3`, `0x10` and signs are refused rather than guessed at.
std::optional<std::uint64_t> parse_whole(std::string_view text) {
  std::uint64_t n = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, n);
  if (error != std::errc{} || at != end) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return n;
}

std::optional<double> parse_decimal(std::string_view text) {
  double n = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, n, std::chars_format::fixed);
  if (error != std::errc{} || at != end || !std::isfinite(n)) return std::nullopt;
  return n;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

constexpr std::array<std::string_view, 5> kLevels{"debug", "info", "warning", "error", "critical"};
constexpr std::array<std::string_view, 3> kFormats{"auto", "json", "console"};

/// Reads one text into a member of its type.
struct Assigner {
  Settings& settings;
  const Setting& setting;
  std::string_view text;
  std::string_view origin;

  void operator()(std::uint64_t Settings::*member) const {
    const auto n = parse_whole(text);
    const auto value = n ? static_cast<double>(*n) : -1;
    if (!n || value < setting.least || value > setting.most) {
      fail(origin, text, range_text(setting, true));
    }
    settings.*member = *n * setting.scale;
  }
  void operator()(double Settings::*member) const {
    const auto n = parse_decimal(text);
    if (!n || *n < setting.least || *n > setting.most) {
      fail(origin, text, range_text(setting, false));
    }
    settings.*member = *n * static_cast<double>(setting.scale);
  }
  void operator()(bool Settings::*member) const {
    const std::string word = lower(text);
    if (word != "true" && word != "false") fail(origin, text, "give true or false");
    settings.*member = word == "true";
  }
  void operator()(std::string Settings::*member) const {
    if (text.empty()) fail(origin, text, "give a " + std::string(setting.unit));
    settings.*member = std::string(text);
  }
  void operator()(IpAddress Settings::*member) const {
    const auto address = IpAddress::parse(text == "localhost" ? "127.0.0.1" : text);
    if (!address) fail(origin, text, "give an IP address such as 127.0.0.1, 0.0.0.0 or ::1");
    settings.*member = *address;
  }
  void operator()(LogLevel Settings::*member) const {
    const auto found = std::find(kLevels.begin(), kLevels.end(), lower(text));
    if (found == kLevels.end()) fail(origin, text, "give " + std::string(setting.unit));
    settings.*member = static_cast<LogLevel>(found - kLevels.begin());
  }
  void operator()(LogFormat Settings::*member) const {
    const auto found = std::find(kFormats.begin(), kFormats.end(), lower(text));
    if (found == kFormats.end()) fail(origin, text, "give " + std::string(setting.unit));
    settings.*member = static_cast<LogFormat>(found - kFormats.begin());
  }
};

struct Printer {
  const Settings& settings;
  std::uint64_t scale;
  std::string operator()(std::uint64_t Settings::*m) const {
    return std::to_string(settings.*m / scale);
  }
  std::string operator()(double Settings::*m) const {
    return number_text(settings.*m / static_cast<double>(scale));
  }
  std::string operator()(bool Settings::*m) const { return settings.*m ? "true" : "false"; }
  std::string operator()(std::string Settings::*m) const { return settings.*m; }
  std::string operator()(IpAddress Settings::*m) const { return (settings.*m).to_string(); }
  std::string operator()(LogLevel Settings::*m) const {
    return std::string(kLevels[static_cast<std::size_t>(settings.*m)]);
  }
  std::string operator()(LogFormat Settings::*m) const {
    return std::string(kFormats[static_cast<std::size_t>(settings.*m)]);
  }
};

}  // namespace

bool is_second_name(const Setting& setting) noexcept {
  const auto table = settings_table();
  const auto first = std::find_if(table.begin(), table.end(),
                                  [&](const Setting& s) { return s.field == setting.field; });
  return first->name() != setting.name();
}

void assign(Settings& settings, const Setting& setting, std::string_view text,
            std::string_view origin) {
  std::visit(Assigner{settings, setting, text, origin}, setting.field);
}

std::string value_text(const Settings& settings, const Setting& setting) {
  return std::visit(Printer{settings, setting.scale}, setting.field);
}

std::string shown_text(const Settings& settings, const Setting& setting) {
  std::string text = value_text(settings, setting);
  return setting.is_secret() && !text.empty() ? "********" : text;
}

const Setting* find_setting(std::string_view name) noexcept {
  if (name.empty()) return nullptr;
  const auto table = settings_table();
  const auto at = std::find_if(table.begin(), table.end(), [&](const Setting& s) {
    return s.key == name || s.alias == name || s.variable == name;
  });
  return at == table.end() ? nullptr : &*at;
}

}  // namespace flowlensd
