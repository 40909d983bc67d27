#include "auth/password.hpp"

#include <argon2.h>

#include <array>

#include "auth/secrets.hpp"
#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

constexpr std::uint32_t kPasses = 2;
constexpr std::uint32_t kKibibytes = 19 * 1'024;
constexpr std::uint32_t kLanes = 1;
constexpr std::size_t kHashOctets = 32;
constexpr std::size_t kSaltOctets = 16;

}  // namespace

std::string password_problem(std::string_view password, std::string_view user_name) {
  if (password.size() < kMinPasswordOctets || password.size() > kMaxPasswordOctets) {
    return "a password has " + std::to_string(kMinPasswordOctets) + " to " +
           std::to_string(kMaxPasswordOctets) + " octets";
  }
  if (password == user_name) return "the password is the user's name";
  if (password.find_first_not_of(password[0]) == password.npos) {
    return "the password is one letter again and again";
  }
  return {};
}

PasswordHasher::PasswordHasher() : nobody_(hash(random_text(kHashOctets))) {}

std::string PasswordHasher::hash(std::string_view password) {
  const std::lock_guard lock(turn_);
  const std::string salt = random_text(kSaltOctets);
  std::array<char, 256> encoded{};
  const int error =
      argon2id_hash_encoded(kPasses, kKibibytes, kLanes, password.data(), password.size(),
                            salt.data(), salt.size(), kHashOctets, encoded.data(), encoded.size());
  if (error != ARGON2_OK) {
    throw flowlens::IoError(std::string("a password cannot be hashed: ") +
                            argon2_error_message(error));
  }
  return encoded.data();
}

std::optional<bool> PasswordHasher::verify(std::string_view hash, std::string_view password,
                                           std::chrono::milliseconds patience) {
  const std::unique_lock lock(turn_, patience);
  if (!lock.owns_lock()) return std::nullopt;
  const std::string against = hash.empty() ? nobody_ : std::string(hash);
  const int result = argon2id_verify(against.c_str(), password.data(), password.size());
  if (result != ARGON2_OK && result != ARGON2_VERIFY_MISMATCH) {
    throw flowlens::IoError(std::string("a password cannot be checked: ") +
                            argon2_error_message(result));
  }
  return result == ARGON2_OK && !hash.empty();
}

}  // namespace flowlensd
