#include "auth/setup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "auth/secrets.hpp"
#include "config/text_file.hpp"
#include "flowlens/error.hpp"
#include "log.hpp"
#include "pipeline/stores.hpp"

namespace flowlensd {
namespace {

using flowlens::IoError;

constexpr std::size_t kKeyOctets = 64;
constexpr std::size_t kMaxKeyFile = 1'024;

/// Under another name first, so that no start ever reads half a key; of two that start at once the first wins.
void make_key_file(const std::filesystem::path& path) {
  const std::filesystem::path fresh = path.string() + "." + std::to_string(getpid());
  const std::string key = random_text(kKeyOctets);
  const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool is_written = file >= 0 && fchmod(file, 0600) == 0 &&
                          write(file, key.data(), key.size()) == std::ssize(key) &&
                          fsync(file) == 0;
  int reason = errno;
  if (file >= 0) close(file);
  bool is_there = false;
  if (is_written) {
    is_there = link(fresh.c_str(), path.c_str()) == 0 || errno == EEXIST;
    reason = errno;
  }
  unlink(fresh.c_str());
  if (!is_there) {
    throw IoError(path.string() + ": the key of access tokens cannot be kept: " +
                  std::strerror(reason) + "; AUTH_SECRET_KEY would do instead");
  }
}

}  // namespace

std::unique_ptr<AuthStore> open_auth_store(const Settings& settings,
                                           const std::filesystem::path& dir) {
  const std::string connection = postgres_connection(settings);
  const bool is_kept = !dir.empty();
  return std::make_unique<AuthStore>(
      is_kept && !connection.empty()
          ? sql::open_postgres(connection)
          : sql::open_sqlite(is_kept ? dir / "auth.sqlite" : std::filesystem::path{}));
}

std::string signing_key(const Settings& settings, const std::filesystem::path& dir) {
  for (const std::string* given : {&settings.auth_secret_key, &settings.jwt_secret}) {
    if (given->empty()) continue;
    if (!is_placeholder_secret(*given)) return *given;
    log::warning(
        "auth",
        "AUTH_SECRET_KEY is the example of the documentation, which everybody knows: it is "
        "ignored, and a key of this installation's own is used");
  }
  if (dir.empty()) return random_text(kKeyOctets);
  const std::filesystem::path path = dir / "auth-key";
  if (!std::filesystem::exists(path)) make_key_file(path);
  const std::string key = read_text_file(path.string(), kMaxKeyFile);
  if (key.size() >= 32) return key;
  throw IoError(path.string() + ": " + std::to_string(key.size()) +
                " octets are no key; remove the file, and a new one is made");
}

AccessOptions access_options(const Settings& settings, const std::filesystem::path& dir) {
  AccessOptions o;
  o.is_on = settings.auth_enabled;
  o.algorithm = settings.auth_algorithm;
  o.key = signing_key(settings, dir);
  o.access_life = std::chrono::minutes(settings.access_token_minutes);
  o.session_life = std::chrono::hours(24 * settings.refresh_token_days);
  return o;
}

AuditOptions audit_options(const Settings& settings) {
  AuditOptions o;
  o.keep = std::chrono::hours(24 * settings.keep_audit_days);
  o.max_entries = settings.max_audit_rows;
  return o;
}

std::optional<NewUser> make_first_admin(AuthStore& store, Access& access) {
  NewUser made{"admin", random_password()};
  User user;
  user.id = random_id();
  user.name = made.name;
  user.password_hash = access.hash(made.password);
  user.permission = Permission::admin;
  user.created = user.password_changed = access.now();
  if (!store.add_first(user)) return std::nullopt;
  return made;
}

void show_first_admin(const NewUser& admin) {
  if (isatty(STDERR_FILENO) == 0) {
    log::warning("auth", "the first administrator was made; the password is shown only this once",
                 {{"name", admin.name}, {"password", admin.password}});
    return;
  }
  log::flush();
  std::cerr << "\n  The first administrator was made. Its password is shown only this once:\n"
            << "    name      " << admin.name << "\n    password  " << admin.password
            << "\n  Lost it? `flowlensd user --reset " << admin.name << "` gives a new one.\n\n";
}

}  // namespace flowlensd
