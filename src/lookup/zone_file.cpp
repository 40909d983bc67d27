#include "flowlens/zone_file.hpp"

#include <algorithm>
#include <array>
#include <system_error>

#include "flowlens/error.hpp"
#include "lookup/address_names.hpp"
#include "lookup/fact_sheet.hpp"
#include "lookup/whole_file.hpp"
#include "lookup/zone_entries.hpp"

namespace flowlens {

namespace {

using lookup::FactSheet;
using lookup::is_equal_word;
using lookup::shown;
using lookup::ZoneEntry;

constexpr std::size_t kDeepestInclude = 8;
constexpr std::size_t kMostIncludes = 1'000;

/// `3600`, `1h30m`
bool is_ttl(std::string_view word) noexcept {
  return !word.empty() && word.front() >= '0' && word.front() <= '9' &&
         std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= '0' && c <= '9') ||
                  std::string_view{"smhdwSMHDW"}.find(c) != std::string_view::npos;
         });
}

bool is_class(std::string_view word) noexcept {
  return is_equal_word(word, "in") || is_equal_word(word, "ch") || is_equal_word(word, "hs");
}

/// The address that a name below in-addr.arpa (four octets) or ip6.arpa (32 digits) stands for.
std::optional<IpAddress> address_of(std::string_view name) {
  const std::string small = lookup::lower(name);
  std::string_view labels = small;
  const bool is_v4 = labels.ends_with(".in-addr.arpa");
  if (!is_v4 && !labels.ends_with(".ip6.arpa")) return std::nullopt;
  labels.remove_suffix(std::string_view{is_v4 ? ".in-addr.arpa" : ".ip6.arpa"}.size());
  std::string text;
  std::size_t count = 0;
  for (; !labels.empty(); ++count) {
    const std::size_t point = labels.rfind('.');
    const std::string_view label =
        point == std::string_view::npos ? labels : labels.substr(point + 1);
    if (is_v4 && count > 0) text += '.';
    if (!is_v4 && count > 0 && count % 4 == 0) text += ':';
    if (!is_v4 && label.size() != 1) return std::nullopt;
    text += label;
    labels = point == std::string_view::npos ? std::string_view{} : labels.substr(0, point);
  }
  return count == (is_v4 ? 4U : 32U) ? IpAddress::parse(text) : std::nullopt;
}

/// Reads one zone and what it includes.
class ZoneReader {
 public:
  ZoneReader(std::optional<std::string> origin, FactSheet& sheet)
      : origin_(std::move(origin)),
        sheet_(sheet),
        octets_left_(sheet.options().max_octets),
        file_(sheet.options().path) {}

  void read(std::string_view text) {
    lookup::ZoneEntries entries{text, sheet_.options().max_line};
    for (ZoneEntry entry; entries.next(entry);) {
      if (!entry.error.empty()) {
        broken(entry, entry.error);
      } else if (entry.has_owner && entry.words.front().starts_with('$')) {
        direct(entry);
      } else {
        take_record(entry);
      }
    }
  }
  void tell() const { names_.tell(FactSource::dns, sheet_); }

 private:
  void broken(const ZoneEntry& entry, const std::string& what) {
    sheet_.broken(file_, entry.line, what);
  }

  /// `name` with its origin and without the point at the end. \return empty where it has none.
  [[nodiscard]] std::string whole(std::string_view name) const {
    const bool is_whole = name.ends_with('.') && !name.ends_with("\\.");
    if (is_whole) return std::string(name.substr(0, name.size() - 1));
    if (!origin_) return {};
    if (name == "@") return *origin_;
    return origin_->empty() ? std::string(name) : std::string(name) + '.' + *origin_;
  }

  void direct(const ZoneEntry& entry) {
    const std::string& what = entry.words.front();
    if (is_equal_word(what, "$ttl")) return;  // how long others may remember it
    if (entry.words.size() < 2) return broken(entry, shown(what) + " wants a word behind it");
    if (is_equal_word(what, "$origin")) {
      turn_to(entry, entry.words[1]);
    } else if (is_equal_word(what, "$include")) {
      include(entry);
    } else {
      broken(entry, shown(what) + " is not known; only $ORIGIN, $TTL and $INCLUDE are");
    }
  }

  /// Goes on at another origin. \return false if `word` is none.
  bool turn_to(const ZoneEntry& entry, const std::string& word) {
    std::string origin = whole(word);
    if (lookup::host_name(origin).empty() && word != ".") {
      broken(entry, shown(word) + " is no whole domain name; end it with a point");
      return false;
    }
    origin_ = std::move(origin);
    return true;
  }

