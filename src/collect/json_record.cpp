#include "collect/json_record.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>

namespace flowlens::collect {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kDeepest = 64;
constexpr std::size_t kLongestProblem = 200;

/// Octets for the parser, which tell how far it has come.
class Position {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Position(const char* p, const char** reached) : p_(p), reached_(reached) {}
  const char& operator*() const noexcept { return *p_; }
  Position& operator++() noexcept {
    *reached_ = ++p_;
    return *this;
  }
  Position operator++(int) noexcept {
    Position before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const Position& a, const Position& b) noexcept { return a.p_ == b.p_; }

 private:
  const char* p_;
  const char** reached_;
};

}  // namespace

/// Walks with the parser and knows at which path it is.
class JsonRecord::Handler {
 public:
  Handler(JsonRecord& record, const char* begin) : reached(begin), record_(record), begin_(begin) {}

  const char* reached;
  std::string problem;

  // What the parser calls; false ends it.
  bool null() { return true; }
  bool boolean(bool value) {
    const std::string_view text = value ? "true" : "false";
    return take(text, text.size());  // which ends of itself
  }
  bool number_integer(Json::number_integer_t value) { return take_number(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return take_number(value); }
  bool number_float(Json::number_float_t value, const std::string& text) {
    if (text.find_first_of("eE") == std::string::npos) return take(text);
    // 6e-05 seconds are 0.000060000.
    std::array<char, 384> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                   std::chars_format::fixed, 9)
                         .ptr;
    return take({digits.data(), static_cast<std::size_t>(end - digits.data())}, text.size() + 1);
  }
  bool string(std::string& text) { return take(text, text.size() + 2); }
  bool binary(Json::binary_t&) { return true; }
  bool start_object(std::size_t) { return open(); }
  bool key(std::string& name) {
    record_.enter(opened_.back(), name);
    return true;
  }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) {
    problem = error.what();
    // Behind the library's own number and position, which are of no use here.
    if (const std::size_t at = problem.find(": "); at != std::string::npos) {
      problem.erase(0, at + 2);
    }
    return false;
  }

 private:
  template <typename Number>
  bool take_number(Number value) {
    std::array<char, 24> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return take({text.data(), static_cast<std::size_t>(end - text.data())});
  }
  /// A number as it stands there, and the octet that ended it.
  bool take(std::string_view text) { return take(text, text.size() + 1); }
  /// \param octets  read of it.
  bool take(std::string_view text, std::size_t octets) {
    const auto passed = static_cast<std::size_t>(reached - begin_);
    record_.keep(text, reached - std::min(passed, octets));
    return true;
  }
  bool open() {
    if (opened_.size() >= kDeepest) {
      problem = "nests deeper than " + std::to_string(kDeepest);
      return false;
    }
    opened_.push_back(record_.path_.size());
    return true;
  }
  bool close() {
    record_.path_.resize(opened_.back());
    opened_.pop_back();
    return true;
  }

  JsonRecord& record_;
  const char* begin_;
  std::vector<std::size_t> opened_;  ///< lengths of the path where objects and arrays began
};

JsonRecord::JsonRecord(std::span<const std::string_view> paths, std::string_view list)
    : paths_(paths), sorted_(paths.size()), list_path_(list), values_(paths.size()) {
  std::iota(sorted_.begin(), sorted_.end(), std::size_t{0});
  std::sort(sorted_.begin(), sorted_.end(),
            [&](std::size_t a, std::size_t b) { return paths_[a] < paths_[b]; });
}

void JsonRecord::begin_record() {
  for (JsonText& v : values_) v.at = nullptr;
  list_.clear();
  path_.clear();
}

/// Goes to a member of the object whose path has `outer` octets.
void JsonRecord::enter(std::size_t outer, std::string_view name) {
  path_.resize(outer);
  if (!path_.empty()) path_ += '.';
  path_ += name;
}

bool JsonRecord::parse(std::string_view object, LogOutput& out) {
  begin_record();
  if (const std::size_t at = object.find_first_not_of(" \t\r\n");
      at == std::string_view::npos || object[at] != '{') {
    out.refuse(object.data(), quoted(object) + " is no JSON object");
    return false;
  }
  Handler handler(*this, object.data());
  const bool is_good =
      Json::sax_parse(Position(object.data(), &handler.reached),
                      Position(object.data() + object.size(), &handler.reached), &handler);
  if (is_good) return true;
  // The parser has read the octet that it did not like, unless there was none.
  const bool is_cut = handler.problem.find("end of input") != std::string::npos;
  out.refuse(handler.reached - (is_cut ? 0 : 1), plain(handler.problem, kLongestProblem));
  return false;
}

void JsonRecord::keep(std::string_view text, const char* at) {
  const std::string_view path = path_;
  if (!list_path_.empty() && path == list_path_) {
    list_.push_back({std::string(text), at});
    return;
  }
  const auto found =
      std::lower_bound(sorted_.begin(), sorted_.end(), path,
                       [&](std::size_t i, std::string_view p) { return paths_[i] < p; });
  if (found == sorted_.end() || paths_[*found] != path || values_[*found].at != nullptr) return;
  values_[*found].text = text;
  values_[*found].at = at;
}

Value JsonRecord::value(std::size_t path) const noexcept {
  const JsonText& v = values_[path];
  if (v.at == nullptr) return {};
  return {v.text, v.at};
}

}  // namespace flowlens::collect
