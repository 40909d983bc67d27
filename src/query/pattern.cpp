#include "query/pattern.hpp"

#include <array>
#include <cctype>
#include <utility>

namespace flowlens::query {

namespace {

std::string refused(const std::string& text) {
  if (text.size() > Pattern::kMaxLength) return "a pattern has at most 256 octets";
  bool in_class = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\0') return "a pattern holds no NUL";
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    if (c == '{' && !in_class) return "counted repetitions, {…}, are not taken";
    if (c != '\\' || in_class) continue;
    if (++i < text.size() && std::isdigit(static_cast<unsigned char>(text[i]))) {
      return "back references are not taken";
    }
  }
  return {};
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
