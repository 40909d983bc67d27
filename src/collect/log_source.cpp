#include "collect/log_source.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "flowlens/error.hpp"

namespace flowlens::collect {
namespace {

constexpr std::size_t kPiece = 256u << 10;
constexpr unsigned char kGzipMagic[] = {0x1f, 0x8b};

}  // namespace

class Unzipper {
 public:
  Unzipper() {
    // 15 bits of window, and the header of gzip.
    if (::inflateInit2(&stream_, 15 + 16) != Z_OK) throw IoError("zlib has no memory");
  }
  ~Unzipper() { ::inflateEnd(&stream_); }
  Unzipper(const Unzipper&) = delete;
  Unzipper& operator=(const Unzipper&) = delete;

  [[nodiscard]] bool is_hungry() const noexcept { return stream_.avail_in == 0; }
  void feed(std::size_t octets) noexcept {
    stream_.next_in = input_.data();
    stream_.avail_in = static_cast<uInt>(octets);
  }
  [[nodiscard]] char* input() noexcept { return reinterpret_cast<char*>(input_.data()); }
  [[nodiscard]] std::size_t room() const noexcept { return input_.size(); }
  /// Whether a member has begun that has not ended.
  [[nodiscard]] bool is_inside() const noexcept { return is_inside_; }

  /// \return how many octets came out; `problem` says what is wrong, if anything.
  std::size_t unpack(char* to, std::size_t room, std::string& problem) {
    if (!is_inside_) {
      ::inflateReset(&stream_);
      is_inside_ = true;
    }
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(room, kPiece));
    const std::size_t before = stream_.avail_out;
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      is_inside_ = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      problem = stream_.msg != nullptr ? stream_.msg : "not gzip";
    }
    return before - stream_.avail_out;
  }

 private:
  z_stream stream_{};
  std::array<Bytef, kPiece / 4> input_{};
  bool is_inside_ = true;
};

LogSource::LogSource(const std::filesystem::path& path, std::size_t max_record)
    : path_(path.string()), file_(std::fopen(path_.c_str(), "rb")), max_record_(max_record) {
  if (!file_) throw IoError(path_ + " cannot be opened: " + std::strerror(errno));
  std::setvbuf(file_.get(), nullptr, _IONBF, 0);
  buffer_.resize(kPiece);
  fill();
  if (!failure_.empty()) throw IoError(failure_);
  if (end_ < 2 || std::memcmp(buffer_.data(), kGzipMagic, 2) != 0) return;
  unzipper_ = std::make_unique<Unzipper>();
  std::rewind(file_.get());
  octets_read_ = 0;
  end_ = 0;
  is_at_end_ = false;
  fill();
}
LogSource::~LogSource() = default;

std::size_t LogSource::read_file(char* to, std::size_t room) {
  const std::size_t got = std::fread(to, 1, room, file_.get());
  octets_read_ += got;
  if (got == 0 && std::ferror(file_.get()) != 0) {
    failure_ = path_ + " cannot be read: " + std::strerror(errno);
  }
  return got;
}

/// \return 0 at the end, or where the file is damaged.
std::size_t LogSource::read_some(char* to, std::size_t room) {
  if (!unzipper_) return read_file(to, room);
  while (true) {
    if (unzipper_->is_hungry()) {
      const std::size_t got = read_file(unzipper_->input(), unzipper_->room());
      if (got == 0) {
        if (failure_.empty() && unzipper_->is_inside()) {
          failure_ = path_ + ": the gzip file is cut short";
        }
        return 0;
      }
      unzipper_->feed(got);
    }
    std::string problem;
    const std::size_t got = unzipper_->unpack(to, room, problem);
    if (!problem.empty()) failure_ = path_ + ": the gzip file is damaged: " + problem;
    if (got > 0 || !problem.empty()) return got;
  }
}

/// Reads on behind what is there, up to the longest record. \return false if nothing came.
bool LogSource::fill() {
  if (is_at_end_ || !failure_.empty()) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const std::size_t most = std::max(max_record_ + 2, kPiece);  // with CR LF
  if (end_ == buffer_.size()) {
    if (buffer_.size() >= most) return false;
    buffer_.resize(std::min(most, 2 * buffer_.size()));
  }
  const std::size_t got = read_some(buffer_.data() + end_, buffer_.size() - end_);
  end_ += got;
  is_at_end_ = got == 0;
  return got > 0;
}

void LogSource::check_end() const {
  if (!failure_.empty()) throw IoError(failure_);
}

std::string_view LogSource::peek(std::size_t octets) {
  while (end_ - begin_ < octets && fill()) {
  }
  return {buffer_.data() + begin_, std::min(octets, end_ - begin_)};
}

void LogSource::skip(std::size_t octets) {
  const char* p = buffer_.data() + begin_;
  const char* const end = p + octets;
  if (line_ == 0) line_ = 1;
  while (const void* found = std::memchr(p, '\n', static_cast<std::size_t>(end - p))) {
    p = static_cast<const char*>(found) + 1;
    ++line_;
    into_line_ = 0;
  }
  into_line_ += static_cast<std::size_t>(end - p);
  begin_ += octets;
  taken_ += octets;
}

void LogSource::pass_over_line() {
  while (true) {
    const char* const from = buffer_.data() + begin_;
    const void* const found = std::memchr(from, '\n', end_ - begin_);
    const std::size_t passed =
        found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - from) + 1
                         : end_ - begin_;
    begin_ += passed;
    taken_ += passed;
    if (found != nullptr || !fill()) return;
  }
}

LogSource::Line LogSource::next_line(std::string_view& line) {
  std::size_t looked_at = 0;
  const void* found = nullptr;
  while (true) {
    found = std::memchr(buffer_.data() + begin_ + looked_at, '\n', end_ - begin_ - looked_at);
    if (found != nullptr) break;
    looked_at = end_ - begin_;
    if (looked_at > max_record_ + 1) break;
    if (!fill()) break;
  }
  // Of a damaged file the last line is not whole.
  if (found == nullptr && (begin_ == end_ || !failure_.empty())) {
    check_end();
    return Line::end;
  }
  ++line_;
  const char* const from = buffer_.data() + begin_;
  std::size_t length = found != nullptr
                           ? static_cast<std::size_t>(static_cast<const char*>(found) - from)
                           : end_ - begin_;
  if (length > max_record_ + 1) {
    pass_over_line();
    return Line::too_long;
  }
  const std::size_t taken = length + (found != nullptr ? 1 : 0);
  begin_ += taken;
  taken_ += taken;
  if (length > 0 && from[length - 1] == '\r') --length;
  line = {from, length};
  return length > max_record_ ? Line::too_long : Line::good;
}

}  // namespace flowlens::collect
