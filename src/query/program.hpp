/// \file
/// query: a filter as it is evaluated: comparisons in a row, each with where to go on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/field_table.hpp"
#include "query/pattern.hpp"

namespace flowlens::query {

/// Values from `low` to `high`, both included. Of the two pairs the field's kind says which holds.
struct Range {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  IpAddress low_address;
  IpAddress high_address;
};

enum class Comparison : std::uint8_t {
  one_of,    ///< in one of the ranges, or equal to one of the words
  contains,  ///< text: one of the words is a part of it
  like,      ///< text: the pattern is found in it
  present,   ///< the row has the field
};

/// One comparison. A row without the field matches none, negated or not.
struct Term {
  const Field* field = nullptr;
  Comparison comparison = Comparison::one_of;
  bool is_negated = false;
  std::vector<Range> ranges;       ///< ascending, none touches another
  std::vector<std::string> words;  ///< lower case, ascending
  std::shared_ptr<const Pattern> pattern;

  [[nodiscard]] bool matches(const void* row) const noexcept;

 private:
  [[nodiscard]] bool holds(const Operand& value) const noexcept;
};

/// How comparisons are combined.
struct Node {
  enum class Kind : std::uint8_t { term, all, any, none };
  Kind kind = Kind::term;
  std::uint32_t term = 0;
  std::vector<Node> children;  ///< of `none` (not) exactly one
};

/// Immutable once made.
class Program {
 public:
  /// \param root  nothing: every row matches.
  Program(std::vector<Term> terms, std::unique_ptr<Node> root);

  [[nodiscard]] bool matches(const void* row) const noexcept {
    std::uint32_t at = entry_;
    Operand value;
    while (at < kFalse) {
      const Step& step = steps_[at];
      at = holds(step, row, value) ? step.if_true : step.if_false;
    }
    return at == kTrue;
  }
  [[nodiscard]] std::string canonical() const;

 private:
  static constexpr std::uint32_t kTrue = 0xffff'ffffu, kFalse = 0xffff'fffeu;
  /// How a comparison is made; most are of one value with one range, which stands in the step itself.
  enum class Way : std::uint8_t { number_range, address_range, term };
  struct Step {
    std::uint32_t term;
    std::uint32_t if_true;
    std::uint32_t if_false;
    Way way = Way::term;
    bool is_negated = false;
    Field::Get get = nullptr;
    Range range{};
  };
  static Step step_of(std::uint32_t number, const Term& term, std::uint32_t if_true,
                      std::uint32_t if_false);
  /// \param value  room for what is read of the row.
  [[nodiscard]] bool holds(const Step& step, const void* row, Operand& value) const noexcept {
    const Range& r = step.range;
    switch (step.way) {
      case Way::number_range:
        if (!step.get(row, 0, value)) return false;
        return (value.number - r.low <= r.high - r.low) != step.is_negated;
      case Way::address_range:
        if (!step.get(row, 0, value)) return false;
        return (r.low_address <= value.address && value.address <= r.high_address) !=
               step.is_negated;
      case Way::term:
        break;
    }
    return terms_[step.term].matches(row);
  }
  std::uint32_t lay(const Node& node, std::uint32_t if_true, std::uint32_t if_false);

  std::vector<Term> terms_;
  std::unique_ptr<Node> root_;
  std::vector<Step> steps_;
  std::uint32_t entry_ = kTrue;
};

}  // namespace flowlens::query
