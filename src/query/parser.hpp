/// \file
/// query: the grammar of filters, by recursive descent (docs/filters.md has it in full).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/filter.hpp"
#include "query/program.hpp"
#include "query/token.hpp"

namespace flowlens::query {

class Parser {
 public:
  Parser(std::string_view text, const FieldTable& fields, Timestamp now);

  /// \return null and error(), or the filter.
  std::shared_ptr<const Program> parse();
  [[nodiscard]] const FilterError& error() const noexcept { return error_; }
  /// What could stand at the end of the text, whether it is a filter already or not.
  [[nodiscard]] const std::vector<std::string>& at_end() const noexcept { return at_end_; }

 private:
  using Made = std::unique_ptr<Node>;

  Made parse_any(std::size_t depth);
  Made parse_all(std::size_t depth);
  Made parse_not(std::size_t depth);
  Made parse_group(std::size_t depth);
  Made parse_comparison();
  Made parse_presence();
  Made parse_list(Term term);
  Made parse_order(Term term, std::string_view op);
  Made parse_value(Term term);
  Made parse_texts(Term term);
  Made parse_pattern(Term term);
  bool take_value(Term& term);
  bool take_words(Term& term);
  const Field* take_field();
  Made add(Term term);

  [[nodiscard]] const Token& here() const noexcept { return tokens_[at_]; }
  [[nodiscard]] bool is_end() const noexcept { return here().kind == TokenKind::end; }
  [[nodiscard]] bool is_word(std::string_view word) const;
  [[nodiscard]] bool is_op(std::string_view op) const noexcept;
  bool take_word(std::string_view word);
  bool take_op(std::string_view op);
  Made fail(std::string message, std::string expected);
  Made fail_at(const Token& token, std::string message, std::string expected);
  void may_end_with(std::initializer_list<std::string_view> words);
  void may_end_with_values(const Field& field);
  void may_end_with_operators(const Field& field);
  [[nodiscard]] std::string nearest_field(std::string_view word) const;

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  const FieldTable& fields_;
  Timestamp now_;
  std::vector<Term> terms_;
  FilterError error_;
  bool has_failed_ = false;
  std::vector<std::string> at_end_;
};

}  // namespace flowlens::query
