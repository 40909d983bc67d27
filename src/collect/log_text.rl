// The words that logs are made of. Ragel makes log_text.cpp of this at build time.
#include "collect/log_text.hpp"

namespace flowlens::collect {

namespace {

constexpr std::uint64_t kMost = ~std::uint64_t{0};
constexpr std::uint64_t kMostSeconds = 9223372035;  // in 2262

%%{
  machine cut_fields;
  getkey (*p == separator ? 1 : 0);
  alphtype int;

  main := ( 0 | 1 @{ put(p); begin = p + 1; } )*;
}%%
%% write data noerror nofinal noentry;

%%{
  machine whole_number;

  action digit {
    const auto digit = static_cast<std::uint64_t>(*p - '0');
    if (value > (kMost - digit) / 10) return std::nullopt;
    value = 10 * value + digit;
  }
  main := digit+ $digit;
}%%
%% write data noerror noentry;

%%{
  machine dotted_quad;

  action begin { part = 0; }
  action digit { part = 10 * part + static_cast<std::uint32_t>(*p - '0'); }
  action end { address = address << 8 | part; }

  # 0 to 255 without leading zeros.
  octet = ( '0' | [1-9] digit? | '1' digit{2} | '2' [0-4] digit | '25' [0-5] ) >begin $digit %end;
  main := octet ('.' octet){3};
}%%
%% write data noerror noentry;

%%{
  machine decimal_seconds;

  action whole {
    seconds = 10 * seconds + static_cast<std::uint64_t>(*p - '0');
    if (seconds > kMostSeconds) return std::nullopt;
  }
  action part {
    nanoseconds += unit * (*p - '0');
    unit /= 10;
  }
  main := digit+ $whole ( '.' digit+ $part )?;
}%%
%% write data noerror noentry;

%%{
  machine rfc3339;

  action number { part[at] = 10 * part[at] + (*p - '0'); }
  action next { ++at; }
  action fraction {
    nanoseconds += unit * (*p - '0');
    unit /= 10;
  }
  action behind { is_behind = true; }

  date = digit{4} $number %next '-' digit{2} $number %next '-' digit{2} $number %next;
  time = digit{2} $number %next ':' digit{2} $number %next ':' digit{2} $number %next;
  offset = ( '+' | '-' @behind ) digit{2} $number %next ':'? digit{2} $number;
  main := date [Tt ] time ( '.' digit{1,12} $fraction )? ( [Zz] | offset )?;
}%%
%% write data noerror noentry;

}  // namespace

std::size_t split(std::string_view line, char separator,
                  std::span<std::string_view> fields) noexcept {
  const char* p = line.data();
  const char* const pe = p + line.size();
  const char* begin = p;
  std::size_t count = 0;
  const auto put = [&](const char* end) {
    if (count < fields.size()) fields[count] = {begin, static_cast<std::size_t>(end - begin)};
    ++count;
  };
  int cs = 0;
  %% machine cut_fields;
  %% write init;
  %% write exec;
  put(pe);
  return count;
}

std::optional<std::uint64_t> read_number(std::string_view text) noexcept {
  const char* p = text.data();
  const char* const pe = p + text.size();
  std::uint64_t value = 0;
  int cs = 0;
  %% machine whole_number;
  %% write init;
  %% write exec;
  if (p != pe || cs < whole_number_first_final) return std::nullopt;
  return value;
}

std::optional<IpAddress> read_address(std::string_view text) noexcept {
  const char* p = text.data();
  const char* const pe = p + text.size();
  const char* const eof = pe;
  std::uint32_t address = 0;
  std::uint32_t part = 0;
  int cs = 0;
  %% machine dotted_quad;
  %% write init;
  %% write exec;
  if (p == pe && cs >= dotted_quad_first_final) return IpAddress::v4(address);
  return IpAddress::parse(text);
}

std::optional<std::chrono::nanoseconds> read_seconds(std::string_view text) noexcept {
  const char* p = text.data();
  const char* const pe = p + text.size();
  std::uint64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  std::int64_t unit = 100000000;
  int cs = 0;
  %% machine decimal_seconds;
  %% write init;
  %% write exec;
  if (p != pe || cs < decimal_seconds_first_final) return std::nullopt;
  return std::chrono::seconds{seconds} + std::chrono::nanoseconds{nanoseconds};
}

std::optional<Timestamp> read_time(std::string_view text) noexcept {
  using namespace std::chrono;
  const char* p = text.data();
  const char* const pe = p + text.size();
  const char* const eof = pe;
  int part[8] = {};  // year, month, day, hour, minute, second, hours and minutes of the offset
  int at = 0;
  bool is_behind = false;
  std::int64_t fraction = 0;
  std::int64_t& nanoseconds = fraction;
  std::int64_t unit = 100000000;
  int cs = 0;
  %% machine rfc3339;
  %% write init;
  %% write exec;
  if (p != pe || cs < rfc3339_first_final) return std::nullopt;
  const year_month_day date{year{part[0]}, month{static_cast<unsigned>(part[1])},
                            day{static_cast<unsigned>(part[2])}};
  // Second 60 is a leap second (RFC 3339 section 5.6).
  const bool is_time = part[3] < 24 && part[4] < 60 && part[5] <= 60 && part[6] < 24 && part[7] < 60;
  if (!date.ok() || !is_time || part[0] < 1970 || part[0] > 2261) return std::nullopt;
  const minutes offset = hours{part[6]} + minutes{part[7]};
  return Timestamp{sys_days{date}} + hours{part[3]} + minutes{part[4]} + seconds{part[5]} +
         std::chrono::nanoseconds{fraction} - (is_behind ? -offset : offset);
}

}  // namespace flowlens::collect
