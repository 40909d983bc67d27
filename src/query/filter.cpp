#include "flowlens/filter.hpp"

#include <algorithm>
#include <utility>

#include "query/literal.hpp"
#include "query/parser.hpp"
#include "query/program.hpp"

namespace flowlens {

std::string_view to_string(FieldKind k) noexcept {
  constexpr std::string_view kNames[] = {"count",   "octets", "port",     "protocol",
                                         "address", "time",   "duration", "ratio",
                                         "boolean", "choice", "text"};
  return kNames[static_cast<std::size_t>(k)];
}

const Field* FieldTable::find(std::string_view name) const {
  std::string wanted = query::lower(name);
  for (char& c : wanted) {
    if (c == '.' || c == '_' || c == '-') c = ' ';
  }
  const auto is_alias = [&](std::string_view aliases) {
    while (!aliases.empty()) {
      const std::size_t comma = std::min(aliases.find(','), aliases.size());
      if (aliases.substr(0, comma) == wanted) return true;
      aliases.remove_prefix(std::min(comma + 1, aliases.size()));
    }
    return false;
  };
  for (const Field& f : fields_) {
    if (f.name == wanted || is_alias(f.aliases)) return &f;
  }
  return nullptr;
}

std::string FilterError::pointing_into(std::string_view text) const {
  const std::size_t at = std::min<std::size_t>(column, text.size());
  // A mark stands under a character, not under an octet.
  const auto width =
      std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; });
  return std::string(static_cast<std::size_t>(width), ' ') + "^\n" + message + "; expected " +
         expected;
}

AnyFilter::AnyFilter(std::shared_ptr<const query::Program> program) noexcept
    : program_(std::move(program)) {}

bool AnyFilter::matches(const void* row) const noexcept { return program_->matches(row); }

std::string AnyFilter::canonical() const { return program_->canonical(); }

AnyFilter compile_filter(std::string_view text, const FieldTable& fields, Timestamp now,
                         FilterError& error) {
  if (text.size() > kMaxFilterLength) {
    error = {static_cast<std::uint32_t>(kMaxFilterLength), "the filter is too long",
             "at most 4096 octets"};
    return {};
  }
  query::Parser parser{text, fields, now};
  auto program = parser.parse();
  error = parser.error();
  return program != nullptr ? AnyFilter{std::move(program)} : AnyFilter{};
}

Completion complete_filter(std::string_view text, std::size_t cursor, const FieldTable& fields) {
  text = text.substr(0, std::min({cursor, text.size(), kMaxFilterLength}));
  constexpr std::string_view kEndsWord = " \t\r\n()[]{},=!<>~\"&|";
  const std::size_t last = text.find_last_of(kEndsWord);
  Completion completion;
  completion.from = last == std::string_view::npos ? 0 : last + 1;
  const std::string begun = query::lower(text.substr(completion.from));
  query::Parser parser{text.substr(0, completion.from), fields, Timestamp{}};
  (void)parser.parse();
  for (const std::string& word : parser.at_end()) {
    if (std::string_view{word}.starts_with(begun)) completion.candidates.push_back(word);
  }
  std::sort(completion.candidates.begin(), completion.candidates.end());
  completion.candidates.erase(
      std::unique(completion.candidates.begin(), completion.candidates.end()),
      completion.candidates.end());
  return completion;
}

}  // namespace flowlens
