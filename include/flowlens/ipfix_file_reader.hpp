/// \file
/// collect: IPFIX files (RFC 5655): messages one after another, plain or gzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "flowlens/udp_receiver.hpp"

namespace flowlens {

/// octets of the file = octets + skipped_octets, once it is read to its end.
struct IpfixFileCounters {
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;          ///< of messages
  std::uint64_t damaged = 0;         ///< places where no message stood
  std::uint64_t skipped_octets = 0;  ///< between such a place and the next message
  std::uint64_t first_damage = 0;    ///< offset of the first of them; with damaged > 0
};

/// Reads one IPFIX file as if an exporter sent it. The exporter is unspecified (`::`), as files do not
/// tell it; `received` is the message's own export time.
///
/// Where lengths do not lead from message to message, reading goes on at the next octets that are a
/// whole message; a message that is sound on the outside is handed on whatever it holds.
///
/// Thread-compatible.
class IpfixFileReader {
 public:
  /// \throws IoError naming the file, if it cannot be read or does not begin with an IPFIX message.
  explicit IpfixFileReader(const std::filesystem::path& path);
  ~IpfixFileReader();

  /// Whether the file begins with a whole IPFIX message.
  /// \throws IoError if it cannot be read.
  static bool recognise(const std::filesystem::path& path);

  /// The next message. Valid until the next call.
  /// \return false at the end.
  /// \throws IoError if the file is cut short; what came before was delivered.
  bool next(ReceivedDatagram& message);
  [[nodiscard]] const IpfixFileCounters& counters() const noexcept;
  /// Octets of the file that were read so far, packed or not: a measure of progress.
  [[nodiscard]] std::uint64_t octets_read() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
