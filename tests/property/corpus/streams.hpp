/// \file
/// Streams of datagrams to hold properties against: every case of the conformance corpus where there
/// is one, and a few that are built, so that there are always some.
#pragma once

#include <string>
#include <vector>

#include "flowlens/decoder.hpp"
#include "support/message_builder.hpp"

namespace flowlens::test {

struct Feed {
  Octets octets;
  TransportSession session;
  Timestamp received;
};

/// What one case's exporters sent. Streams have no exporter in common.
struct Stream {
  std::string name;
  std::vector<Feed> feeds;
};

[[nodiscard]] const std::vector<Stream>& all_streams();

/// A Decoder and a Parser that are fed the same, from heap blocks of the datagrams' exact size. What
/// comes out is kept as text, one line a record or flow, by exporter.
class Subject {
 public:
  Subject();
  ~Subject();
  Subject(Subject&&) noexcept;

  void feed(const Feed& feed) { this->feed(feed.octets, feed.session, feed.received); }
  void feed(std::span<const std::byte> datagram, const TransportSession& session,
            Timestamp received);
  /// Records, samples and flows that came of the last datagram, what had waited included.
  [[nodiscard]] std::size_t last_records() const noexcept;
  [[nodiscard]] std::size_t last_flows() const noexcept;
  /// Of all exporters that `stream` names, in the order in which they came.
  [[nodiscard]] std::vector<std::string> records_of(const Stream& stream) const;
  [[nodiscard]] std::vector<std::string> flows_of(const Stream& stream) const;
  /// Ledgers that do not balance, in words; empty if all is well.
  [[nodiscard]] std::string problem() const;
  [[nodiscard]] bool has_waiting() const noexcept;
  /// Takes over templates and facts, as after a restart.
  void load_from(const Subject& other);
  /// Keeps no text from now on, only counts: for millions of datagrams.
  void keep_nothing() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens::test
