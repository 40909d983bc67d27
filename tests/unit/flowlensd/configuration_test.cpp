#include "config/configuration.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "config/effective.hpp"
#include "flowlens/error.hpp"
#include "pipeline/replace_file.hpp"

using namespace flowlensd;

namespace {

Loaded loaded_from(std::string_view yaml) {
  Loaded loaded;
  apply_yaml(yaml, "f.yaml", loaded);
  return loaded;
}

/// A folder for settings.json.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("flowlens-configuration-" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("settings: what holds a secret says so") {
  for (const Setting& s : settings_table()) {
    if (!std::holds_alternative<std::string Settings::*>(s.field)) continue;
    const std::string name{s.variable};
    CAPTURE(name);
    for (const char* end : {"PASSWORD", "SECRET", "SECRET_KEY", "AUTHORIZATION", "DATABASE_URL",
                            "REDIS_URL", "_TOKEN"}) {
      if (name.ends_with(end)) CHECK(s.is_secret());
    }
    if (s.is_secret()) CHECK_FALSE(s.variable.empty());  // VARIABLE_FILE has to have a name
  }
}

TEST_CASE("settings: every name stands in the table once") {
  std::vector<std::string_view> names;
  for (const Setting& s : settings_table()) {
    for (const std::string_view name : {s.key, s.alias, s.variable, s.option}) {
      if (name.empty()) continue;
      CAPTURE(name);
      CHECK(std::find(names.begin(), names.end(), name) == names.end());
      names.push_back(name);
    }
  }
}

TEST_CASE("effective: no form of the settings holds a secret") {
  Loaded loaded = loaded_from("postgres: {password: hidden-word, host: db}");
  for (const std::string& text :
       {settings_json(loaded).dump(), settings_text(loaded), settings_env(loaded),
        settings_compose(loaded), settings_page()}) {
    CHECK(text.find("hidden-word") == std::string::npos);
  }
  CHECK(settings_json(loaded).dump().find("f.yaml:1") != std::string::npos);
}

TEST_CASE("configuration: a reload takes what is live, names the rest, and is all or nothing") {
  std::string yaml = "log: {level: info}";
  Configuration configuration(loaded_from(yaml), [&] { return loaded_from(yaml); });
  int committed = 0;
  bool is_refusing = false;
  configuration.on_change([&](const Settings&, std::vector<std::string>&) -> Configuration::Commit {
    return [&] { ++committed; };
  });
  configuration.on_reload([&](const Settings&, std::vector<std::string>&) -> Configuration::Commit {
    if (is_refusing) throw flowlens::ConfigError("rules.txt:3: no");
    return {};
  });
  yaml = "log: {level: debug}\napi: {port: 9000}\npostgres: {password: hidden-word}";
  const ConfigurationChange change = configuration.reload();
  CHECK(change.changed == std::vector<std::string>{"log.level: info -> debug"});
  REQUIRE(change.needs_restart.size() == 2);
  CHECK(change.needs_restart[0] == "api.port: 8000 -> 9000");
  CHECK(change.needs_restart[1] == "postgres.password (secret)");
  CHECK(configuration.current()->settings.log_level == LogLevel::debug);
  CHECK(configuration.current()->settings.api_port == 8000);
  CHECK(committed == 1);

  is_refusing = true;
  yaml = "log: {level: error}";
  CHECK_THROWS_AS(configuration.reload(), flowlens::ConfigError);
  yaml = "log: {level: loud}";
  CHECK_THROWS_AS(configuration.reload(), flowlens::ConfigError);
  CHECK(configuration.current()->settings.log_level == LogLevel::debug);
  CHECK(committed == 1);
}

TEST_CASE("configuration: what the API changes is kept, wins, and can be taken back") {
  const Folder folder;
  const auto read = [&] {
    Loaded loaded = loaded_from("log: {level: warning}");
    loaded.settings.data_dir = folder.path.string();
    apply_changes_file(loaded);
    return loaded;
  };
  Configuration configuration(read(), read);
  CHECK(configuration.change({{"LOG_LEVEL", "error"}}).changed.size() == 1);
  CHECK(read().settings.log_level == LogLevel::error);
  CHECK(configuration.reload().changed.empty());
  CHECK(configuration.current()->settings.log_level == LogLevel::error);
  CHECK(configuration.change({{"log.level", std::nullopt}}).changed ==
        std::vector<std::string>{"log.level: error -> warning"});
  CHECK(read().settings.log_level == LogLevel::warning);

  CHECK_THROWS_AS(configuration.change({{"api.port", "9000"}}), flowlens::ConfigError);
  CHECK_THROWS_AS(configuration.change({{"log.level", "loud"}}), flowlens::ConfigError);
  CHECK_THROWS_AS(configuration.change({{"log.format", "json"}, {"nonsense", "1"}}),
                  flowlens::ConfigError);
  CHECK(read_file(changes_file(read().settings)) == "{}\n");
  std::ofstream(changes_file(read().settings)) << R"({"api.port": "9000"})";
  CHECK_THROWS_AS(read(), flowlens::ConfigError);
}

TEST_CASE("configuration: a file that changed on disk needs a restart") {
  const Folder folder;
  const std::string file = (folder.path / "network.csv").string();
  std::ofstream(file) << "kind\n";
  Configuration configuration(Loaded{}, {});
  configuration.watch_file(*find_setting("dependency_resolution.network_file"), file);
  CHECK(configuration.reload().needs_restart.empty());
  std::ofstream(file) << "kind,addresses\n";
  CHECK(configuration.reload().needs_restart ==
        std::vector<std::string>{"dependency_resolution.network_file: " + file + " has changed"});
}
