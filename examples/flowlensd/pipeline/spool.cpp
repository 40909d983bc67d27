#include "pipeline/spool.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "flowlens/revision_codec.hpp"

namespace flowlensd {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".spool";
constexpr std::array<char, 8> kHead{'F', 'L', 's', 'p', 0, 1, 0, 0};  // the mark, and version 1
constexpr std::size_t kFrameOctets = 24;  // length, checksum, epoch, number
constexpr std::size_t kSummedFrom = 8;    // what the checksum is over begins here
constexpr std::uint32_t kMostOctets = std::uint32_t{1} << 30;  // of one revision

[[noreturn]] void fail(const fs::path& path, std::string_view what, int error) {
  throw IoError(path.string() + ": " + std::string(what) + ": " + std::strerror(error));
}

std::uint32_t checksum(std::span<const std::byte> octets) {
  boost::crc_32_type sum;
  sum.process_bytes(octets.data(), octets.size());
  return sum.checksum();
}

void put(std::span<std::byte> to, std::uint64_t n) {
  for (std::size_t i = to.size(); i-- > 0; n >>= 8) to[i] = static_cast<std::byte>(n);
}
std::uint64_t take(std::span<const std::byte> from) {
  std::uint64_t n = 0;
  for (const std::byte b : from) n = n << 8 | std::to_integer<std::uint64_t>(b);
  return n;
}

void sync_folder(const fs::path& folder) {
  const int opened = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) fail(folder, "cannot be opened", errno);
  const int result = fsync(opened);
  const int error = errno;
  close(opened);
  if (result != 0) fail(folder, "cannot be synced to disk", error);
}

/// The number in the name of a file of the spool.
std::optional<std::uint64_t> number_of(const fs::path& path) {
  const std::string name = path.stem().string();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (path.extension() != kSuffix || error != std::errc{} || end != name.data() + name.size()) {
    return std::nullopt;
  }
  return number;
}

void rename_to(const fs::path& path, const char* suffix) {
  fs::path other = path;
  fs::rename(path, other.replace_extension(suffix));
}

}  // namespace

/// One file. Removed with the last entry that names it, unless it is let go of.
struct Spool::Segment {
  fs::path path;
  int file = -1;
  std::uint64_t size = 0;  ///< up to the end of the last whole revision

