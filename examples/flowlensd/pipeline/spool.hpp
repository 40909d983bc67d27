/// \file
/// pipeline: revisions on disk that the database has not taken yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "library.hpp"

namespace flowlensd {

struct SpoolOptions {
  std::filesystem::path folder;  ///< made when there is something to keep
  std::uint64_t max_octets = std::uint64_t{1} << 30;
  std::uint64_t segment_octets = std::uint64_t{16}
                                 << 20;  ///< a file that is longer is not continued
};

/// What an earlier process has left, and what was wrong with it.
struct SpoolFindings {
  std::size_t revisions = 0;
  std::uint64_t torn_octets = 0;  ///< behind the last whole revision: cut off
  std::size_t set_aside = 0;      ///< files behind a damaged one: renamed to *.damaged
};

/// A queue of revisions of one epoch in files that are only appended to. One that append() took is there
/// after the end of the process and after a loss of power. What was taken out may be there again after
/// a restart: the store knows it by its number.
///
/// A file: "FLsp", version, then of each revision its length, a CRC-32 of what follows, epoch, number and
/// what encode_revision() made of it.
///
/// Thread-compatible.
class Spool {
 public:
  /// Finds what is there. \param sites  the graph's.
  /// \throws IoError if the folder cannot be read, or what is torn not be cut off.
  Spool(const SpoolOptions& options, const SiteTable& sites);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  [[nodiscard]] const SpoolFindings& findings() const noexcept { return findings_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::uint64_t octets() const noexcept { return octets_; }
  [[nodiscard]] std::uint64_t max_octets() const noexcept { return options_.max_octets; }
  /// Whether the bound lets in one more, of whatever size.
  [[nodiscard]] bool has_room() const noexcept { return octets_ < options_.max_octets; }

  /// \throws IoError if it cannot be written; nothing of it is there then.
  void append(const Revision& revision);
  /// The oldest, which must be there. \throws IoError, ConfigError if it cannot be read.
  [[nodiscard]] Revision front() const;
  [[nodiscard]] std::uint64_t front_number() const noexcept { return entries_.front().number; }
  [[nodiscard]] Epoch epoch() const noexcept { return Epoch{entries_.front().epoch}; }
  void pop() noexcept;
  /// Renames all files to *.superseded: another process has gone on with the map. Those of an earlier time
  /// are removed. The spool is empty then.
  void set_aside();

 private:
  struct Segment;
  struct Entry {
    std::shared_ptr<Segment> segment;  ///< shared by its entries; the last one removes the file
    std::uint64_t offset = 0;          ///< of the frame
    std::uint32_t length = 0;          ///< of the revision in it
    std::uint64_t epoch = 0;
    std::uint64_t number = 0;
  };

  void find_segments();
  bool scan(const std::shared_ptr<Segment>& segment);
  [[nodiscard]] bool follows(std::uint64_t epoch, std::uint64_t number) const noexcept;
  void begin_segment();

  const SpoolOptions options_;
  const SiteTable sites_;
  SpoolFindings findings_;
  std::deque<Entry> entries_;
  std::shared_ptr<Segment> last_;  ///< null: the next append() begins one
  std::uint64_t octets_ = 0;       ///< of all files
  std::uint64_t next_segment_ = 1;
};

}  // namespace flowlensd