  void include(const ZoneEntry& entry) {
    if (depth_ >= kDeepestInclude || ++includes_ > kMostIncludes) {
      return broken(entry, "$INCLUDE is too deep, or there are too many");
    }
    const std::filesystem::path root = sheet_.options().path.parent_path();
    std::string text;
    std::filesystem::path path;
    try {
      path = inside(root.empty() ? "." : root, entry.words[1]);
      text = lookup::read_file(path, octets_left_);
    } catch (const Error& error) {
      return broken(entry, std::string("$INCLUDE: ") + error.what());
    }
    octets_left_ -= text.size();
    // RFC 1035 §5.1: the including file goes on with the origin it had.
    const Place place{origin_, owner_, file_};
    if (entry.words.size() > 2 && !turn_to(entry, entry.words[2])) return;
    file_ = path;
    ++depth_;
    read(text);
    --depth_;
    origin_ = place.origin;
    owner_ = place.owner;
    file_ = place.file;
  }

  /// \throws IoError for a file that is not below `root`, links followed, or is not there.
  static std::filesystem::path inside(const std::filesystem::path& root, const std::string& name) {
    std::error_code error;
    const auto base = std::filesystem::canonical(root, error);
    const auto path = error ? base : std::filesystem::canonical(base / name, error);
    if (error) throw IoError(shown(name) + ": " + error.message());
    const auto [end, at] = std::mismatch(base.begin(), base.end(), path.begin(), path.end());
    if (end != base.end()) throw IoError(shown(name) + " is not in the directory of the zone");
    return path;
  }

  void take_record(const ZoneEntry& entry) {
    std::size_t at = 0;
    if (entry.has_owner) owner_ = whole(entry.words[at++]);
    std::string_view type_class = "in";
    std::size_t more = 2;  // time to live and class, in either order
    for (; more > 0 && at < entry.words.size(); --more, ++at) {
      if (is_class(entry.words[at])) {
        type_class = entry.words[at];
      } else if (!is_ttl(entry.words[at])) {
        break;
      }
    }
    if (at >= entry.words.size()) return broken(entry, "the line has no type of record");
    const std::string& type = entry.words[at];
    const bool is_address = is_equal_word(type, "a") || is_equal_word(type, "aaaa");
    if ((!is_address && !is_equal_word(type, "ptr")) || !is_equal_word(type_class, "in")) {
      return sheet_.pass_over();
    }
    if (at + 2 != entry.words.size()) return broken(entry, "the record wants one value");
    if (owner_.empty()) {
      return broken(entry,
                    "the record's owner is relative to an origin that is not known; begin the "
                    "file with `$ORIGIN zone.`, or name the file after its zone");
    }
    if (is_address) {
      take_address(entry, is_equal_word(type, "a"), entry.words.back());
    } else {
      take_pointer(entry, whole(entry.words.back()));
    }
  }

  void take_address(const ZoneEntry& entry, bool is_v4, std::string_view value) {
    const auto address = IpAddress::parse(value);
    const bool has_colon = value.find(':') != std::string_view::npos;
    if (!address || has_colon == is_v4) {
      return broken(entry, shown(value) + (is_v4 ? " is no IPv4 address" : " is no IPv6 address"));
    }
    const std::string_view name = lookup::host_name(owner_);
    if (name.empty()) return sheet_.pass_over();  // `*.example.com` and the like
    names_.add(*address, name, false, entry.line, sheet_);
  }

  void take_pointer(const ZoneEntry& entry, std::string_view value) {
    const auto address = address_of(owner_);
    const std::string_view name = lookup::host_name(value);
    // Pointers that are not of an address: RFC 2317's, DNS-SD's.
    if (!address) return sheet_.pass_over();
    if (name.empty()) return broken(entry, shown(entry.words.back()) + " is no whole host name");
    names_.add(*address, name, true, entry.line, sheet_);
  }

  struct Place {
    std::optional<std::string> origin;
    std::string owner;
    std::filesystem::path file;
  };
  std::optional<std::string> origin_;  ///< without a point at the end; nothing: not known
  std::string owner_ = whole("@");     ///< of the last record; empty: not known
  FactSheet& sheet_;
  std::size_t octets_left_;  ///< of files that are included
  std::filesystem::path file_;
  std::size_t depth_ = 0;
  std::size_t includes_ = 0;
  lookup::AddressNames names_;
};

/// The zone that a file is named after, as servers' manuals do it.
std::string zone_of(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  for (const std::string_view front : {"db.", "named.", "zone."}) {
    if (name.starts_with(front)) {
      name.erase(0, front.size());
      break;
    }
  }
  for (const std::string_view back : {".zone", ".db", ".hosts", ".txt", ".signed"}) {
    if (name.ends_with(back)) name.resize(name.size() - back.size());
  }
  const bool is_zone = name.find('.') != std::string::npos && !lookup::host_name(name).empty();
  return is_zone ? name : "";
}

}  // namespace

ZoneFile::ZoneFile(const FactFileOptions& options, std::string_view zone)
    : FactFile("zone", options),
      zone_(zone.empty() ? zone_of(options.path) : std::string(lookup::host_name(zone))) {
  if (!zone.empty() && zone_.empty()) {
    throw ConfigError(origin() + ": " + shown(zone) + " is no domain name");
  }
}

void ZoneFile::read(std::string_view text, lookup::FactSheet& sheet) {
  ZoneReader reader{zone_.empty() ? std::nullopt : std::optional{zone_}, sheet};
  reader.read(text);
  reader.tell();
}

}  // namespace flowlens