  explicit Segment(fs::path where) : path(std::move(where)) {
    file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) fail(path, "cannot be opened", errno);
  }
  ~Segment() { close(file); }
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  /// \return false if the file ends before.
  bool read(std::uint64_t offset, std::span<std::byte> octets) const {
    while (!octets.empty()) {
      const ssize_t n = pread(file, octets.data(), octets.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(path, "cannot be read", errno);
      if (n == 0) return false;
      octets = octets.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return true;
  }
  void write(std::uint64_t offset, std::span<const std::byte> octets) const {
    while (!octets.empty()) {
      const ssize_t n = pwrite(file, octets.data(), octets.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(path, "cannot be written", errno);
      octets = octets.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
  }
  void sync() const {
    if (fdatasync(file) != 0) fail(path, "cannot be synced to disk", errno);
  }
  void cut() const {
    if (ftruncate(file, static_cast<off_t>(size)) != 0) fail(path, "cannot be cut", errno);
  }
  [[nodiscard]] std::uint64_t length() const {
    struct stat about {};
    if (fstat(file, &about) != 0) fail(path, "cannot be looked at", errno);
    return static_cast<std::uint64_t>(about.st_size);
  }
};

Spool::Spool(const SpoolOptions& options, const SiteTable& sites)
    : options_(options), sites_(sites) {
  try {
    find_segments();
  } catch (const fs::filesystem_error& e) {
    fail(options_.folder, "cannot be read", e.code().value());
  }
  findings_.revisions = entries_.size();
}

Spool::~Spool() = default;

/// What lies behind damage cannot be applied without what is missing: it is left for a person.
void Spool::find_segments() {
  if (!fs::exists(options_.folder)) return;
  std::vector<std::pair<std::uint64_t, fs::path>> files;
  for (const auto& entry : fs::directory_iterator(options_.folder)) {
    if (const auto number = number_of(entry.path())) files.emplace_back(*number, entry.path());
  }
  std::sort(files.begin(), files.end());
  bool is_whole = true;
  for (const auto& [number, path] : files) {
    next_segment_ = number + 1;
    if (!is_whole) {
      rename_to(path, ".damaged");
      ++findings_.set_aside;
      continue;
    }
    const auto segment = std::make_shared<Segment>(path);
    is_whole = scan(segment);
    const bool has_any = !entries_.empty() && entries_.back().segment == segment;
    if (has_any) {
      octets_ += segment->size;
    } else {
      fs::remove(path);
    }
  }
}

bool Spool::follows(std::uint64_t epoch, std::uint64_t number) const noexcept {
  if (entries_.empty()) return true;
  return epoch == entries_.back().epoch && number == entries_.back().number + 1;
}

/// Takes in the entries of a file, and cuts off what is no whole one.
/// \return whether there was nothing to cut off.
bool Spool::scan(const std::shared_ptr<Segment>& segment) {
  const std::uint64_t length = segment->length();
  std::array<std::byte, kHead.size()> head{};
  if (segment->read(0, head) && std::memcmp(head.data(), kHead.data(), kHead.size()) == 0) {
    segment->size = kHead.size();
  }
  std::array<std::byte, kFrameOctets> frame{};
  std::vector<std::byte> octets;
  while (segment->size > 0 && segment->read(segment->size, frame)) {
    const std::span<const std::byte> f{frame};
    const auto size = static_cast<std::uint32_t>(take(f.first(4)));
    if (size > kMostOctets || size > length - segment->size - kFrameOctets) break;
    octets.assign(f.begin() + kSummedFrom, f.end());
    octets.resize(octets.size() + size);
    const auto content = std::span{octets}.subspan(kFrameOctets - kSummedFrom);
    if (!segment->read(segment->size + kFrameOctets, content)) break;
    if (checksum(octets) != take(f.subspan(4, 4))) break;
    const std::uint64_t epoch = take(f.subspan(8, 8));
    const std::uint64_t number = take(f.subspan(16, 8));
    if (!follows(epoch, number)) break;
    entries_.push_back({segment, segment->size, size, epoch, number});
    segment->size += kFrameOctets + size;
  }
  if (segment->size == length) return true;
  findings_.torn_octets += length - segment->size;
  segment->cut();
  return false;
}

void Spool::begin_segment() {
  if (!fs::exists(options_.folder)) {
    std::error_code error;
    fs::create_directories(options_.folder, error);
    if (error) fail(options_.folder, "cannot be made", error.value());
    sync_folder(options_.folder.parent_path());
  }
  std::string name = std::to_string(next_segment_);
  name.insert(0, 12 - std::min<std::size_t>(name.size(), 12), '0');
  auto segment = std::make_shared<Segment>(options_.folder / (name + std::string{kSuffix}));
  try {
    segment->write(0, std::as_bytes(std::span{kHead}));
    sync_folder(options_.folder);
  } catch (const IoError&) {
    unlink(segment->path.c_str());
    throw;
  }
  segment->size = kHead.size();
  octets_ += segment->size;
  ++next_segment_;
  last_ = std::move(segment);
}

void Spool::append(const Revision& revision) {
  const std::vector<std::byte> content = encode_revision(revision, sites_);
  if (content.size() > kMostOctets) throw IoError("a revision is too large for the spool");
  std::vector<std::byte> octets(kFrameOctets + content.size());
  const std::span frame{octets};
  put(frame.first(4), content.size());
  put(frame.subspan(8, 8), revision.epoch.value);
  put(frame.subspan(16, 8), revision.number);
  std::copy(content.begin(), content.end(), octets.begin() + kFrameOctets);
  put(frame.subspan(4, 4), checksum(frame.subspan(kSummedFrom)));

  if (!last_ || last_->size >= options_.segment_octets) begin_segment();
  try {
    last_->write(last_->size, octets);
    last_->sync();
  } catch (const IoError&) {
    // Whatever came of it lies behind the end; the next one is written over it.
    static_cast<void>(ftruncate(last_->file, static_cast<off_t>(last_->size)));
    throw;
  }
  entries_.push_back({last_, last_->size, static_cast<std::uint32_t>(content.size()),
                      revision.epoch.value, revision.number});
  last_->size += octets.size();
  octets_ += octets.size();
}

Revision Spool::front() const {
  const Entry& entry = entries_.front();
  std::vector<std::byte> content(entry.length);
  Revision revision;
  if (!entry.segment->read(entry.offset + kFrameOctets, content)) {
    throw IoError(entry.segment->path.string() + ": has become shorter");
  }
  const Diagnostic d = decode_revision(content, sites_, revision);
  if (d.code != DiagnosticCode::none) {
    throw IoError(entry.segment->path.string() + ": revision " + std::to_string(entry.number) +
                  " cannot be read: " + to_string(d) +
                  "; move the file away to go on without it and those behind it");
  }
  return revision;
}

void Spool::pop() noexcept {
  const std::shared_ptr<Segment> segment = std::move(entries_.front().segment);
  entries_.pop_front();
  if (!entries_.empty() && entries_.front().segment == segment) return;
  // One that cannot be removed is applied once more after a restart, which changes nothing.
  unlink(segment->path.c_str());
  octets_ -= segment->size;
  if (last_ == segment) last_.reset();
}

void Spool::set_aside() {
  std::vector<fs::path> earlier;
  for (const auto& entry : fs::directory_iterator(options_.folder)) {
    if (entry.path().extension() == ".superseded") earlier.push_back(entry.path());
  }
  for (const fs::path& path : earlier) fs::remove(path);
  std::shared_ptr<Segment> done;
  for (const Entry& entry : entries_) {
    if (std::exchange(done, entry.segment) != entry.segment) {
      rename_to(entry.segment->path, ".superseded");
    }
  }
  entries_.clear();
  last_.reset();
  octets_ = 0;
}

}  // namespace flowlensd
