// dhcpd.leases(5): declarations of blocks and statements, the newest at the end.
#include <algorithm>
#include <array>
#include <charconv>

#include "lookup/lease.hpp"

namespace flowlens::lookup {

namespace {

constexpr std::size_t kDeepest = 16;
constexpr std::size_t kMostWords = 64;  // of a statement

struct Token {
  enum class Kind { word, text, open, close, semicolon, end } kind = Kind::end;
  std::string value;  ///< of a text, its octets
  std::size_t line = 0;
  bool begins_line = false;
};

class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  Token next() {
    pass_over_blanks();
    Token token;
    token.line = line_;
    token.begins_line = at_ == 0 || (at_ < text_.size() && text_[at_ - 1] == '\n');
    if (at_ >= text_.size()) return token;
    const char c = text_[at_];
    if (c == '"') {
      token.kind = Token::Kind::text;
      token.value = take_text();
    } else if (c == '{' || c == '}' || c == ';') {
      token.kind = c == '{'   ? Token::Kind::open
                   : c == '}' ? Token::Kind::close
                              : Token::Kind::semicolon;
      ++at_;
    } else {
      token.kind = Token::Kind::word;
      const std::size_t end = std::min(text_.find_first_of(" \t\r\n{};\"#", at_ + 1), text_.size());
      token.value = text_.substr(at_, end - at_);
      at_ = end;
    }
    return token;
  }

