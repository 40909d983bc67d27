/// \file
/// store/postgres: what other processes ask of the one that writes the map, and what it answers. Of
/// flowlens::store, built with FLOWLENS_WITH_POSTGRES.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/postgres_store.hpp"
#include "flowlens/revision.hpp"

namespace flowlens {

/// A request: octets that mean something to those at both ends.
struct QueuedRequest {
  std::uint64_t position = 0;  ///< names it
  std::string body;
};

struct QueuedAnswer {
  std::string head;  ///< octets, as is `body`
  std::string body;
  /// What the request changed is in this revision; 0: it changed nothing of the map.
  std::uint64_t revision = 0;
};

/// How a request ended. One that waits still, or whose change no store has yet, has no fate.
struct RequestFate {
  enum class Kind : std::uint8_t {
    answered,  ///< and what it changed is kept
    lost,      ///< the Resolver ended while it worked on it, or before what it changed was kept
  };
  std::uint64_t position = 0;
  Kind kind = Kind::answered;
  QueuedAnswer answer;  ///< of an answered one
};

/// The end that asks. All members may throw IoError. Thread-compatible.
class RequestSender {
 public:
  virtual ~RequestSender() = default;

  /// \return its position.
  virtual std::uint64_t send(std::string_view body) = 0;
  /// Of those named, the ones that have ended, each once if it is named once.
  virtual std::vector<RequestFate> fates(std::span<const std::uint64_t> positions) = 0;
  /// \return false if it was taken already, and may have been done. True: it never will be.
  virtual bool withdraw(std::uint64_t position) = 0;
  /// Waits until there may be something new, at most so long. A database behind PgBouncer wakes nobody.
  virtual void wait(std::chrono::milliseconds most) = 0;
};

/// The end that answers, of one term. No request is ever given out twice, to whomever: one that was given to a
/// process that ended is lost. All members may throw IoError, and StaleEpochError if a later epoch was taken.
///
/// Thread-compatible.
class RequestTaker {
 public:
  virtual ~RequestTaker() = default;

  /// Those that wait, in their order. Older ones than half a minute are left: nobody waits for them any more.
  virtual std::vector<QueuedRequest> take(std::size_t most) = 0;
  virtual void answer(std::uint64_t position, const QueuedAnswer& answer) = 0;
  /// As RequestSender::wait().
  virtual void wait(std::chrono::milliseconds most) = 0;
};

/// \throws ConfigError as make_postgres_store() does; so below.
[[nodiscard]] std::unique_ptr<RequestSender> make_postgres_request_sender(
    const PostgresStoreOptions& options);
/// \param epoch  what Store::open() gave.
[[nodiscard]] std::unique_ptr<RequestTaker> make_postgres_request_taker(
    const PostgresStoreOptions& options, Epoch epoch);

}  // namespace flowlens
