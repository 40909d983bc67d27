#include "http/parameters.hpp"

#include <charconv>
#include <limits>
#include <string>

namespace flowlensd::http {

std::uint64_t number_parameter(const Request& request, std::string_view name,
                               std::uint64_t fallback, std::uint64_t least, std::uint64_t most) {
  const auto found = request.query.find(std::string(name));
  if (found == request.query.end()) return fallback;
  const std::string& text = found->second;
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n < least || n > most) {
    throw Problem{400, "Bad query parameter",
                  std::string(name) + ": `" + text + "` is not valid; give a whole number from " +
                      std::to_string(least) + " to " + std::to_string(most)};
  }
  return n;
}

std::uint32_t cursor_parameter(const Request& request) {
  const auto found = request.query.find("cursor");
  if (found == request.query.end()) return 0;
  const std::string& text = found->second;
  std::uint32_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw Problem{400, "Bad query parameter",
                  "cursor: `" + text + "` is none; give the next_cursor of the page before"};
  }
  return n;
}

std::optional<Timestamp> time_parameter(const Request& request, std::string_view name) {
  const auto found = request.query.find(std::string(name));
  if (found == request.query.end()) return std::nullopt;
  const auto time = parse_timestamp(found->second);
  if (!time) {
    throw Problem{400, "Bad query parameter",
                  std::string(name) + ": `" + found->second +
                      "` is no time; times look like 2026-11-21T10:09:00Z"};
  }
  return time;
}

std::optional<AsOf> as_of_parameter(const Request& request) {
  const auto at = time_parameter(request, "as_of");
  const auto hours = number_parameter(request, "hours", 1, 1, HourBitmap::kHours);
  if (at) return AsOf{*at, static_cast<Hour>(hours)};
  if (request.query.contains("hours")) {
    throw Problem{400, "Bad query parameter", "hours: goes with as_of, which is absent"};
  }
  return std::nullopt;
}

Problem bad_filter(std::string_view text, const FilterError& error) {
  return {400, "Bad filter",
          "filter: column " + std::to_string(error.column + 1) + " of `" + std::string(text) +
              "`: " + error.message + "; expected " + error.expected};
}

bool wants_applications(const Request& request) {
  const auto found = request.query.find("view");
  if (found == request.query.end() || found->second == "network") return false;
  if (found->second == "application") return true;
  throw Problem{400, "Bad query parameter",
                "view: `" + found->second + "` is not valid; give network or application"};
}

IpAddress address_parameter(const Request& request) {
  const std::string& text = request.path_parameters.at("address");
  const auto address = IpAddress::parse(text);
  if (!address) throw Problem{400, "Bad address", "`" + text + "` is no IPv4 or IPv6 address"};
  return *address;
}

Id id_parameter(const Request& request) {
  const std::string& text = request.path_parameters.at("id");
  const auto id = Id::parse(text);
  if (!id) {
    throw Problem{400, "Bad id",
                  "`" + text + "` is no id; ids look like f81d4fae-7dec-11d0-a765-00a0c91e6bf6"};
  }
  return *id;
}

}  // namespace flowlensd::http
