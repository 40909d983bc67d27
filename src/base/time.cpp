#include "flowlens/time.hpp"

#include <array>
#include <cstdio>

namespace flowlens {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

/// Reads exactly `count` digits at `at`. \return -1 if there are not so many.
int digits(std::string_view text, std::size_t at, std::size_t count) noexcept {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

/// Nanoseconds of `.5` or `.123456789`. \return -1 for anything else.
std::int64_t fraction_ns(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (text.size() < 2 || text.size() > 10 || text[0] != '.') return -1;
  std::int64_t value = digits(text, 1, text.size() - 1);
  if (value < 0) return -1;
  for (std::size_t i = text.size(); i < 10; ++i) value *= 10;
  return value;
}

}  // namespace

std::string to_string(Timestamp t) {
  // In whole seconds: the day that holds the earliest of times begins before what nanoseconds can tell.
  const auto second = std::chrono::floor<std::chrono::seconds>(t);
  const auto day = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date{day};
  const auto seconds = static_cast<int>((second - day).count());
  const std::int64_t fraction = (to_unix_ns(t) % kNsPerSecond + kNsPerSecond) % kNsPerSecond;
  std::array<char, 48> text{};
  int length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                             static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                             static_cast<unsigned>(date.day()), seconds / 3600, seconds / 60 % 60,
                             seconds % 60);
  std::string out(text.data(), static_cast<std::size_t>(length));
  if (fraction != 0) {
    length = std::snprintf(text.data(), text.size(), ".%09lld", static_cast<long long>(fraction));
    out.append(text.data(), static_cast<std::size_t>(length));
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out + 'Z';
}

std::optional<Timestamp> parse_timestamp(std::string_view text) noexcept {
  if (text.size() < 20 || text.back() != 'Z') return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  const std::int64_t ns = fraction_ns(text.substr(19, text.size() - 20));
  if (month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0 || ns < 0) return std::nullopt;
  if (year < 1678 || year > 2261 || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  return Timestamp{std::chrono::sys_days{date}} + std::chrono::hours{hour} +
         std::chrono::minutes{minute} + std::chrono::seconds{second} + std::chrono::nanoseconds{ns};
}

}  // namespace flowlens
