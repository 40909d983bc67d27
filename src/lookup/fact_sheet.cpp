#include "lookup/fact_sheet.hpp"

#include <algorithm>
#include <charconv>

#include "flowlens/error.hpp"
#include "graph/export_text.hpp"

namespace flowlens::lookup {

namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string words = "`";
  for (const char c : text.substr(0, kLongest)) words += c >= 0x20 && c < 0x7f ? c : '?';
  return words + (text.size() > kLongest ? "...`" : "`");
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kBlank = " \t\r\n\v\f";
  const std::size_t from = text.find_first_not_of(kBlank);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

std::string lower(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return small;
}

bool is_equal_word(std::string_view a, std::string_view lower_case) noexcept {
  return std::equal(a.begin(), a.end(), lower_case.begin(), lower_case.end(), [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x | 0x20) : x) == y;
  });
}

std::optional<std::int64_t> number(std::string_view text) noexcept {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Timestamp> unix_time(std::string_view seconds) noexcept {
  constexpr std::int64_t kMost = 9'000'000'000;  // in the year 2255
  const auto value = number(seconds);
  if (!value || *value < 0 || *value > kMost) return std::nullopt;
  return Timestamp{std::chrono::seconds{*value}};
}

std::string mac_text(std::string_view text) {
  std::vector<int> octets;
  const bool has_points = text.find('.') != std::string_view::npos;  // Cisco's, two octets a group
  const std::size_t longest = has_points ? 4 : 2;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(":-."), text.size());
    if (end == 0 || end > longest || (has_points && end != longest)) return {};
    int value = 0;
    for (const char c : text.substr(0, end)) {
      if (hex_value(c) < 0) return {};
      value = value << 4 | hex_value(c);
    }
    if (has_points) octets.push_back(value >> 8);
    octets.push_back(value & 0xff);
    const bool has_more = end < text.size();
    text.remove_prefix(has_more ? end + 1 : end);
    if (has_more && text.empty()) return {};
  }
  if (octets.size() != 6) return {};
  const auto all = [&](int v) { return std::count(octets.begin(), octets.end(), v) == 6; };
  if (all(0) || all(0xff)) return {};
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string mac;
  for (const int octet : octets) {
    if (!mac.empty()) mac += ':';
    mac += kHex[static_cast<std::size_t>(octet >> 4)];
    mac += kHex[static_cast<std::size_t>(octet & 15)];
  }
  return mac;
}

std::string_view host_name(std::string_view text) noexcept {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.back() == '.') return {};
  const bool is_good = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  return is_good && text.find("..") == std::string_view::npos ? text : std::string_view{};
}

bool is_value(std::string_view text) noexcept {
  if (text.empty() || text.size() > kLongestFactValue) return false;
  const bool has_controls = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  return !has_controls && graph::to_utf8(text) == text;
}

bool is_of_one_machine(const IpAddress& a) noexcept {
  return !a.is_unspecified() && !a.is_loopback() && !a.is_link_local() && !a.is_multicast() &&
         !a.is_limited_broadcast();
}

std::string joined(const std::vector<std::string>& names, std::size_t first) {
  std::string value;
  for (std::size_t i = first; i < names.size(); ++i) {
    const std::size_t comma = value.empty() ? 0 : 2;
    if (value.size() + comma + names[i].size() > kLongestFactValue) break;
    (value += comma == 0 ? "" : ", ") += names[i];
  }
  return value;
}

bool Lines::next(std::string_view& line) noexcept {
  if (rest_.empty()) return false;
  const std::size_t end = std::min(rest_.find('\n'), rest_.size());
  line = rest_.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  ++line_;
  return true;
}

Fact FactSheet::about(const IpAddress& address, FactSource source) const {
  Fact fact;
  fact.subject = {options_.site, address};
  fact.source = source;
  fact.at = now_;
  return fact;
}

void FactSheet::add(Fact fact, std::string_view attribute, std::string_view value,
                    std::size_t line) {
  if (value.empty()) return;
  if (!is_value(value)) {
    broken(line, std::string(attribute) + " " + shown(value) + " is no UTF-8 text of 1 to " +
                     std::to_string(kLongestFactValue) + " octets");
    return;
  }
  if (facts_.size() >= options_.max_facts) {
    ++report_.beyond;
    return;
  }
  fact.attribute = attribute;
  fact.value = value;
  fact.origin = origin_;
  facts_.push_back(std::move(fact));
}

void FactSheet::broken(const std::filesystem::path& file, std::size_t line,
                       const std::string& what) {
  if (report_.broken++ > 0) return;
  std::string where = file.string();
  if (line > 0) where += ':' + std::to_string(line);
  report_.first_error = where + ": " + what;
}

}  // namespace flowlens::lookup
