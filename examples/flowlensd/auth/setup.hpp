/// \file
/// auth: what a start needs: the store, the key of access tokens, the first administrator.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "auth/access.hpp"
#include "config/settings.hpp"

namespace flowlensd {

/// Beside the map: in PostgreSQL if the settings name one, or else in `auth.sqlite`.
/// \param dir  the data folder; empty: in memory only. \throws flowlens::IoError
[[nodiscard]] std::unique_ptr<AuthStore> open_auth_store(const Settings& settings,
                                                         const std::filesystem::path& dir);

/// The settings' key; without one the key that the folder keeps, made if need be, readable for its owner alone.
/// \throws flowlens::IoError
[[nodiscard]] std::string signing_key(const Settings& settings, const std::filesystem::path& dir);

[[nodiscard]] AccessOptions access_options(const Settings& settings,
                                           const std::filesystem::path& dir);
[[nodiscard]] AuditOptions audit_options(const Settings& settings);

struct NewUser {
  std::string name;
  std::string password;
};
/// Makes the administrator `admin` with a random password if there is no user at all.
[[nodiscard]] std::optional<NewUser> make_first_admin(AuthStore& store, Access& access);
/// On the terminal, or as a line of the log: this is the only time that the password is seen.
void show_first_admin(const NewUser& admin);

}  // namespace flowlensd
