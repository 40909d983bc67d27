#include "detect/json_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "flowlens/error.hpp"

namespace flowlens::detect {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct Unit {
  char name;
  seconds length;
};
constexpr Unit kUnits[] = {
    {'d', seconds{86'400}}, {'h', seconds{3'600}}, {'m', seconds{60}}, {'s', seconds{1}}};

/// Two digits.
std::optional<int> two_digits(std::string_view text, int most) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.size() != 2 || error != std::errc{} || end != text.data() + 2) return std::nullopt;
  return n >= 0 && n <= most ? std::optional{n} : std::nullopt;
}

/// `08:30`
std::optional<minutes> hours_and_minutes(std::string_view text, int most_hours) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto h = two_digits(text.substr(0, 2), most_hours), m = two_digits(text.substr(3), 59);
  if (!h || !m) return std::nullopt;
  return minutes{*h * 60 + *m};
}

std::optional<seconds> read_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                 [&](const Unit& u) { return u.name == text.back(); });
  std::uint32_t n = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto [p, error] = std::from_chars(text.data(), end, n);
  if (unit == std::end(kUnits) || error != std::errc{} || p != end) return std::nullopt;
  return n * unit->length;
}

std::string padded(std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); }

}  // namespace

Json read_json(std::string_view text, const std::string& name) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& e) {
    const std::size_t at = std::min(e.byte > 0 ? e.byte - 1 : 0, text.size());
    const std::string_view before = text.substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t begin = before.find_last_of('\n');
    const std::size_t column = at - (begin == std::string_view::npos ? 0 : begin + 1) + 1;
    throw ConfigError(name + ":" + std::to_string(line) + ":" + std::to_string(column) +
                      ": this is no JSON; look for a missing comma, quotation mark or bracket");
  }
}

void JsonNode::fail(const std::string& what) const { throw ConfigError(where_ + ": " + what); }

void JsonNode::expect_object(std::initializer_list<std::string_view> members) const {
  if (!json_->is_object()) fail("give an object");
  for (const auto& [name, value] : json_->items()) {
    if (std::find(members.begin(), members.end(), name) != members.end()) continue;
    std::string known;
    for (const std::string_view m : members) known += " " + std::string(m);
    fail("`" + name + "` is no member here; there are" + known);
  }
}

std::optional<JsonNode> JsonNode::find(std::string_view member) const {
  const auto found = json_->find(std::string(member));
  if (found == json_->end() || found->is_null()) return std::nullopt;
  return JsonNode{*found, where_ + "." + std::string(member)};
}

JsonNode JsonNode::at(std::string_view member) const {
  auto found = find(member);
  if (!found) fail("`" + std::string(member) + "` is missing");
  return *std::move(found);
}

std::vector<JsonNode> JsonNode::items(std::size_t least, std::size_t most) const {
  if (!json_->is_array() || json_->size() < least || json_->size() > most) {
    fail("give a list of " + std::to_string(least) + " to " + std::to_string(most));
  }
  std::vector<JsonNode> all;
  for (std::size_t i = 0; i < json_->size(); ++i) {
    all.emplace_back((*json_)[i], where_ + "[" + std::to_string(i) + "]");
  }
  return all;
}

bool JsonNode::boolean() const {
  if (!json_->is_boolean()) fail("give true or false");
  return json_->get<bool>();
}

std::int32_t JsonNode::number() const {
  constexpr std::int64_t kMost = 1'000'000;
  const std::int64_t n = json_->is_number_integer() ? json_->get<std::int64_t>() : kMost + 1;
  if (n < -kMost || n > kMost) fail("give a whole number from -1000000 to 1000000");
  return static_cast<std::int32_t>(n);
}

std::string JsonNode::text(std::size_t least, std::size_t most) const {
  if (!json_->is_string()) fail("give a text");
  const auto text = json_->get<std::string>();
  if (text.size() < least || text.size() > most) {
    fail("give a text of " + std::to_string(least) + " to " + std::to_string(most) + " octets");
  }
  const auto is_control = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f;
  };
  if (std::any_of(text.begin(), text.end(), is_control)) {
    fail("there is a control character in the text; a line feed is the only one allowed");
  }
  return text;
}

seconds JsonNode::duration(seconds least, seconds most) const {
  const auto length = read_duration(text(0, 32));
  if (!length || *length < least || *length > most) {
    fail("give a duration from " + duration_text(least) + " to " + duration_text(most) +
         ", like 90s, 15m, 10h or 7d");
  }
  return *length;
}

Timestamp JsonNode::time() const {
  const auto time = parse_timestamp(text(0, 64));
  if (!time) fail("give a time like 2026-11-21T10:09:00Z");
  return *time;
}

minutes JsonNode::time_of_day() const {
  const auto of_day = hours_and_minutes(text(0, 32), 23);
  if (!of_day) fail("give a time of day from 00:00 to 23:59");
  return *of_day;
}

minutes JsonNode::utc_offset() const {
  const std::string given = text(0, 32);
  if (given == "UTC") return minutes{0};
  const bool has_sign = given.starts_with('+') || given.starts_with('-');
  const auto length =
      has_sign ? hours_and_minutes(std::string_view(given).substr(1), 14) : std::nullopt;
  if (!length || *length > minutes{14 * 60}) {
    fail("give UTC, or how far clocks there are ahead of it or behind, like +01:00 or -05:30");
  }
  return given.front() == '-' ? -*length : *length;
}

std::string duration_text(seconds duration) {
  for (const Unit& u : kUnits) {
    if (duration % u.length == seconds{0} && duration >= u.length) {
      return std::to_string(duration / u.length) + u.name;
    }
  }
  return "0s";
}

std::string time_of_day_text(minutes of_day) {
  return padded(of_day.count() / 60) + ":" + padded(of_day.count() % 60);
}

std::string utc_offset_text(minutes ahead) {
  if (ahead == minutes{0}) return "UTC";
  return (ahead < minutes{0} ? "-" : "+") + time_of_day_text(std::chrono::abs(ahead));
}

}  // namespace flowlens::detect
