// flowlensd migrate: brings the database's schema to a version, before the daemon would.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <optional>

#include "commands/commands.hpp"
#include "config/command_line.hpp"
#include "library.hpp"
#include "pipeline/stores.hpp"

namespace flowlensd {
namespace {

/// One of the two databases.
struct Schema {
  std::string where;
  std::function<SchemaVersion()> version;
  std::function<SchemaVersion(std::uint32_t to)> migrate;
};

Schema schema_of(const Settings& settings) {
  if (std::string connection = postgres_connection(settings); !connection.empty()) {
    PostgresStoreOptions o;
    o.connection = std::move(connection);
    return {"PostgreSQL", [o] { return postgres_schema_version(o); },
            [o](std::uint32_t to) { return migrate_postgres(o, to); }};
  }
  SqliteStoreOptions o;
  o.path = sqlite_file(settings);
  return {o.path.string(), [o] { return sqlite_schema_version(o); },
          [o](std::uint32_t to) {
            std::filesystem::create_directories(o.path.parent_path());
            return migrate_sqlite(o, to);
          }};
}

std::string text(const SchemaVersion& v) {
  return v.found == 0 ? "none (empty)" : std::to_string(v.found);
}

}  // namespace

int run_migrate(const std::vector<std::string>& arguments, const Environment& environment,
                std::ostream& out) {
  CLI::App app{
      "Brings the database to a version of the schema; the daemon does so itself at its "
      "start. There is no way down: restore a backup instead",
      "flowlensd migrate"};
  std::optional<std::uint32_t> to;
  bool is_dry = false;
  app.add_option("--to", to, "that version instead of the newest")->type_name("N");
  app.add_flag("--dry-run", is_dry, "only say what would be done");
  SettingOptions options;
  declare_settings(app, options);
  if (!parse_arguments(app, arguments, out)) return kGood;
  const Schema schema = schema_of(load_settings(app, options, environment, true).settings);
  const SchemaVersion before = schema.version();
  const std::uint32_t wanted = to.value_or(before.newest);
  out << schema.where << ": schema version " << text(before) << ", this release knows up to "
      << before.newest << '\n';
  if (wanted == before.found) {
    out << "nothing to do\n";
    return kGood;
  }
  if (is_dry && wanted > before.found && wanted <= before.newest) {
    out << "would be brought to version " << wanted << " in one transaction\n";
    return kGood;
  }
  schema.migrate(wanted);  // refuses what cannot be
  out << "brought to version " << wanted << '\n';
  return kGood;
}

}  // namespace flowlensd
