/// \file
/// collect: one JSON object of a log, read for the few values that a flow is made of.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collect/log_output.hpp"

namespace flowlens::collect {

/// A text of a JSON object and where it stands.
struct JsonText {
  std::string text;
  const char* at = nullptr;
};

/// The values at given paths of JSON objects, one object after another. Names of a path are joined by
/// points; arrays add nothing to it. Numbers and truth values are texts, as they stand there.
class JsonRecord {
 public:
  /// \param paths  outlive it. \param list  the path of which every value is kept, in order; may be empty.
  explicit JsonRecord(std::span<const std::string_view> paths, std::string_view list = {});

  /// Reads one object. \return false if it is none, or nests too deep; then the record at hand in `out`
  /// was refused.
  bool read(std::string_view object, LogOutput& out) { return scan(object) || parse(object, out); }

  // The two halves of read(), so that a test can hold one against the other.
  /// Reads a plain object: ASCII, nothing escaped, numbers without sign and exponent, 16 brackets deep.
  /// \return false if it is not plain; whether it is good is for parse() to say.
  bool scan(std::string_view object);
  /// Reads any object, in four times the time.
  bool parse(std::string_view object, LogOutput& out);

  /// Of several values at one path the first. Valid until the next read().
  [[nodiscard]] Value value(std::size_t path) const noexcept;
  [[nodiscard]] const std::deque<JsonText>& list() const noexcept { return list_; }

 private:
  class Handler;
  void begin_record();
  void enter(std::size_t outer, std::string_view name);
  void keep(std::string_view text, const char* at);

  std::span<const std::string_view> paths_;
  std::vector<std::size_t> sorted_;  ///< positions in `paths_`, ascending by path
  std::string_view list_path_;
  std::string path_;  ///< of the value at hand
  std::vector<JsonText> values_;
  std::deque<JsonText> list_;
};

}  // namespace flowlens::collect
