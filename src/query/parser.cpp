#include "query/parser.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "query/literal.hpp"

namespace flowlens::query {

namespace {

constexpr std::string_view kComparison = "a comparison such as dst port = 443";
constexpr std::size_t kMaxWordsOfName = 3;

/// Brings ranges in order and joins those that touch.
void normalize(const Field& field, std::vector<Range>& ranges) {
  const bool by_address = holds_address(field);
  std::sort(ranges.begin(), ranges.end(), [&](const Range& a, const Range& b) {
    return by_address ? a.low_address < b.low_address : a.low < b.low;
  });
  std::vector<Range> joined;
  for (const Range& r : ranges) {
    const bool touches =
        !joined.empty() &&
        (by_address ? r.low_address <= joined.back().high_address
                    : r.low <= joined.back().high || r.low == joined.back().high + 1);
    if (!touches) {
      joined.push_back(r);
      continue;
    }
    joined.back().high = std::max(joined.back().high, r.high);
    joined.back().high_address = std::max(joined.back().high_address, r.high_address);
  }
  ranges = std::move(joined);
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
      corner = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string shown(const Token& token) {
  if (token.kind == TokenKind::end) return "the filter ends here";
  constexpr std::size_t kMost = 40;
  std::string text{token.text.substr(0, kMost)};
  return "'" + text + (token.text.size() > kMost ? "…'" : "'");
}

}  // namespace

Parser::Parser(std::string_view text, const FieldTable& fields, Timestamp now)
    : tokens_(scan(text)), fields_(fields), now_(now) {}

std::shared_ptr<const Program> Parser::parse() {
  Made root;
  if (is_end()) {
    for (const Field& f : fields_.fields()) may_end_with({f.name});
    may_end_with({"not", "has", "("});
  } else {
    root = parse_any(0);
    if (!has_failed_ && !is_end()) {
      fail(shown(here()) + " does not belong here", "'and', 'or' or the end of the filter");
    }
  }
  if (has_failed_) return nullptr;
  return std::make_shared<const Program>(std::move(terms_), std::move(root));
}

Parser::Made Parser::parse_any(std::size_t depth) {
  std::vector<Node> children;
  do {
    Made child = parse_all(depth);
    if (!child) return nullptr;
    children.push_back(std::move(*child));
  } while (take_word("or") || take_op("||"));
  if (children.size() == 1) return std::make_unique<Node>(std::move(children[0]));
  Node any{Node::Kind::any, 0, {}};
  for (Node& c : children) {
    if (c.kind != Node::Kind::any)
      any.children.push_back(std::move(c));
    else
      std::move(c.children.begin(), c.children.end(), std::back_inserter(any.children));
  }
  return std::make_unique<Node>(std::move(any));
}

Parser::Made Parser::parse_all(std::size_t depth) {
  std::vector<Node> children;
  do {
    Made child = parse_not(depth);
    if (!child) return nullptr;
    children.push_back(std::move(*child));
    if (is_end()) may_end_with({"and", "or"});
    if (is_end() && depth > 0) may_end_with({")"});
  } while (take_word("and") || take_op("&&"));
  if (children.size() == 1) return std::make_unique<Node>(std::move(children[0]));
  Node all{Node::Kind::all, 0, {}};
  for (Node& c : children) {
    if (c.kind != Node::Kind::all)
      all.children.push_back(std::move(c));
    else
      std::move(c.children.begin(), c.children.end(), std::back_inserter(all.children));
  }
  return std::make_unique<Node>(std::move(all));
}

Parser::Made Parser::parse_not(std::size_t depth) {
  if (depth > kMaxFilterDepth) {
    return fail("too many parentheses and 'not' inside each other", "64 at most");
  }
  if (take_word("not") || take_op("!")) {
    Made child = parse_not(depth + 1);
    if (!child) return nullptr;
    if (child->kind == Node::Kind::none) {
      return std::make_unique<Node>(std::move(child->children[0]));
    }
    Node none{Node::Kind::none, 0, {}};
    none.children.push_back(std::move(*child));
    return std::make_unique<Node>(std::move(none));
  }
  if (here().kind == TokenKind::open) return parse_group(depth);
  if (take_word("has")) return parse_presence();
  return parse_comparison();
}

Parser::Made Parser::parse_group(std::size_t depth) {
  ++at_;
  Made inner = parse_any(depth + 1);
  if (!inner) return nullptr;
  if (here().kind != TokenKind::close) return fail(shown(here()), "')'");
  ++at_;
  return inner;
}

Parser::Made Parser::parse_presence() {
  Term term;
  term.field = take_field();
  if (term.field == nullptr) return nullptr;
  term.comparison = Comparison::present;
  return add(std::move(term));
}

Parser::Made Parser::parse_comparison() {
  Term term;
  term.field = take_field();
  if (term.field == nullptr) return nullptr;
  if (is_end()) may_end_with_operators(*term.field);
  if (take_word("not")) {
    term.is_negated = true;
    if (!is_word("in")) return fail(shown(here()), "'in'");
  }
  if (take_word("in")) return parse_list(std::move(term));
  if (take_word("contains")) return parse_texts(std::move(term));
  if (take_word("matches") || take_op("~")) return parse_pattern(std::move(term));
  if (take_op("!~")) {
    term.is_negated = true;
    return parse_pattern(std::move(term));
  }
  if (take_op("=") || take_op("==")) return parse_value(std::move(term));
  if (take_op("!=") || take_op("<>")) {
    term.is_negated = true;
    return parse_value(std::move(term));
  }
  for (const std::string_view op : {"<=", ">=", "<", ">"}) {
    if (take_op(op)) return parse_order(std::move(term), op);
  }
  const bool ends_term = is_end() || here().kind == TokenKind::close || is_word("and") ||
                         is_word("or") || is_op("&&") || is_op("||");
  if (ends_term && term.field->kind == FieldKind::boolean) {
    Range yes;
    yes.low = yes.high = 1;
    term.ranges.push_back(yes);
    return add(std::move(term));
  }
  return parse_value(std::move(term));
}

Parser::Made Parser::parse_list(Term term) {
  if (here().kind != TokenKind::open) return parse_value(std::move(term));
  ++at_;
  do {
    if (!take_value(term)) return nullptr;
  } while (here().kind == TokenKind::comma && ++at_ != 0);
  if (here().kind != TokenKind::close) return fail(shown(here()), "',' or ')'");
  ++at_;
  return add(std::move(term));
}

Parser::Made Parser::parse_value(Term term) {
  if (!take_value(term)) return nullptr;
  return add(std::move(term));
}

Parser::Made Parser::parse_order(Term term, std::string_view op) {
  const Field& field = *term.field;
  const Token token = here();
  if (!has_order(field)) {
    return fail("'" + std::string{field.name} + "' has no order", "'=', '!=' or 'in'");
  }
  if (!take_value(term)) return nullptr;
  Range range = term.ranges[0];
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const bool is_void = (op == "<" && range.low == 0) || (op == ">" && range.high == kMost);
  if (is_void)
    return fail_at(token, "nothing is " + std::string{op} + " " + shown(token), "another value");
  if (op == "<")
    range = {0, range.low - 1, {}, {}};
  else if (op == "<=")
    range.low = 0;
  else if (op == ">")
    range = {range.high + 1, kMost, {}, {}};
  else
    range.high = kMost;
  term.ranges[0] = range;
  return add(std::move(term));
}

Parser::Made Parser::parse_texts(Term term) {
  if (!holds_text(*term.field)) {
    return fail("'" + std::string{term.field->name} + "' is no text", "'=', '!=' or 'in'");
  }
  term.comparison = Comparison::contains;
  return parse_list(std::move(term));
}

Parser::Made Parser::parse_pattern(Term term) {
  if (!holds_text(*term.field)) {
    return fail("'" + std::string{term.field->name} + "' is no text", "'=', '!=' or 'in'");
  }
  if (here().kind != TokenKind::word && here().kind != TokenKind::quoted) {
    return fail(shown(here()), "a regular expression in quotation marks");
  }
  std::string why;
  auto pattern = std::make_shared<const Pattern>(unquoted(here().text), why);
  if (!why.empty()) return fail(why, "a POSIX extended regular expression");
  ++at_;
  term.comparison = Comparison::like;
  term.pattern = std::move(pattern);
  return add(std::move(term));
}

bool Parser::take_words(Term& term) {
  term.words.push_back(lower(unquoted(here().text)));
  ++at_;
  return true;
}

bool Parser::take_value(Term& term) {
  const Field& field = *term.field;
  if (is_end()) may_end_with_values(field);
  if (here().kind != TokenKind::word && here().kind != TokenKind::quoted) {
    fail(shown(here()), describe_values(field));
    return false;
  }
  if (holds_text(field)) return take_words(term);
  const auto range = read_value(field, unquoted(here().text), now_);
  if (!range) {
    fail(shown(here()) + " is nothing to compare '" + std::string{field.name} + "' with",
         describe_values(field));
    return false;
  }
  term.ranges.push_back(*range);
  ++at_;
  return true;
}

/// The longest name that stands here.
const Field* Parser::take_field() {
  std::string name;
  const Field* found = nullptr;
  std::size_t end = at_;
  for (std::size_t n = 0; n < kMaxWordsOfName && tokens_[at_ + n].kind == TokenKind::word; ++n) {
    name += (n == 0 ? "" : " ") + std::string{tokens_[at_ + n].text};
    if (const Field* f = fields_.find(name)) {
      found = f;
      end = at_ + n + 1;
    }
    if (tokens_[at_ + n + 1].kind != TokenKind::end) continue;
    const std::string begun = lower(name) + " ";
    for (const Field& f : fields_.fields()) {
      if (f.name.starts_with(begun)) may_end_with({f.name.substr(begun.size())});
    }
  }
  if (found != nullptr) {
    at_ = end;
    return found;
  }
  if (is_end()) {
    for (const Field& f : fields_.fields()) may_end_with({f.name});
    may_end_with({"not", "has", "("});
  }
  if (here().kind != TokenKind::word) {
    fail(shown(here()), std::string{kComparison});
  } else {
    const std::string near = nearest_field(here().text);
    fail("no field is called " + shown(here()),
         near.empty() ? std::string{kComparison} : "perhaps '" + near + "'");
  }
  return nullptr;
}

std::string Parser::nearest_field(std::string_view word) const {
  const std::string wanted = lower(word);
  std::string_view best;
  std::size_t least = wanted.size() / 3 + 2;
  for (const Field& f : fields_.fields()) {
    const std::size_t d = f.name.find(wanted) != std::string_view::npos && wanted.size() > 1
                              ? 1
                              : std::min(distance(wanted, f.name),
                                         distance(wanted, f.name.substr(0, f.name.find(' '))));
    if (d >= least) continue;
    least = d;
    best = f.name;
  }
  return std::string{best};
}

Parser::Made Parser::add(Term term) {
  if (terms_.size() >= kMaxFilterTerms) return fail("too many comparisons", "256 at most");
  if (!holds_text(*term.field)) normalize(*term.field, term.ranges);
  std::sort(term.words.begin(), term.words.end());
  term.words.erase(std::unique(term.words.begin(), term.words.end()), term.words.end());
  Node node{Node::Kind::term, static_cast<std::uint32_t>(terms_.size()), {}};
  terms_.push_back(std::move(term));
  return std::make_unique<Node>(std::move(node));
}

bool Parser::is_word(std::string_view word) const {
  return here().kind == TokenKind::word && lower(here().text) == word;
}
bool Parser::is_op(std::string_view op) const noexcept {
  return here().kind == TokenKind::op && here().text == op;
}
bool Parser::take_word(std::string_view word) {
  if (!is_word(word)) return false;
  ++at_;
  return true;
}
bool Parser::take_op(std::string_view op) {
  if (!is_op(op)) return false;
  ++at_;
  return true;
}

Parser::Made Parser::fail(std::string message, std::string expected) {
  return fail_at(here(), std::move(message), std::move(expected));
}

Parser::Made Parser::fail_at(const Token& token, std::string message, std::string expected) {
  if (has_failed_) return nullptr;
  has_failed_ = true;
  if (token.kind == TokenKind::bad) {
    const bool is_quote = token.text.front() == '"';
    message = is_quote ? "this quotation has no end" : "no filter holds " + shown(token);
    expected = is_quote ? "a closing '\"'" : std::string{kComparison};
  }
  error_ = {token.column, std::move(message), std::move(expected)};
  return nullptr;
}

void Parser::may_end_with(std::initializer_list<std::string_view> words) {
  for (const std::string_view w : words) at_end_.emplace_back(w);
}

void Parser::may_end_with_operators(const Field& field) {
  may_end_with({"=", "!=", "in", "not in"});
  if (holds_text(field)) may_end_with({"contains", "~", "!~"});
  if (has_order(field)) may_end_with({"<", "<=", ">", ">="});
  may_end_with_values(field);
}

void Parser::may_end_with_values(const Field& field) {
  for (const std::string_view choice : field.choices) may_end_with({choice});
  if (field.kind == FieldKind::boolean) may_end_with({"yes", "no"});
  if (field.kind == FieldKind::protocol) may_end_with({"tcp", "udp", "icmp"});
}

}  // namespace flowlens::query
