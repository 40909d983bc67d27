#include "query/pattern.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

namespace flowlens::query {

namespace {

/// Octets of what a pattern is once each `a+` is written as `aa*`, as the C library does: a `+` behind a
/// `+` doubles what was doubled.
class WrittenOut {
 public:
  void take_atom() noexcept {
    in_.back() += last_;
    last_ = 1;
  }
  void open() {
    take_atom();
    last_ = 0;
    in_.push_back(0);
  }
  void close() {
    if (in_.size() == 1) return take_atom();  // nothing was opened: it is a letter
    last_ += in_.back();
    in_.pop_back();
  }
  void repeat() noexcept { last_ = std::min(2 * last_, Pattern::kMaxWrittenOut + 1); }
  [[nodiscard]] bool is_too_long() const noexcept {
    return std::accumulate(in_.begin(), in_.end(), last_) > Pattern::kMaxWrittenOut;
  }

 private:
  std::vector<std::size_t> in_{0};  ///< before the last atom, by group
  std::size_t last_ = 0;
};

/// \return where the class that opens at `i` has its closing bracket, or the end of the text.
std::size_t end_of_class(std::string_view text, std::size_t i) noexcept {
  if (text.substr(i + 1, 1) == "^") ++i;
  if (text.substr(i + 1, 1) == "]") ++i;  // stands for itself
  for (++i; i < text.size() && text[i] != ']'; ++i) {
    if (text[i] != '[' || i + 1 == text.size() || !std::strchr(":.=", text[i + 1])) continue;
    const char end[] = {text[i + 1], ']', '\0'};
    i = text.find(end, i + 2);
    if (i == text.npos) return text.size();
    ++i;
  }
  return i;
}

std::string refused(std::string_view text) {
  if (text.size() > Pattern::kMaxLength) return "a pattern has at most 256 octets";
  if (text.find('\0') != text.npos) return "a pattern holds no NUL";
  WrittenOut whole;
  for (std::size_t i = 0; i < text.size() && !whole.is_too_long(); ++i) {
    const char c = text[i];
    if (c == '{') return "counted repetitions, {…}, are not taken";
    if (c == '+') {
      whole.repeat();
    } else if (c == '(') {
      whole.open();
    } else if (c == ')') {
      whole.close();
    } else if (c != '*' && c != '?') {  // they belong to the last
      whole.take_atom();
    }
    if (c == '[') i = end_of_class(text, i);
    if (c != '\\' || ++i == text.size()) continue;
    if (std::isdigit(static_cast<unsigned char>(text[i]))) return "back references are not taken";
  }
  return whole.is_too_long() ? "a pattern repeats repetitions of repetitions, with +" : "";
}

}  // namespace

Pattern::Pattern(std::string text, std::string& why) : text_(std::move(text)) {
  why = refused(text_);
  if (!why.empty()) return;
  const int code = regcomp(&compiled_, text_.c_str(), REG_EXTENDED | REG_ICASE | REG_NOSUB);
  is_compiled_ = code == 0;
  if (is_compiled_) return;
  std::array<char, 128> message{};
  regerror(code, &compiled_, message.data(), message.size());
  why = message.data();
}

Pattern::~Pattern() {
  if (is_compiled_) regfree(&compiled_);
}

bool Pattern::found_in(const char* text) const noexcept {
  return is_compiled_ && regexec(&compiled_, text, 0, nullptr, 0) == 0;
}

}  // namespace flowlens::query
