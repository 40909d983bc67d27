// flowlensd backup and restore: all of a data folder in one file.
#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <set>

#include "commands/archive_file.hpp"
#include "commands/commands.hpp"
#include "config/command_line.hpp"
#include "library.hpp"
#include "pipeline/data_dir.hpp"
#include "pipeline/stores.hpp"

namespace flowlensd {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStage = "backup.partial";  // folders in the data folder, for a moment
constexpr const char* kUnpacked = "restore.partial";

/// A folder that goes with this object.
class Stage {
 public:
  explicit Stage(fs::path path) : path_(std::move(path)) {
    fs::remove_all(path_);  // of a run that was killed
    fs::create_directories(path_);
    fs::permissions(path_, fs::perms::owner_all);
  }
  ~Stage() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

bool is_replaced_folder(const std::string& name) { return name.starts_with("replaced-"); }

/// What is of the moment only, or comes along with its database.
bool is_left_out(const fs::path& relative) {
  const std::string first = relative.begin()->string();
  const std::string name = relative.filename().string();
  return first == kLockFile || first == kStage || first == kUnpacked || is_replaced_folder(first) ||
         name.ends_with("-wal") || name.ends_with("-shm") || name.ends_with("-journal") ||
         name.ends_with(".new");
}

/// A file that a running daemon has just replaced or removed is none any more.
void take_in(const fs::path& from, const fs::path& to) {
  fs::create_directories(to.parent_path());
  if (from.extension() == ".sqlite") {
    backup_sqlite(from, to);
    if (const std::string problem = check_sqlite(to); !problem.empty()) {
      throw IoError(from.string() + " is damaged: " + problem);
    }
    return;
  }
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error && error != std::errc::no_such_file_or_directory) {
    throw IoError(from.string() + ": cannot be copied: " + error.message());
  }
}

void copy_folder(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const fs::path relative = fs::relative(entry.path(), from);
    if (entry.is_regular_file() && !is_left_out(relative)) take_in(entry.path(), to / relative);
  }
}

std::uint32_t schema_of(const fs::path& database) {
  SqliteStoreOptions o;
  o.path = database;
  return sqlite_schema_version(o).found;
}

bool holds_something(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!is_left_out(entry.path().filename())) return true;
  }
  return false;
}

/// Moves what there is out of the way. \return where to; empty: there was nothing.
fs::path put_aside(const fs::path& folder) {
  if (!holds_something(folder)) return {};
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  std::string time = to_string(Timestamp{now});
  std::erase_if(time, [](char c) { return c == ':' || c == '-'; });
  const fs::path aside = folder / ("replaced-" + time);
  fs::create_directories(aside);
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
  for (const fs::path& path : entries) {
    const std::string name = path.filename().string();
    if (name == kLockFile || name == kStage || name == kUnpacked || is_replaced_folder(name))
      continue;
    fs::rename(path, aside / name);
  }
  return aside;
}

/// Databases are whole, and of a version that this release knows.
void check_databases(const fs::path& folder, const Manifest& manifest) {
  for (const ArchivedFile& f : manifest.files) {
    if (!f.name.ends_with(".sqlite")) continue;
    if (const std::string problem = check_sqlite(folder / f.name); !problem.empty()) {
      throw IoError("backup: " + f.name + " is damaged: " + problem);
    }
  }
  if (fs::exists(folder / kSqliteFile)) static_cast<void>(schema_of(folder / kSqliteFile));
}

struct Arguments {
  std::string file;
  bool is_forced = false;
};

/// \return the settings; nothing if only help was asked for.
std::optional<Settings> parse(CLI::App& app, const char* force_help, Arguments& line,
                              const std::vector<std::string>& arguments,
                              const Environment& environment, std::ostream& out) {
  app.add_option("FILE", line.file, "the backup: a tar archive; .gz or .zst at its end compress it")
      ->required();
  app.add_flag("--force", line.is_forced, force_help);
  SettingOptions options;
  declare_settings(app, options);
  if (!parse_arguments(app, arguments, out)) return std::nullopt;
  return load_settings(app, options, environment, true).settings;
}

}  // namespace

int run_backup(const std::vector<std::string>& arguments, const Environment& environment,
               std::ostream& out) {
  CLI::App app{
      "Copies the data folder into one file, while the daemon runs if you like: the map, "
      "alerts, what was learned, users and changed settings. Keep it as safe as a password",
      "flowlensd backup"};
  Arguments line;
  const auto settings = parse(app, "overwrite FILE", line, arguments, environment, out);
  if (!settings) return kGood;
  const fs::path folder = settings->data_dir;
  if (!fs::is_directory(folder)) throw IoError(folder.string() + ": there is no such data folder");
  if (fs::exists(line.file) && !line.is_forced) {
    throw IoError(line.file + " is there already; give another name, or --force");
  }
  const Stage stage(folder / kStage);
  copy_folder(folder, stage.path());
  Manifest manifest{
      std::string(kVersion), to_string(Timestamp{std::chrono::system_clock::now()}), 0, {}};
  if (fs::exists(stage.path() / kSqliteFile))
    manifest.schema = schema_of(stage.path() / kSqliteFile);
  const fs::path partial = line.file + ".partial";
  try {
    write_archive(partial, line.file, stage.path(), manifest);
    manifest = read_archive(partial, {});
    fs::rename(partial, line.file);
  } catch (...) {
    std::error_code ignored;
    fs::remove(partial, ignored);
    throw;
  }
  out << line.file << ": " << manifest.files.size() << " files, " << fs::file_size(line.file)
      << " octets, read again and found whole\n";
  if (!postgres_connection(*settings).empty()) {
    out << "The map itself is in PostgreSQL and not in this file: back it up by pg_dump, as "
           "docs/operation.md says\n";
  }
  return kGood;
}

int run_restore(const std::vector<std::string>& arguments, const Environment& environment,
                std::ostream& out) {
  CLI::App app{"Puts a backup into the data folder. The daemon must not run", "flowlensd restore"};
  Arguments line;
  const auto settings = parse(app, "also if the data folder holds something, which is put aside",
                              line, arguments, environment, out);
  if (!settings) return kGood;
  const DataDir dir(settings->data_dir);  // no daemon may hold it, nor start meanwhile
  const fs::path& folder = dir.path();
  if (holds_something(folder) && !line.is_forced) {
    throw IoError(folder.string() + " is not empty; --force puts aside what is there");
  }
  const Stage unpacked(folder / kUnpacked);
  const Manifest manifest = read_archive(line.file, unpacked.path());
  check_databases(unpacked.path(), manifest);
  const fs::path aside = put_aside(folder);
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(unpacked.path())) entries.push_back(entry.path());
  for (const fs::path& path : entries) fs::rename(path, folder / path.filename());
  out << manifest.files.size() << " files of " << manifest.made << " (release " << manifest.release
      << ") are in " << folder.string() << '\n';
  if (!aside.empty()) out << "what was there before is in " << aside.string() << '\n';
  if (!postgres_connection(*settings).empty()) {
    out << "The settings name a PostgreSQL database, which keeps the map: restore it by "
           "pg_restore\n";
  }
  return kGood;
}

}  // namespace flowlensd
