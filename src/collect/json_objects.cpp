#include "collect/json_objects.hpp"

#include "flowlens/error.hpp"

namespace flowlens::collect {
namespace {

constexpr std::size_t kPiece = 64u << 10;
constexpr std::size_t kDeepest = 64;

/// Follows one object to its end.
class Brackets {
 public:
  /// \return whether the object ends with this octet.
  bool ends_with(char c) noexcept {
    if (in_text_) {
      if (is_escaped_) {
        is_escaped_ = false;
      } else if (c == '\\') {
        is_escaped_ = true;
      } else if (c == '"') {
        in_text_ = false;
      }
      return false;
    }
    if (c == '"') in_text_ = true;
    if (c == '{' || c == '[') ++depth_;
    if (c == '}' || c == ']') --depth_;
    return depth_ == 0;
  }

 private:
  std::size_t depth_ = 0;
  bool in_text_ = false;
  bool is_escaped_ = false;
};

}  // namespace

void JsonObjects::fail(const std::string& what) const {
  throw IoError(name_ + ':' + std::to_string(source_.line_number()) + ':' +
                std::to_string(source_.octets_into_line() + 1) + ": " + what);
}

void JsonObjects::open(char c) {
  if (opened_.size() >= kDeepest) fail("brackets nest deeper than " + std::to_string(kDeepest));
  opened_.push_back(c);
}

void JsonObjects::close(char c) {
  if (opened_.empty() || opened_.back() != (c == '}' ? '{' : '[')) {
    fail(std::string("`") + c + "` closes nothing");
  }
  opened_.pop_back();
}

/// Whether the octet may stand between two objects.
bool JsonObjects::is_between(char c, LogOutput& out) {
  if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',') return true;
  // UTF-8's mark of the byte order, in front of all.
  if (source_.offset() < 3 && static_cast<unsigned char>(c) >= 0xbb) return true;
  const std::string_view rest = source_.peek(kPiece);
  const std::string_view line = rest.substr(0, rest.find('\n'));
  ++out.counters.records;
  out.begin(line, source_.line_number(), source_.octets_into_line());
  out.refuse(line.data(), quoted(line) + " stands where an object should begin");
  source_.skip(line.size());
  return false;
}

/// \return false at the end of the document.
bool JsonObjects::find_begin(LogOutput& out) {
  while (true) {
    const std::string_view view = source_.peek(1);
    if (view.empty()) return false;
    const char c = view.front();
    if (in_text_) {
      if (is_escaped_) {
        is_escaped_ = false;
      } else if (c == '\\') {
        is_escaped_ = true;
      } else if (c == '"') {
        in_text_ = false;
      }
    } else if (c == '{' && opened_.size() == depth_ && (depth_ == 0 || opened_.back() == '[')) {
      return true;
    } else if (c == '{' || c == '[') {
      open(c);
    } else if (c == '}' || c == ']') {
      close(c);
    } else if (opened_.size() == depth_) {
      if (!is_between(c, out)) continue;
    } else if (c == '"') {
      in_text_ = true;
    }
    source_.skip(1);
  }
}

bool JsonObjects::next(std::string_view& object, LogOutput& out) {
  source_.skip(taken_);
  taken_ = 0;
  while (find_begin(out)) {
    const std::uint64_t line = source_.line_number();
    const std::size_t into_line = source_.octets_into_line();
    Brackets brackets;
    bool is_held = true;
    std::string_view view = source_.peek(kPiece);
    std::size_t at = 0;
    while (!brackets.ends_with(view[at])) {
      if (++at < view.size()) continue;
      if (at >= source_.max_record()) {
        // Too long to be held: followed to its end all the same.
        is_held = false;
        source_.skip(at);
        at = 0;
      }
      view = source_.peek(at + kPiece);
      if (at < view.size()) continue;
      source_.check_end();
      fail("the document is cut short in an object that begins in line " + std::to_string(line));
    }
    ++at;
    if (is_held) {
      object = view.substr(0, at);
      out.begin(object, line, into_line);
      taken_ = at;
      return true;
    }
    ++out.counters.records;
    out.begin({}, line);
    out.refuse(nullptr,
               "an object of more than " + std::to_string(source_.max_record()) + " octets");
    source_.skip(at);
  }
  source_.check_end();
  if (!opened_.empty() || in_text_) fail("the document is cut short");
  return false;
}

}  // namespace flowlens::collect
