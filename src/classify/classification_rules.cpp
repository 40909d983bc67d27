#include "flowlens/classification_rules.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "flowlens/error.hpp"

namespace flowlens {

namespace {

constexpr std::size_t kColumns = 5;
constexpr double kMostWeight = 100;
constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  std::vector<ClassificationRule> parse() {
    std::vector<ClassificationRule> rules;
    for (std::size_t start = 0; start < text_.size();) {
      const std::size_t end = std::min(text_.find('\n', start), text_.size());
      ++number_;
      line_ = text_.substr(start, end - start);
      start = end + 1;
      const std::string_view content = trimmed(line_);
      if (content.empty() || content.front() == '#') continue;
      rules.push_back(rule());
    }
    return rules;
  }

 private:
  /// \param at  a part of the line, for the column.
  [[noreturn]] void fail(std::string_view at, const std::string& what,
                         std::size_t further = 0) const {
    const auto column = static_cast<std::size_t>(at.data() - line_.data()) + 1 + further;
    throw ConfigError(name_ + ":" + std::to_string(number_) + ":" + std::to_string(column) + ": " +
                      what);
  }

  ClassificationRule rule() const {
    std::array<std::string_view, kColumns> cells;
    std::size_t count = 0, start = 0;
    for (; count < kColumns; ++count) {
      const bool is_last = count + 1 == kColumns;
      const std::size_t end =
          is_last ? line_.size() : std::min(line_.find('|', start), line_.size());
      const std::string_view cell = line_.substr(start, end - start);
      const std::string_view inner = trimmed(cell);
      cells[count] = inner.empty() ? cell.substr(0, 0) : inner;
      if (end == line_.size()) break;
      start = end + 1;
    }
    if (count + 1 < kColumns) {
      fail(line_, "a rule has five columns: type | service | condition | weight | words");
    }
    ClassificationRule r;
    r.line = number_;
    const auto type = parse_asset_type(cells[0]);
    if (!type)
      fail(cells[0], "`" + std::string(cells[0]) + "` is no type; such are database, printer");
    r.type = *type;
    read_service(cells[1], r);
    read_condition(cells[2], r);
    r.weight = weight(cells[3]);
    r.words = std::string(cells[4]);
    if (r.side == ServiceSide::none && r.words.empty()) {
      fail(cells[4], "a rule without a service needs words for its reason");
    }
    return r;
  }

  void read_service(std::string_view cell, ClassificationRule& to) const {
    if (cell.empty()) return;
    const std::size_t blank = std::min(cell.find(' '), cell.size());
    const std::string_view side = cell.substr(0, blank), kind = trimmed(cell.substr(blank));
    if (side != "serves" && side != "uses") {
      fail(cell, "give `serves` or `uses` and a kind of service, or nothing");
    }
    to.side = side == "serves" ? ServiceSide::serves : ServiceSide::uses;
    const auto found = parse_service_kind(kind);
    if (!found)
      fail(cell, "`" + std::string(kind) + "` is no kind of service; such are dns, print");
    to.kind = *found;
  }

  void read_condition(std::string_view cell, ClassificationRule& to) const {
    if (cell.empty()) return;
    FilterError error;
    to.condition = Filter<RuleSubject>::compile(cell, rule_fields(), Timestamp{}, error);
    if (!to.condition) fail(cell, error.message + "; expected " + error.expected, error.column);
  }

  double weight(std::string_view cell) const {
    const std::string_view digits = !cell.empty() && cell.front() == '+' ? cell.substr(1) : cell;
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value,
                                              std::chars_format::fixed);
    if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty() ||
        !(std::abs(value) <= kMostWeight)) {
      fail(cell, "`" + std::string(cell) + "` is no weight; give a number from -100 to 100");
    }
    return value;
  }

  std::string_view text_;
  const std::string& name_;
  std::string_view line_;
  std::uint32_t number_ = 0;
};

}  // namespace

std::vector<ClassificationRule> parse_classification_rules(std::string_view text,
                                                           const std::string& name) {
  return Parser(text, name).parse();
}

}  // namespace flowlens
