/// \file
/// aggregate: hosts that pass on what they are asked: load balancers and proxies, by their behaviour.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "flowlens/connection_summary.hpp"

namespace flowlens {

/// How something stands between those who talk.
enum class IntermediaryKind : std::uint8_t {
  load_balancer,  ///< or another proxy: who is asked passes it on to others
  source_nat,     ///< who asks does so for others
};
/// `load_balancer`
[[nodiscard]] std::string_view to_string(IntermediaryKind k) noexcept;

/// A proposal for people to confirm: `front` passes on what it is asked to `backends`.
struct IntermediaryProposal {
  IntermediaryKind kind = IntermediaryKind::load_balancer;
  Endpoint front;
  std::uint16_t front_port = 0;    ///< where clients ask it
  std::uint16_t backend_port = 0;  ///< where it asks the backends
  std::uint8_t protocol = 0;       ///< IANA protocol number
  std::vector<Endpoint> backends;  ///< ascending
  std::uint32_t clients = 0;       ///< in the last window that showed it
  std::uint32_t windows = 0;       ///< that showed it
  /// 0 to 1: 1 − Π(1 − evidence) over the windows.
  float confidence = 0.0f;
  friend bool operator==(const IntermediaryProposal&, const IntermediaryProposal&) = default;
};

struct IntermediaryFinderOptions {
  std::size_t max_fronts = 65'536;  ///< services looked at; past it further ones are not
  std::size_t max_backends = 64;    ///< named of one front
  std::uint32_t min_clients = 2;
  std::uint32_t min_backends = 2;
  /// How far what goes in may be from what goes out, as a share: headers are added and taken off.
  double tolerance = 0.15;
  std::uint32_t min_windows = 3;  ///< that must show it before it is proposed
};

/// Finds services with several clients that are themselves clients of several hosts on one port, and
/// where as many octets go on to these as came, both ways and within the same time. The windows are
/// looked at by themselves, and three of four must agree: chance makes two sums alike now and then.
///
/// What it finds depends on the rows of the windows, not on their order within one. Thread-compatible.
class IntermediaryFinder {
 public:
  /// \throws ConfigError if a limit is 0.
  explicit IntermediaryFinder(const IntermediaryFinderOptions& options = {});
  ~IntermediaryFinder();
  IntermediaryFinder(IntermediaryFinder&&) noexcept;
  IntermediaryFinder& operator=(IntermediaryFinder&&) noexcept;

  /// Looks at final rows of one or several windows; provisional ones are passed over. Give each row
  /// once.
  void look(std::span<const ConnectionSummary> rows);
  /// What enough windows have shown, ordered by front and ports.
  [[nodiscard]] std::vector<IntermediaryProposal> proposals() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
