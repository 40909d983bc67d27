#include "pipeline/baseline_shelf.hpp"

#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "config/text_file.hpp"
#include "log.hpp"
#include "pipeline/replace_file.hpp"

namespace flowlensd {
namespace {

constexpr const char* kSuffix = ".json";
constexpr const char* kDrifting = "drifting.txt";            // a line each: id, and since when
constexpr std::size_t kMostOctets = std::size_t{512} << 20;  // of a file; a use takes some 250

}  // namespace

BaselineShelf::BaselineShelf(std::filesystem::path folder) : folder_(std::move(folder)) {
  std::error_code error;
  if (folder_.empty() || !std::filesystem::exists(folder_, error)) return;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::filesystem::path& file = entry.path();
    const auto id = Id::parse(file.stem().string());
    if (file.extension() != kSuffix || !id) continue;
    try {
      baselines_[*id] = std::make_shared<const Baseline>(
          parse_baseline(read_text_file(file.string(), kMostOctets), kMostEdges));
    } catch (const ConfigError& e) {
      throw ConfigError(file.string() + ": " + e.what());
    }
  }
  read_drifting();
}

void BaselineShelf::read_drifting() {
  const std::filesystem::path file = folder_ / kDrifting;
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return;
  std::istringstream lines(read_text_file(file.string(), kMostOctets));
  std::string id_text, since_text;
  while (lines >> id_text >> since_text) {
    const auto id = Id::parse(id_text);
    const auto since = parse_timestamp(since_text);
    if (!id || !since) {
      log::warning("baselines", "a line is no id and time: what drifts is told of anew",
                   {{"file", file.string()}, {"line", id_text + " " + since_text}});
      continue;
    }
    drifting_[*id] = *since;
  }
}

std::map<Id, Timestamp> BaselineShelf::drifting() const {
  const std::lock_guard lock(mutex_);
  return drifting_;
}

void BaselineShelf::set_drifting(const std::map<Id, Timestamp>& drifting) {
  const std::lock_guard lock(mutex_);
  if (drifting == drifting_) return;
  if (!folder_.empty()) {
    std::string text;
    for (const auto& [id, since] : drifting) text += id.to_string() + " " + to_string(since) + "\n";
    std::filesystem::create_directories(folder_);
    replace_file(folder_ / kDrifting, text);
  }
  drifting_ = drifting;
}

std::filesystem::path BaselineShelf::file_of(const Id& id) const {
  return folder_ / (id.to_string() + kSuffix);
}

bool BaselineShelf::keep(const Id& id, Baseline baseline) {
  std::size_t edges = baseline.edges.size(), others = 0;
  for (const auto& [other, kept] : baselines_) {
    if (other == id) continue;
    edges += kept->edges.size();
    ++others;
  }
  if (others >= kMostBaselines || edges > kMostEdges) return false;
  if (!folder_.empty()) {
    std::filesystem::create_directories(folder_);
    replace_file(file_of(id), to_json(baseline));
  }
  baselines_[id] = std::make_shared<const Baseline>(std::move(baseline));
  return true;
}

std::optional<Id> BaselineShelf::put(Baseline baseline) {
  const std::lock_guard lock(mutex_);
  const Id id =
      derive_id(asset_namespace(), "baseline " + to_string(baseline.at) + " " + baseline.name);
  return keep(id, std::move(baseline)) ? std::optional(id) : std::nullopt;
}

bool BaselineShelf::replace(const Id& id, Baseline baseline) {
  const std::lock_guard lock(mutex_);
  return baselines_.contains(id) && keep(id, std::move(baseline));
}

bool BaselineShelf::remove(const Id& id) {
  const std::lock_guard lock(mutex_);
  if (baselines_.erase(id) == 0) return false;
  std::error_code ignored;  // one that has gone already is gone
  if (!folder_.empty()) std::filesystem::remove(file_of(id), ignored);
  return true;
}

std::shared_ptr<const Baseline> BaselineShelf::get(const Id& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = baselines_.find(id);
  return found == baselines_.end() ? nullptr : found->second;
}

std::vector<std::pair<Id, std::shared_ptr<const Baseline>>> BaselineShelf::all() const {
  const std::lock_guard lock(mutex_);
  return {baselines_.begin(), baselines_.end()};
}

}  // namespace flowlensd
