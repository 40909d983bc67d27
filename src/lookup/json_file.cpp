#include "lookup/json_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "flowlens/error.hpp"

namespace flowlens::lookup {

namespace {

constexpr int kDeepest = 64;
constexpr std::size_t kMostValues = 5'000'000;
constexpr std::size_t kLongestReason = 200;

/// Members that make up nine tenths of what a cluster tells, sorted.
constexpr std::array<std::string_view, 10> kUnwanted = {
    "annotations",           "conditions",     "containerStatuses", "containers",  "images",
    "initContainerStatuses", "initContainers", "managedFields",     "tolerations", "volumes"};

/// Stops the parser where a document would take too much.
struct Excess {
  std::string what;
};

/// Says which values the parser keeps, and stops it where there are too many.
class Keeper {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& value) {
    if (depth > kDeepest) throw Excess{"nests deeper than " + std::to_string(kDeepest)};
    if (++values_ > kMostValues) {
      throw Excess{"has more than " + std::to_string(kMostValues) + " values"};
    }
    const auto at = static_cast<std::size_t>(depth);
    if (event == Json::parse_event_t::key) return enter(at, value.get_ref<const std::string&>());
    const bool begins =
        event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (begins) is_free_[at + 1] = false;
    if (begins && is_free_next_[at]) is_free_[at + 1] = true;
    return true;
  }

 private:
  /// Names of labels and tags are their owners', and kept whatever they are.
  bool enter(std::size_t at, std::string_view name) {
    is_free_next_[at] = name == "labels" || name == "tags";
    return is_free_[at] || !std::binary_search(kUnwanted.begin(), kUnwanted.end(), name);
  }

  std::size_t values_ = 0;
  std::array<bool, kDeepest + 2> is_free_{};  ///< at each depth, whether names are anyone's
  std::array<bool, kDeepest + 2>
      is_free_next_{};  ///< whether those of the value behind the name are
};

/// Behind the library's own number and position, up to the octets that it quotes.
std::string reason_of(const Json::exception& error) {
  std::string reason = error.what();
  if (const std::size_t at = reason.find(": "); at != std::string::npos) reason.erase(0, at + 2);
  if (const std::size_t at = reason.find("; last read"); at != std::string::npos) reason.resize(at);
  reason.resize(std::min(reason.size(), kLongestReason));
  for (char& c : reason) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return reason;
}

/// `, line 3, column 7`, counted from 1, of the octet before `offset`.
std::string place_of(std::string_view document, std::size_t offset) {
  const std::string_view before = document.substr(0, std::min(offset, document.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t last = before.rfind('\n');
  const std::size_t column = before.size() - (last == std::string_view::npos ? 0 : last + 1);
  return std::to_string(line) + ":" + std::to_string(std::max<std::size_t>(column, 1));
}

}  // namespace

Json parse_json(std::string_view document, const std::string& name) {
  try {
    return Json::parse(document.begin(), document.end(), Keeper());
  } catch (const Json::parse_error& error) {
    throw IoError(name + ":" + place_of(document, error.byte) + ": " + reason_of(error));
  } catch (const Json::exception& error) {  // such as a number past all bounds
    throw IoError(name + ": " + reason_of(error));
  } catch (const Excess& excess) {
    throw IoError(name + ": " + excess.what);
  }
}

const Json& member(const Json& object, std::string_view name) noexcept {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(name);
  return found == object.end() ? kNone : *found;
}

std::string_view text_of(const Json& object, std::string_view name) noexcept {
  const Json& value = member(object, name);
  return value.is_string() ? std::string_view(value.get_ref<const std::string&>())
                           : std::string_view();
}

const Json& list_of(const Json& object, std::string_view name) noexcept {
  static const Json kEmpty = Json::array();
  const Json& value = member(object, name);
  return value.is_array() ? value : kEmpty;
}

std::optional<IpAddress> address_of(const Json& object, std::string_view name) noexcept {
  return IpAddress::parse(text_of(object, name));
}

std::optional<Timestamp> time_of(const Json& object, std::string_view name) noexcept {
  return parse_time(text_of(object, name));
}

std::optional<Timestamp> parse_time(std::string_view text) noexcept {
  if (text.ends_with('Z')) return parse_timestamp(text);
  constexpr std::size_t kOffset = 6;  // +02:00
  constexpr std::size_t kLongest = 40;
  if (text.size() < 19 + kOffset || text.size() > kLongest) return std::nullopt;
  const std::string_view offset = text.substr(text.size() - kOffset);
  if ((offset[0] != '+' && offset[0] != '-') || offset[3] != ':') return std::nullopt;
  unsigned hours = 0, minutes = 0;
  const auto read = [&](std::size_t at, unsigned& number) {
    const char* const end = offset.data() + at + 2;
    return std::from_chars(offset.data() + at, end, number).ptr == end;
  };
  if (!read(1, hours) || !read(4, minutes) || hours > 23 || minutes > 59) return std::nullopt;
  const auto local = parse_timestamp(std::string(text.substr(0, text.size() - kOffset)) + "Z");
  if (!local) return std::nullopt;
  // Away from the ends of time, where the difference would not fit.
  const auto year = std::chrono::years{1};
  if (*local < Timestamp::min() + year || *local > Timestamp::max() - year) return std::nullopt;
  const std::chrono::minutes ahead{hours * 60 + minutes};
  return offset[0] == '+' ? *local - ahead : *local + ahead;
}

}  // namespace flowlens::lookup
