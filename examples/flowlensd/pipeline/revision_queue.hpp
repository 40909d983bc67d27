/// \file
/// pipeline: revisions on their way to the store: in memory, and on disk while it takes none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "library.hpp"
#include "pipeline/spool.hpp"

namespace flowlensd {

/// How the spool fares.
struct SpoolView {
  std::size_t revisions = 0;
  std::uint64_t octets = 0;
  std::uint64_t limit = 0;     ///< octets; 0: there is no spool
  std::uint64_t kept = 0;      ///< revisions written to it by this process
  std::uint64_t failures = 0;  ///< attempts to do so that failed
  bool is_full = false;        ///< further flushes wait in the Resolver's memory
  std::string problem;         ///< empty: the last attempt was good
};

/// In the order of their numbers. While the store is away, what comes goes to disk at once, and what waits
/// in memory before it; once it is back, all leaves in the same order.
///
/// Thread-safe; one thread takes out. Only submit(), keep() and the one that takes out wait for the disk.
class RevisionQueue {
 public:
  /// \param spool  null: nothing is kept on disk.
  explicit RevisionQueue(std::unique_ptr<Spool> spool);

  /// \param is_away  the store has failed, or not answered for a while.
  /// \param is_by_hand  for what people have just said, which waits to be shown: there is a little more.
  [[nodiscard]] bool has_room(bool is_away, bool is_by_hand = false) const;
  void submit(std::shared_ptr<const Revision> revision, bool is_away);
  /// Writes what waits in memory to disk, as far as the bound and the disk allow.
  void keep();

  /// The oldest; null if there is none. It stays until pop(). \throws IoError, ConfigError if the disk has it
  /// and it cannot be read.
  /// Shared, as the store writes it while keep() may.
  [[nodiscard]] std::shared_ptr<const Revision> front();
  void pop(std::uint64_t number);

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool is_all_on_disk() const;
  [[nodiscard]] SpoolView view() const;

 private:
  void note_spool();

  std::mutex disk_;  ///< taken before the other; of spool_
  std::unique_ptr<Spool> spool_;

  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const Revision>> memory_;  ///< all later than those in spool_
  SpoolView view_;
};

}  // namespace flowlensd