 private:
  void pass_over_blanks() noexcept {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '#') at_ = std::min(text_.find('\n', at_), text_.size());
      if (at_ >= text_.size()) return;
      if (text_[at_] == '\n') ++line_;
      if (std::string_view{" \t\r\n"}.find(text_[at_]) == std::string_view::npos) return;
    }
  }
  /// Up to the closing mark, or the end of the line where there is none.
  std::string take_text() {
    std::string octets;
    for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
      char c = text_[at_];
      if (c == '"') {
        ++at_;
        break;
      }
      if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') c = take_escape();
      octets += c;
    }
    return octets;
  }
  /// `\"`, `\\` or `\001`. Leaves the last of it to be passed over.
  char take_escape() noexcept {
    const auto is_octal = [&](std::size_t i) {
      return i < text_.size() && text_[i] >= '0' && text_[i] <= '7';
    };
    if (!is_octal(at_ + 1) || !is_octal(at_ + 2) || !is_octal(at_ + 3)) return text_[++at_];
    const int value =
        (text_[at_ + 1] - '0') << 6 | (text_[at_ + 2] - '0') << 3 | (text_[at_ + 3] - '0');
    at_ += 3;
    return static_cast<char>(value & 0xff);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

/// `2026/11/19` and `10:00:00`
std::optional<Timestamp> utc(std::string_view date, std::string_view time) noexcept {
  std::array<int, 6> parts{};
  std::size_t count = 0;
  for (const auto& [text, between] : {std::pair{date, '/'}, std::pair{time, ':'}}) {
    const char* at = text.data();
    const char* const end = at + text.size();
    for (int i = 0; i < 3; ++i) {
      const auto [next, error] = std::from_chars(at, end, parts[count]);
      if (error != std::errc{} || parts[count++] < 0) return std::nullopt;
      if (i < 2 ? next == end || *next != between : next != end) return std::nullopt;
      at = next + 1;
    }
  }
  const std::chrono::year_month_day day{std::chrono::year{parts[0]},
                                        std::chrono::month{static_cast<unsigned>(parts[1])},
                                        std::chrono::day{static_cast<unsigned>(parts[2])}};
  const bool is_time = parts[3] < 24 && parts[4] < 60 && parts[5] <= 60;
  if (!day.ok() || !is_time || parts[0] < 1970 || parts[0] > 2255) return std::nullopt;
  return Timestamp{std::chrono::sys_days{day}} + std::chrono::hours{parts[3]} +
         std::chrono::minutes{parts[4]} + std::chrono::seconds{parts[5]};
}

/// Puts statements together to leases.
class IscReader {
 public:
  IscReader(std::string_view text, FactSheet& sheet, const LeaseSink& sink)
      : tokens_(text), sheet_(sheet), sink_(sink) {}

  void read() {
    for (Token token = tokens_.next(); token.kind != Token::Kind::end; token = tokens_.next()) {
      take(token);
    }
    if (!blocks_.empty()) broken(blocks_.front().line, "the block is not closed");
  }

 private:
  enum class Kind { lease, association, other };
  struct Block {
    Kind kind = Kind::other;
    std::size_t line = 0;
  };

  void broken(std::size_t line, const std::string& what) { sheet_.broken(line, what); }

  void take(Token& token) {
    // What the server was not able to finish is closed by what it wrote next.
    const bool begins_lease =
        token.begins_line && (token.value == "lease" || token.value.starts_with("ia-"));
    if (begins_lease && !blocks_.empty()) {
      broken(blocks_.front().line, "the block is not closed");
      give_up();
    }
    if (words_.empty()) line_ = token.line;
    switch (token.kind) {
      case Token::Kind::open:
        return open();
      case Token::Kind::close:
        return close(token.line);
      case Token::Kind::semicolon:
        return take_statement();
      default:
        if (words_.size() < kMostWords) words_.push_back(std::move(token.value));
    }
  }
  void give_up() {
    blocks_.clear();
    words_.clear();
  }

  void open() {
    const std::string what = words_.empty() ? "" : words_.front();
    Block block{Kind::other, line_};
    const bool is_v4 = what == "lease" && blocks_.empty();
    const bool is_v6 =
        what == "iaaddr" && !blocks_.empty() && blocks_.back().kind == Kind::association;
    if (is_v4 || is_v6) {
      block.kind = Kind::lease;
      begin_lease(is_v6);
    } else if ((what == "ia-na" || what == "ia-ta") && blocks_.empty() && words_.size() == 2) {
      block.kind = Kind::association;
      // The IAID in four octets, and the DUID.
      client_ = words_[1].size() > 4 ? words_[1].substr(4) : "";
      last_heard_.reset();
    }
    words_.clear();
    if (blocks_.size() < kDeepest) return blocks_.push_back(block);
    broken(line_, "there are too many blocks in one another");
    give_up();
  }

  void begin_lease(bool is_v6) {
    lease_ = {};
    lease_.line = line_;
    const auto address = words_.size() == 2 ? IpAddress::parse(words_[1]) : std::nullopt;
    is_good_ = address.has_value();
    if (!is_good_) return broken(line_, "the lease is of no address");
    lease_.address = *address;
    if (!is_v6) return;
    lease_.client = client_;
    lease_.start = last_heard_;
  }

  void close(std::size_t line) {
    words_.clear();
    if (blocks_.empty()) return broken(line, "`}` closes nothing");
    const bool is_lease = blocks_.back().kind == Kind::lease;
    blocks_.pop_back();
    if (is_lease && is_good_) sink_(lease_);
  }

  void take_statement() {
    const std::vector<std::string> words = std::move(words_);
    words_.clear();
    if (blocks_.empty() || words.empty()) return;
    const Kind kind = blocks_.back().kind;
    if (kind == Kind::association && words[0] == "cltt") last_heard_ = time(words);
    if (kind != Kind::lease) return;
    if (words[0] == "starts") {
      lease_.start = time(words);
    } else if (words[0] == "ends") {
      lease_.end = time(words);
    } else if (words[0] == "binding" && words.size() == 3) {
      lease_.is_active = words[2] == "active" || words[2] == "bootp" || words[2] == "reserved";
    } else if (words[0] == "abandoned") {
      lease_.is_active = false;
    } else if (words[0] == "hardware" && words.size() == 3) {
      lease_.mac = mac_text(words[2]);
    } else if (words[0] == "uid" && words.size() == 2) {
      // As text, or `1:52:54:0:12:34:56` where too much of it cannot be printed.
      const std::string octets = octets_of(words[1]);
      lease_.client = octets.empty() ? words[1] : octets;
    } else if (words[0] == "client-hostname" && words.size() == 2) {
      lease_.hostname = words[1];
    }
  }

  /// \return nothing for `never`, and for what is none: then the lease is not told.
  std::optional<Timestamp> time(const std::vector<std::string>& words) {
    if (words.size() == 2 && words[1] == "never") return std::nullopt;
    std::optional<Timestamp> at;
    if (words.size() == 3 && words[1] == "epoch") at = unix_time(words[2]);
    if (words.size() == 4) at = utc(words[2], words[3]);
    if (!at) {
      is_good_ = false;
      broken(
          line_,
          words[0] + " has no time; it is `4 2026/11/19 10:00:00`, `epoch 1795082400` or `never`");
    }
    return at;
  }

  Tokens tokens_;
  FactSheet& sheet_;
  const LeaseSink& sink_;
  std::vector<Block> blocks_;
  std::vector<std::string> words_;  ///< of the statement at hand
  std::size_t line_ = 1;            ///< where it begins
  Lease lease_;
  bool is_good_ = false;
  std::string client_;                   ///< of the association at hand
  std::optional<Timestamp> last_heard_;  ///< of it
};

}  // namespace

void read_isc_leases(std::string_view text, FactSheet& sheet, const LeaseSink& sink) {
  IscReader{text, sheet, sink}.read();
}

}  // namespace flowlens::lookup
