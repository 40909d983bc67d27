/// \file
/// The dearest datagrams we know of: each tries to make a decoder work as hard as 65,507 octets can.
#pragma once

#include <string>
#include <vector>

#include "support/message_builder.hpp"

namespace flowlens::test {

/// One datagram, and from whom.
struct Sent {
  Octets octets;
  std::uint16_t port = 50'000;
  std::int64_t second = 1;  ///< when it comes, counted from the export time of the builders
};

/// What has come before, and the datagram that is measured.
struct HostileCase {
  std::string name;
  std::vector<Sent> before;
  Sent worst;
};

/// All of them, for every protocol.
[[nodiscard]] std::vector<HostileCase> hostile_cases();

}  // namespace flowlens::test
