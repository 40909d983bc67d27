#include "auth/password.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>

#include "auth/secrets.hpp"

using namespace flowlensd;
using std::chrono::milliseconds;

TEST_CASE("password: kept by Argon2id with 19 MiB and two passes, and right only for itself") {
  PasswordHasher hasher;
  const std::string hash = hasher.hash("correct horse");
  CHECK(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  CHECK(hash.find("horse") == hash.npos);
  CHECK(hasher.hash("correct horse") != hash);
  CHECK(hasher.verify(hash, "correct horse", milliseconds{0}) == true);
  CHECK(hasher.verify(hash, "correct Horse", milliseconds{0}) == false);
  CHECK(hasher.verify(hash, "", milliseconds{0}) == false);
  CHECK(hasher.verify("", "correct horse", milliseconds{0}) == false);
  CHECK(hasher.verify("", "", milliseconds{0}) == false);
}

TEST_CASE("password: one is hashed at a time; who does not wait is told") {
  PasswordHasher hasher;
  const std::string hash = hasher.hash("correct horse");
  std::atomic<bool> is_busy{false};
  std::thread other([&] {
    while (!is_busy) CHECK(hasher.verify(hash, "no", std::chrono::hours{1}) == false);
  });
  while (!is_busy) {
    is_busy = !hasher.verify(hash, "no", milliseconds{0}).has_value();
    std::this_thread::sleep_for(milliseconds{1});  // who waits takes its turn
  }
  other.join();
  CHECK(is_busy);
}

TEST_CASE("password: which ones are refused") {
  CHECK(password_problem("0123456789", "ada").empty());
  CHECK_FALSE(password_problem("012345678", "ada").empty());
  CHECK_FALSE(password_problem(std::string(257, 'a') + "b", "ada").empty());
  CHECK_FALSE(password_problem("administrator", "administrator").empty());
  CHECK_FALSE(password_problem("aaaaaaaaaaaa", "ada").empty());
  CHECK_FALSE(password_problem("", "ada").empty());
}

TEST_CASE("secrets: drawn ones are long and differ") {
  std::set<std::string> seen;
  for (int i = 0; i < 1'000; ++i) {
    CHECK(random_text(32).size() == 43);
    const std::string password = random_password();
    CHECK(password.size() == 19);
    CHECK(password_problem(password, "admin").empty());
    seen.insert(password);
    seen.insert(random_text(16));
    seen.insert(random_id().to_string());
  }
  CHECK(seen.size() == 3'000);
  CHECK(digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
