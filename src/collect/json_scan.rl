// JSON objects that are plain. Ragel makes json_scan.cpp of this at build time.
#include <array>

#include "collect/json_record.hpp"

namespace flowlens::collect {

namespace {

constexpr int kDeepest = 16;
/// Longer ones may be none that a double can hold.
constexpr std::ptrdiff_t kLongestNumber = 40;

%%{
  machine json;

  prepush {
    if (top == kDeepest) return false;
    opened[static_cast<std::size_t>(top)] = path_.size();
  }
  postpop { path_.resize(opened[static_cast<std::size_t>(top)]); }
  action begin { begin = p; }
  action name { enter(opened[static_cast<std::size_t>(top - 1)], between(begin + 1, p)); }
  action text { keep(between(begin + 1, p), begin); }
  action word { keep(between(begin, p), begin); }
  action number {
    if (p - begin > kLongestNumber) return false;
    keep(between(begin, p), begin);
  }

  blank = [ \t\r\n]*;
  # What needs no decoding: ASCII that can be seen, and spaces.
  plain = [ -~] - ["\\];
  text = '"' >begin plain* '"' @text;
  name = '"' >begin plain* '"' @name;
  number = ( ( '0' | [1-9] digit* ) ( '.' digit+ )? ) >begin %number;
  word = ( 'true' | 'false' ) >begin %word;
  value = text | number | word | 'null' | '{' @{ fcall object; } | '[' @{ fcall array; };

  member = name blank ':' blank value;
  object := blank ( member blank ( ',' blank member blank )* )? '}' @{ fret; };
  array := blank ( value blank ( ',' blank value blank )* )? ']' @{ fret; };
  main := blank '{' @{ fcall object; } blank;
}%%
%% write data noerror noentry;

std::string_view between(const char* begin, const char* end) noexcept {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

bool JsonRecord::scan(std::string_view object) {
  begin_record();
  const char* p = object.data();
  const char* const pe = p + object.size();
  const char* begin = p;
  std::array<std::size_t, kDeepest> opened{};  // lengths of the path where objects and arrays began
  int stack[kDeepest];
  int top = 0;
  int cs = 0;
  %% write init;
  %% write exec;
  return p == pe && cs >= json_first_final;
}

}  // namespace flowlens::collect
