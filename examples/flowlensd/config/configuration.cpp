#include "config/configuration.hpp"

#include <functional>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "config/suggest.hpp"
#include "config/text_file.hpp"
#include "flowlens/error.hpp"
#include "pipeline/replace_file.hpp"

namespace flowlensd {
namespace {

using flowlens::ConfigError;

/// 0: it cannot be read.
std::size_t content_of(const std::string& path) {
  try {
    return std::hash<std::string>{}(read_text_file(path)) | 1;
  } catch (const flowlens::IoError&) {
    return 0;
  }
}

std::string change_text(const Setting& s, const Settings& before, const Settings& now) {
  if (s.is_secret()) return std::string(s.name()) + " (secret)";
  return std::string(s.name()) + ": " + value_text(before, s) + " -> " + value_text(now, s);
}

/// Copies one value.
void copy(const Setting& setting, const Settings& from, Settings& to) {
  std::visit([&](auto member) { to.*member = from.*member; }, setting.field);
}

const Setting& live_setting(const std::string& name) {
  const Setting* setting = find_setting(name);
  if (setting == nullptr) {
    std::vector<std::string_view> names;
    for (const Setting& s : settings_table()) names.push_back(s.name());
    throw ConfigError("unknown setting " + name + suggestion(name, names));
  }
  if (!setting->is_live()) {
    throw ConfigError(
        name +
        " cannot change while flowlensd runs: change its file, environment or command "
        "line, and restart");
  }
  return *setting;
}

/// The file's settings with these changes.
std::string changed_text(const std::filesystem::path& file,
                         const std::map<std::string, std::optional<std::string>>& values) {
  const auto text = read_file(file);
  auto held = text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json::object();
  if (!held.is_object()) throw ConfigError(file.string() + ": is no JSON object; remove it");
  for (const auto& [name, value] : values) {
    const std::string key{live_setting(name).name()};
    if (value)
      held[key] = *value;
    else
      held.erase(key);
  }
  return held.dump(2) + "\n";
}

}  // namespace

Configuration::Configuration(Loaded loaded, Read read)
    : current_(std::make_shared<const Loaded>(std::move(loaded))), read_(std::move(read)) {}

void Configuration::watch_file(const Setting& setting, const std::string& path) {
  if (!path.empty()) files_.push_back({std::string(setting.name()), path, content_of(path)});
}

std::shared_ptr<const Loaded> Configuration::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Loaded Configuration::read_again() const { return read_ ? read_() : *current(); }

void Configuration::add_changed_files(ConfigurationChange& change) const {
  for (const WatchedFile& file : files_) {
    if (content_of(file.path) == file.content) continue;
    change.needs_restart.push_back(file.name + ": " + file.path + " has changed");
  }
}

ConfigurationChange Configuration::take(const Loaded& wanted, bool is_reload) {
  const std::shared_ptr<const Loaded> before = current();
  auto now = std::make_shared<Loaded>(*before);
  ConfigurationChange change;
  for (const Setting& s : settings_table()) {
    if (s.is_live()) now->origins.set(s, wanted.origins.of(s));
    if (is_second_name(s) || value_text(before->settings, s) == value_text(wanted.settings, s))
      continue;
    const std::string text = change_text(s, before->settings, wanted.settings);
    (s.is_live() ? change.changed : change.needs_restart).push_back(text);
    if (s.is_live()) copy(s, wanted.settings, now->settings);
  }
  check_together(now->settings);
  std::vector<Commit> commits;
  const auto prepare_all = [&](const std::vector<Prepare>& prepares) {
    for (const Prepare& prepare : prepares) {
      if (Commit c = prepare(now->settings, change.changed)) commits.push_back(std::move(c));
    }
  };
  prepare_all(at_change_);
  if (is_reload) {
    prepare_all(at_reload_);
    add_changed_files(change);
  }
  for (const Commit& commit : commits) commit();
  const std::lock_guard lock(mutex_);
  current_ = std::move(now);
  return change;
}

ConfigurationChange Configuration::reload() {
  const std::lock_guard changing(changing_);
  return take(read_again(), true);
}

Loaded Configuration::with(const std::map<std::string, std::optional<std::string>>& values) const {
  Loaded wanted = *current();
  const std::string file = changes_file(wanted.settings).string();
  std::optional<Loaded> others;
  for (const auto& [name, value] : values) {
    const Setting& setting = live_setting(name);
    if (value) {
      assign(wanted.settings, setting, *value, name);
      wanted.origins.set(setting, {ValueOrigin::Kind::api, file});
    } else {
      if (!others) others = read_again();
      copy(setting, others->settings, wanted.settings);
      wanted.origins.set(setting, others->origins.of(setting));
    }
  }
  return wanted;
}

ConfigurationChange Configuration::change(
    const std::map<std::string, std::optional<std::string>>& values) {
  const std::lock_guard changing(changing_);
  check_together(with(values).settings);
  const std::filesystem::path file = changes_file(current()->settings);
  if (file.empty()) return take(with(values), false);
  const auto text_before = read_file(file);
  replace_file(file, changed_text(file, values));
  try {
    return take(with(values), false);  // what is taken back is no longer in the file
  } catch (...) {
    replace_file(file, text_before.value_or("{}\n"));
    throw;
  }
}

}  // namespace flowlensd
