#include "query/program.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "query/literal.hpp"

namespace flowlens::query {

namespace {

char lower_of(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view text, std::string_view word) noexcept {
  return text.size() == word.size() && std::equal(text.begin(), text.end(), word.begin(),
                                                  [](char a, char b) { return lower_of(a) == b; });
}

bool part_ignoring_case(std::string_view text, std::string_view word) noexcept {
  return std::search(text.begin(), text.end(), word.begin(), word.end(),
                     [](char a, char b) { return lower_of(a) == b; }) != text.end();
}

/// The C library wants a NUL at the end; what is longer than any name is cut.
bool found_in(const Pattern& pattern, std::string_view text) noexcept {
  constexpr std::size_t kMost = 1'024;
  char copy[kMost + 1];
  const std::size_t length = std::min(text.size(), kMost);
  std::copy_n(text.begin(), length, copy);
  copy[length] = '\0';
  return pattern.found_in(copy);
}

/// `>= 5` for a range without an end, `<= 5` for one without a begin; else empty.
std::string half_open(const Term& term) {
  const Field& field = *term.field;
  if (term.is_negated || term.ranges.size() != 1 || !has_order(field)) return {};
  Range bound = term.ranges[0];
  if (bound.high == std::numeric_limits<std::uint64_t>::max()) {
    bound.high = bound.low;
    return " >= " + write_value(field, bound);
  }
  if (bound.low != 0 || bound.high == 0) return {};
  bound.low = bound.high;
  return " <= " + write_value(field, bound);
}

std::string canonical_of(const Term& term) {
  const std::string name{term.field->name};
  switch (term.comparison) {
    case Comparison::present:
      return "has " + name;
    case Comparison::like:
      return name + (term.is_negated ? " !~ " : " ~ ") + quoted_if_needed(term.pattern->text());
    case Comparison::contains:
    case Comparison::one_of:
      break;
  }
  if (const std::string bound = half_open(term); !bound.empty()) return name + bound;
  std::vector<std::string> values;
  for (const Range& r : term.ranges) values.push_back(write_value(*term.field, r));
  for (const std::string& w : term.words) values.push_back(quoted_if_needed(w));
  const bool is_part = term.comparison == Comparison::contains;
  if (values.size() == 1) {
    const char* const sign = is_part ? " contains " : term.is_negated ? " != " : " = ";
    return (is_part && term.is_negated ? "not " : "") + name + sign + values[0];
  }
  std::string list;
  for (const std::string& v : values) list += (list.empty() ? "" : ", ") + v;
  const char* const sign = is_part ? " contains (" : term.is_negated ? " not in (" : " in (";
  return (is_part && term.is_negated ? "not " : "") + name + sign + list + ")";
}

std::string canonical_of(const Node& node, const std::vector<Term>& terms, bool is_inner) {
  if (node.kind == Node::Kind::term) return canonical_of(terms[node.term]);
  if (node.kind == Node::Kind::none) {
    const Node& child = node.children[0];
    const std::string text = canonical_of(child, terms, false);
    return child.kind == Node::Kind::term ? "not " + text : "not (" + text + ")";
  }
  std::string text;
  for (const Node& child : node.children) {
    if (!text.empty()) text += node.kind == Node::Kind::all ? " and " : " or ";
    text += canonical_of(child, terms, true);
  }
  return is_inner ? "(" + text + ")" : text;
}

}  // namespace

bool Term::holds(const Operand& value) const noexcept {
  switch (comparison) {
    case Comparison::present:
      return true;
    case Comparison::like:
      return found_in(*pattern, value.text);
    case Comparison::contains:
      return std::any_of(words.begin(), words.end(),
                         [&](const std::string& w) { return part_ignoring_case(value.text, w); });
    case Comparison::one_of:
      break;
  }
  if (field->kind == FieldKind::text) {
    return std::any_of(words.begin(), words.end(),
                       [&](const std::string& w) { return equal_ignoring_case(value.text, w); });
  }
  if (field->kind == FieldKind::address) {
    const auto after =
        std::upper_bound(ranges.begin(), ranges.end(), value.address,
                         [](const IpAddress& a, const Range& r) { return a < r.low_address; });
    return after != ranges.begin() && value.address <= std::prev(after)->high_address;
  }
  if (ranges.size() == 1) return value.number - ranges[0].low <= ranges[0].high - ranges[0].low;
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), value.number,
                                      [](std::uint64_t n, const Range& r) { return n < r.low; });
  return after != ranges.begin() && value.number <= std::prev(after)->high;
}

bool Term::matches(const void* row) const noexcept {
  Operand value;
  std::size_t index = 0;
  for (; field->get(row, index, value); ++index) {
    if (holds(value)) return !is_negated;
    if (!field->has_many) return is_negated;
  }
  return index != 0 && is_negated;
}

Program::Program(std::vector<Term> terms, std::unique_ptr<Node> root)
    : terms_(std::move(terms)), root_(std::move(root)) {
  if (root_ != nullptr) entry_ = lay(*root_, kTrue, kFalse);
}

Program::Step Program::step_of(std::uint32_t number, const Term& term, std::uint32_t if_true,
                               std::uint32_t if_false) {
  Step step{number, if_true, if_false};
  const Field& field = *term.field;
  const bool is_range = term.comparison == Comparison::one_of && term.ranges.size() == 1;
  if (!is_range || field.has_many || field.kind == FieldKind::text) return step;
  step.way = field.kind == FieldKind::address ? Way::address_range : Way::number_range;
  step.is_negated = term.is_negated;
  step.get = field.get;
  step.range = term.ranges[0];
  return step;
}

/// Lays the steps of a node whose outcome leads to one of two others; those behind come first.
/// \return where it begins.
std::uint32_t Program::lay(const Node& node, std::uint32_t if_true, std::uint32_t if_false) {
  switch (node.kind) {
    case Node::Kind::term:
      steps_.push_back(step_of(node.term, terms_[node.term], if_true, if_false));
      return static_cast<std::uint32_t>(steps_.size() - 1);
    case Node::Kind::none:
      return lay(node.children[0], if_false, if_true);
    case Node::Kind::all:
    case Node::Kind::any:
      break;
  }
  std::uint32_t next = node.kind == Node::Kind::all ? if_true : if_false;
  for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
    next = node.kind == Node::Kind::all ? lay(*child, next, if_false) : lay(*child, if_true, next);
  }
  return next;
}

std::string Program::canonical() const {
  return root_ == nullptr ? std::string{} : canonical_of(*root_, terms_, false);
}

}  // namespace flowlens::query
