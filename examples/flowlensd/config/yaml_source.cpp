#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "config/interpolate.hpp"
#include "config/load.hpp"
#include "config/reference_names.hpp"
#include "config/suggest.hpp"
#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

using flowlens::ConfigError;

// Aliases can make a small file a huge tree; a configuration needs neither depth nor size.
constexpr std::size_t kMaxNodes = 10'000;
constexpr std::size_t kMaxDepth = 16;

bool is_at_or_below(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '.');
}

class YamlWalk {
 public:
  YamlWalk(std::string_view file, Loaded& loaded, const Environment& environment)
      : file_(file), loaded_(loaded), environment_(environment) {
    for (const Setting& s : settings_table()) {
      if (!s.key.empty()) names_.push_back(s.key);
      if (!s.alias.empty()) names_.push_back(s.alias);
    }
    names_.insert(names_.end(), later_keys().begin(), later_keys().end());
  }

  void walk(const YAML::Node& node, const std::string& path, std::size_t depth) {
    if (++nodes_ > kMaxNodes || depth > kMaxDepth) {
      throw ConfigError(where(node.Mark()) + "more than " + std::to_string(kMaxNodes) +
                        " values or " + std::to_string(kMaxDepth) +
                        " levels, aliases counted as often as they are used");
    }
    std::set<std::string> seen;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar())
        throw ConfigError(where(entry.first.Mark()) + "a key must be a name");
      const std::string& name = entry.first.Scalar();
      const std::string key = path.empty() ? name : path + "." + name;
      if (!seen.insert(name).second) {
        throw ConfigError(where(entry.first.Mark()) + key + " stands here twice; keep one of them");
      }
      take(key, entry.first, entry.second, depth);
    }
  }

 private:
  std::string where(const YAML::Mark& mark) const {
    if (mark.is_null()) return file_ + ": ";
    return file_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) +
           ": ";
  }

  void take(const std::string& key, const YAML::Node& name, const YAML::Node& value,
            std::size_t depth) {
    if (const Setting* setting = find(key)) return set(*setting, key, name, value);
    const auto is_later = [&](std::string_view later) { return is_at_or_below(key, later); };
    if (std::any_of(later_keys().begin(), later_keys().end(), is_later)) {
      loaded_.warnings.push_back(where(name.Mark()) + key + " has no effect in this release");
      return;
    }
    const auto is_section = [&](std::string_view known) { return is_at_or_below(known, key); };
    if (!std::any_of(names_.begin(), names_.end(), is_section)) {
      throw ConfigError(where(name.Mark()) + "unknown key " + key + suggestion(key, names_));
    }
    if (value.IsNull()) return;  // a section whose keys are all commented out
    if (!value.IsMap()) {
      throw ConfigError(where(value.Mark()) + key + " is a section; give it keys of its own");
    }
    walk(value, key, depth + 1);
  }

  static const Setting* find(std::string_view key) {
    for (const Setting& s : settings_table()) {
      if (s.key == key || (!s.alias.empty() && s.alias == key)) return s.key.empty() ? nullptr : &s;
    }
    return nullptr;
  }

  void set(const Setting& setting, const std::string& key, const YAML::Node& name,
           const YAML::Node& value) {
    if (!value.IsScalar()) {
      throw ConfigError(where(value.IsNull() ? name.Mark() : value.Mark()) + key +
                        " needs one value (" + std::string(setting.unit) + ")");
    }
    const std::string origin = where(value.Mark()) + key;
    const std::string text = interpolated(value.Scalar(), environment_, origin);
    if (text.empty() && !value.Scalar().empty()) return;  // a variable that says nothing
    assign(loaded_.settings, setting, text, origin);
    loaded_.origins.set(
        setting, {ValueOrigin::Kind::file, file_ + ":" + std::to_string(value.Mark().line + 1)});
  }

  std::string file_;
  Loaded& loaded_;
  const Environment& environment_;
  std::vector<std::string_view> names_;
  std::size_t nodes_ = 0;
};

}  // namespace

void apply_yaml(std::string_view text, std::string_view file, Loaded& loaded,
                const Environment& environment) {
  std::vector<YAML::Node> documents;
  try {
    documents = YAML::LoadAll(std::string(text));
  } catch (const YAML::Exception& e) {
    throw ConfigError(std::string(file) + ":" + std::to_string(e.mark.line + 1) + ":" +
                      std::to_string(e.mark.column + 1) + ": not YAML: " + e.msg);
  }
  if (documents.empty()) return;
  if (documents.size() > 1) {
    throw ConfigError(std::string(file) + ": holds " + std::to_string(documents.size()) +
                      " YAML documents; keep one");
  }
  if (documents[0].IsNull()) return;
  if (!documents[0].IsMap()) {
    throw ConfigError(std::string(file) +
                      ":1:1: the file must hold keys, such as `api: {port: 8000}`");
  }
  YamlWalk(file, loaded, environment).walk(documents[0], {}, 0);
}

}  // namespace flowlensd
