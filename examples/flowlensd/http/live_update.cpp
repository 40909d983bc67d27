#include "http/live_update.hpp"

#include <utility>

#include "notify/alert_json.hpp"

namespace flowlensd::http {
namespace {

template <typename Row>
void take_rows(ToldRows<Row>& to, const std::vector<Row>& rows, const std::vector<Id>& removed,
               std::size_t max_rows) {
  to.changed_count = rows.size() + removed.size();
  to.is_truncated = to.changed_count > max_rows;
  if (to.is_truncated) return;
  to.rows = rows;
  for (const Id& id : removed) to.removed.push_back(id.to_string());
}

template <typename Row, typename ToJson>
std::size_t make_texts_of(ToldRows<Row>& told, const ToJson& to_json) {
  std::size_t octets = 64 * told.removed.size();
  told.texts.reserve(told.rows.size());
  for (const Row& row : told.rows) {
    told.texts.push_back(text_of(to_json(row)));
    if (told.texts.back().ends_with('\n')) told.texts.back().pop_back();
    octets += told.texts.back().size() + sizeof(Row) + sizeof(std::string);
  }
  return octets;
}

/// `"a","b"` and the like, of what `is_wanted` lets through.
template <typename IsWanted>
std::string joined(const std::vector<std::string>& texts, const IsWanted& is_wanted,
                   std::size_t& count) {
  std::string out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!is_wanted(i)) continue;
    ++count;
    out += (out.empty() ? "" : ",") + texts[i];
  }
  return out;
}

std::string ids_json(const std::vector<std::string>& ids) {
  std::string out;
  for (const std::string& id : ids) out += (out.empty() ? "\"" : ",\"") + id + "\"";
  return "[" + out + "]";
}

std::string truncated_json(std::string_view topic, std::size_t count) {
  return ",\"" + std::string(topic) +
         "\":{\"changed\":[],\"removed\":[],\"truncated\":true,\"count\":" + std::to_string(count) +
         "}";
}

/// `,"assets":{…}`, or nothing.
template <typename Row>
std::string topic_json(std::string_view topic, const ToldRows<Row>& told, const Filter<Row>& filter,
                       std::size_t max_told, const std::string& more = {}) {
  if (told.is_truncated) return truncated_json(topic, told.changed_count);
  std::size_t count = told.removed.size();
  const auto is_wanted = [&](std::size_t i) { return !filter || filter.matches(told.rows[i]); };
  std::string changed = joined(told.texts, is_wanted, count);
  if (count > max_told) return truncated_json(topic, count);
  if (count == 0 && more.empty()) return {};
  return ",\"" + std::string(topic) + "\":{\"changed\":[" + changed +
         "],\"removed\":" + ids_json(told.removed) + more +
         ",\"truncated\":false,\"count\":" + std::to_string(count) + "}";
}

/// Those of applications alone, or all.
std::string events_json(std::string_view topic, const ToldRows<ChangeEvent>& told,
                        const Filter<ChangeEvent>& filter, bool of_applications,
                        std::size_t max_told) {
  if (told.is_truncated) return truncated_json(topic, told.changed_count);
  std::size_t count = 0;
  const auto is_wanted = [&](std::size_t i) {
    const ChangeEvent& event = told.rows[i];
    if (of_applications && event.type != ChangeType::application_changed) return false;
    return !filter || filter.matches(event);
  };
  std::string events = joined(told.texts, is_wanted, count);
  if (count > max_told) return truncated_json(topic, count);
  if (count == 0) return {};
  return ",\"" + std::string(topic) + "\":{\"changed\":[" + events +
         "],\"removed\":[],\"truncated\":false,\"count\":" + std::to_string(count) + "}";
}

std::string aliases_json(const std::vector<Alias>& aliases) {
  if (aliases.empty()) return {};
  Json list = Json::array();
  for (const Alias& a : aliases) {
    list.push_back(
        {{"id", a.id.to_string()}, {"target", a.target.to_string()}, {"at", to_string(a.at)}});
  }
  return ",\"redirected\":" + list.dump();
}

std::string topics_json(const LiveUpdate& u, const LiveSubscription& w, std::size_t max_told) {
  std::string out;
  if (w.has(LiveTopic::assets)) out += topic_json("assets", u.assets, w.assets, max_told);
  if (w.has(LiveTopic::dependencies)) {
    out += topic_json("dependencies", u.dependencies, w.dependencies, max_told,
                      aliases_json(u.aliases));
  }
  if (w.has(LiveTopic::changes)) {
    out += events_json("changes", u.changes, w.changes, false, max_told);
  }
  if (w.has(LiveTopic::applications)) {
    out += events_json("applications", u.changes, w.applications, true, max_told);
  }
  if (w.has(LiveTopic::alerts)) out += topic_json("alerts", u.alerts, w.alerts, max_told);
  return out;
}

}  // namespace

std::unique_ptr<LiveUpdate> live_update(const Revision& revision, std::size_t max_rows) {
  auto update = std::make_unique<LiveUpdate>();
  update->is_revision = true;
  update->revision = revision.number;
  update->epoch = revision.epoch.value;
  update->at = revision.at;
  take_rows(update->assets, revision.assets, revision.removed_assets, max_rows);
  std::vector<Id> gone = revision.removed_dependencies;
  gone.insert(gone.end(), revision.closed_dependencies.begin(), revision.closed_dependencies.end());
  take_rows(update->dependencies, revision.dependencies, gone, max_rows);
  take_rows(update->changes, revision.events, {}, max_rows);
  if (revision.aliases.size() > max_rows)
    update->dependencies.is_truncated = true;
  else
    update->aliases = revision.aliases;
  return update;
}

std::unique_ptr<LiveUpdate> live_update(const AlertChanges& changes, std::size_t max_rows) {
  auto update = std::make_unique<LiveUpdate>();
  update->at = changes.at;
  take_rows(update->alerts, changes.alerts, changes.removed, max_rows);
  return update;
}

std::size_t truncated_topics(const LiveUpdate& u) noexcept {
  return std::size_t{u.assets.is_truncated} + std::size_t{u.dependencies.is_truncated} +
         std::size_t{u.changes.is_truncated} + std::size_t{u.alerts.is_truncated};
}

void make_texts(LiveUpdate& update, const SiteTable& sites, const Geo* geo) {
  update.octets = sizeof(LiveUpdate) + update.aliases.size() * sizeof(Alias);
  update.octets += make_texts_of(update.assets, [&](const AssetRow& row) {
    Json json = asset_json(row, sites);
    json["origin"] = origin_json(row, geo);
    return json;
  });
  update.octets += make_texts_of(
      update.dependencies, [&](const DependencyRow& row) { return dependency_json(row, sites); });
  update.octets += make_texts_of(
      update.changes, [&](const ChangeEvent& event) { return change_json(event, sites); });
  update.octets +=
      make_texts_of(update.alerts, [](const Alert& alert) { return Json(alert_json(alert)); });
}

std::string live_message(const LiveUpdate& update, const LiveSubscription& wanted,
                         const std::string& instance, std::size_t max_told) {
  const std::string topics = topics_json(update, wanted, max_told);
  if (topics.empty() && !update.is_revision) return {};
  return std::string("{\"type\":\"") + (update.is_revision ? "revision" : "alerts") +
         "\",\"revision\":" + std::to_string(update.revision) +
         (update.is_revision ? ",\"epoch\":" + std::to_string(update.epoch) : std::string{}) +
         ",\"instance\":\"" + instance + "\",\"at\":\"" + to_string(update.at) + "\"" + topics +
         "}";
}

}  // namespace flowlensd::http
