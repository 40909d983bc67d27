/// \file
/// auth: passwords, kept by Argon2id (RFC 9106) with 19 MiB and two passes, as OWASP advises.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace flowlensd {

constexpr std::size_t kMinPasswordOctets = 10;
constexpr std::size_t kMaxPasswordOctets = 256;

/// What is wrong with a new password; empty: nothing.
[[nodiscard]] std::string password_problem(std::string_view password, std::string_view user_name);

/// Hashes one password at a time, so that log-ins take 19 MiB and one core at most. Thread-safe.
class PasswordHasher {
 public:
  PasswordHasher();

  /// Waits for its turn.
  /// \return the hash with its salt and parameters, `$argon2id$…`.
  /// \throws flowlens::IoError if there is no memory.
  [[nodiscard]] std::string hash(std::string_view password);
  /// \param hash  empty: of nobody. That is never right, and takes as long.
  /// \param patience  how long to wait for one's turn.
  /// \return nothing if the turn did not come.
  [[nodiscard]] std::optional<bool> verify(std::string_view hash, std::string_view password,
                                           std::chrono::milliseconds patience);

 private:
  std::timed_mutex turn_;
  std::string nobody_;  ///< hash of a password that no one knows
};

}  // namespace flowlensd
