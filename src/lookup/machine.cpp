#include "lookup/machine.hpp"

#include "graph/export_text.hpp"

namespace flowlens::lookup {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// What can be shown of a text: control characters are blanks, what is no UTF-8 is U+FFFD.
std::string shown(std::string_view text) {
  std::string out = graph::to_utf8(text);
  if (out.size() > kLongestFactValue) {
    std::size_t end = kLongestFactValue;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xc0) == 0x80) --end;
    out.resize(end);
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

}  // namespace

std::string attribute_of(std::string_view key) {
  std::string out;
  for (const char c : key) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_word = is_upper || (c >= 'a' && c <= 'z') || is_digit(c);
    if (is_upper) {
      out += static_cast<char>(c - 'A' + 'a');
    } else if (is_word) {
      out += c;
    } else {
      out += c == '.' && !out.empty() && out.back() != '.' ? '.' : '_';
    }
  }
  if (out.ends_with('.')) out.back() = '_';
  return out;
}

void Machine::tag(std::string_view key, std::string_view value) {
  if (!key.empty()) say("cloud.tag." + attribute_of(key), value);
}

Id machine_id(std::string_view identity) noexcept { return derive_id(asset_namespace(), identity); }

void say(const Speaker& speaker, const IpAddress& address, std::string_view attribute,
         std::string_view value, std::vector<Fact>& out, std::optional<Timestamp> since) {
  if (value.empty() || !is_valid_attribute(attribute)) return;
  Fact fact;
  fact.subject = {speaker.site, address};
  fact.attribute = attribute;
  fact.value = shown(value);
  fact.source = speaker.source;
  fact.at = speaker.now;
  fact.since = since;
  fact.origin = speaker.origin;
  out.push_back(std::move(fact));
}

void say(const Speaker& speaker, const Machine& machine, std::vector<Fact>& out) {
  const std::string asset =
      machine.identity.empty() ? std::string() : machine_id(machine.identity).to_string();
  for (const Machine::Address& a : machine.addresses) {
    say(speaker, a.address, "asset", asset, out, a.since);
    for (const auto& [attribute, value] : machine.says) {
      say(speaker, a.address, attribute, value, out);
    }
  }
}

std::string_view region_of_aws_zone(std::string_view zone) noexcept {
  std::size_t at = 0;
  while (at < zone.size() && !is_digit(zone[at])) ++at;
  while (at < zone.size() && is_digit(zone[at])) ++at;
  return zone.substr(0, at);
}

}  // namespace flowlens::lookup
