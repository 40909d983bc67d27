#include "auth/user_command.hpp"

#include <chrono>
#include <optional>

#include "auth/password.hpp"
#include "auth/secrets.hpp"
#include "auth/setup.hpp"
#include "flowlens/error.hpp"
#include "pipeline/stores.hpp"

namespace flowlensd {
namespace {

constexpr const char* kUsage =
    "flowlensd user --list               shows the users\n"
    "flowlensd user --reset NAME         gives NAME a new password, ends its sessions and lets it "
    "log "
    "in again;\n"
    "                                    with no user at all, makes the administrator NAME\n"
    "\nFurther options as for flowlensd itself (--config, --data-dir), and the same environment: "
    "they "
    "say where the users are.\nA running flowlensd takes notice by itself.\n";

struct Wish {
  bool is_list = false;
  std::string reset;                ///< name; empty: none
  std::vector<std::string> others;  ///< for load()
};

std::optional<Wish> parse(const std::vector<std::string>& arguments) {
  Wish wish;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--help" || arguments[i] == "-h") return std::nullopt;
    if (arguments[i] == "--list") {
      wish.is_list = true;
    } else if (arguments[i] == "--reset" && i + 1 < arguments.size() &&
               !arguments[i + 1].starts_with('-')) {
      wish.reset = arguments[++i];
    } else {
      wish.others.push_back(arguments[i]);
    }
  }
  if (wish.is_list == !wish.reset.empty()) {
    throw flowlens::ConfigError("flowlensd user: give --list, or --reset with a name (see --help)");
  }
  return wish;
}

void list(AuthStore& store, std::ostream& out) {
  for (const User& user : store.users()) {
    out << user.name << "  " << to_string(user.permission) << (user.is_active ? "" : "  inactive")
        << "  last log-in " << (user.last_login ? flowlens::to_string(*user.last_login) : "never")
        << '\n';
  }
}

void reset(AuthStore& store, const std::string& given, std::ostream& out) {
  const std::string name = user_name_of(given);
  const Timestamp now = std::chrono::system_clock::now();
  const std::string password = random_password();
  PasswordHasher hasher;
  User first{random_id(), name, hasher.hash(password), Permission::admin, true, now, now, {}};
  const auto user = name.empty() ? std::optional<User>{} : store.user_named(name);
  if (user) {
    store.change(user->id, {std::nullopt, true, first.password_hash}, now);
  } else if (name.empty() || !store.add_first(first)) {
    throw flowlens::ConfigError("flowlensd user: there is no user `" + given +
                                "`; --list shows them");
  }
  AuditEntry entry;
  entry.at = now;
  entry.user = name;
  entry.action = "flowlensd user --reset";
  store.append({&entry, 1});
  out << "name      " << name << "\npassword  " << password << '\n';
}

}  // namespace

int run_user_command(const std::vector<std::string>& arguments, const Environment& environment,
                     std::ostream& out) {
  const auto wish = parse(arguments);
  if (!wish) {
    out << kUsage;
    return 0;
  }
  const auto loaded = load(wish->others, environment, out);
  if (!loaded) return 0;
  const Settings& s = loaded->settings;
  const std::filesystem::path dir = s.data_dir.empty() ? default_data_dir(environment) : s.data_dir;
  if (postgres_connection(s).empty() && !std::filesystem::exists(dir / "auth.sqlite")) {
    throw flowlens::ConfigError("flowlensd user: " + (dir / "auth.sqlite").string() +
                                " is not there; name the folder of the running flowlensd by "
                                "--data-dir or FLOWLENS_DATA_DIR");
  }
  const auto store = open_auth_store(s, dir);
  wish->is_list ? list(*store, out) : reset(*store, wish->reset, out);
  return 0;
}

}  // namespace flowlensd
