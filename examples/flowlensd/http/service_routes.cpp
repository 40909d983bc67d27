#include "config/roles.hpp"
#include "http/api.hpp"
#include "http/explanation.hpp"
#include "http/health.hpp"
#include "http/parameters.hpp"
#include "http/rows.hpp"
#include "notify/channels.hpp"
#include "pipeline/follower.hpp"
#include "pipeline/parcel_reading.hpp"
#include "pipeline/stores.hpp"

namespace flowlensd::http {
namespace {

Json exporter_json(const ExporterAccount& row) {
  return {{"address", row.address.to_string()},
          {"protocols", Json::array()},
          {"transports", Json::array()},
          {"datagrams", 0},
          {"octets", 0},
          {"flows", 0},
          {"problems", 0},
          {"first_heard", to_string(row.first_heard)},
          {"last_heard", to_string(row.last_heard)}};
}

void add_once(Json& list, std::string_view text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

/// Rows of one exporter stand next to each other, one for each protocol and transport.
Response list_exporters(const Service& s) {
  Json items = Json::array();
  IpAddress address;
  Timestamp first;
  Timestamp last;
  for (const ExporterAccount& row : s.accounts.exporters()) {
    if (items.empty() || row.address != address) {
      items.push_back(exporter_json(row));
      address = row.address;
      first = row.first_heard;
      last = row.last_heard;
    }
    first = std::min(first, row.first_heard);
    last = std::max(last, row.last_heard);
    Json& item = items.back();
    add_once(item["protocols"], to_string(row.protocol));
    add_once(item["transports"], to_string(row.transport));
    item["datagrams"] = item["datagrams"].get<std::uint64_t>() + row.datagrams;
    item["octets"] = item["octets"].get<std::uint64_t>() + row.octets;
    item["flows"] = item["flows"].get<std::uint64_t>() + row.flows;
    item["problems"] = item["problems"].get<std::uint64_t>() + row.problems;
    item["first_heard"] = to_string(first);
    item["last_heard"] = to_string(last);
  }
  const std::size_t total = items.size();
  return fresh_json({{"items", std::move(items)}, {"total", total}, {"next_cursor", nullptr}});
}

Response text(std::string body) {
  Response r;
  r.content_type = "text/plain; charset=utf-8";
  r.body = std::move(body);
  r.headers.emplace_back("Cache-Control", "no-store");
  return r;
}

Response explain_exporter(const Service& s, const Request& request) {
  const auto named = request.query.find("format");
  const std::string format = named == request.query.end() ? "json" : named->second;
  if (format != "json" && format != "text") {
    throw Problem{400, "Bad parameter", "`format` is json or text"};
  }
  const IpAddress address = address_parameter(request);
  if (s.parcels != nullptr) {
    throw Problem{404, "Not known here",
                  "other processes decode (role ingest); their /metrics count flows by exporter"};
  }
  const auto explanation = s.explain(address);
  if (!explanation) {
    throw Problem{503, "No answer", "the decoders are busy or not running; ask again"};
  }
  if (explanation->status.empty()) {
    throw Problem{404, "Unknown exporter",
                  "no datagram of " + address.to_string() +
                      " is remembered; /api/v1/exporters lists those that were heard"};
  }
  if (format == "text") return text(to_text(*explanation));
  return fresh_json(explanation_json(*explanation, s.receiver().counters.kernel_dropped));
}

Response get_ledgers(const Service& s) {
  const DecoderAccount decoders = s.accounts.total();
  const MapView map = s.writer.view();
  return fresh_json({{"datagrams", datagram_ledger_json(decoders.datagrams,
                                                        s.receiver().counters.kernel_dropped)},
                     {"octets", octet_ledger_json(decoders.octets)},
                     {"flows", flow_ledger_json(map.flows)},
                     {"flows_all_epochs", flow_ledger_json(map.flows_all_epochs)},
                     {"flows_decoded", decoders.normalizer.flows},
                     {"queue_depth_flows", s.channel.depth()},
                     {"revision", map.revision},
                     {"epoch", map.epoch}});
}

constexpr double kLongWrite = 30;  // seconds; a big revision takes some three

/// What is on disk meanwhile.
std::string spool_text(const SpoolView& spool) {
  if (!spool.problem.empty()) return "; revisions cannot be kept on disk: " + spool.problem;
  if (spool.revisions == 0) return {};
  std::string text = "; " + std::to_string(spool.revisions) + " revisions wait on disk (" +
                     std::to_string(spool.octets) + " octets)";
  if (spool.is_full) text += ", no more have room there: flushes are put off";
  return text;
}

std::string store_check(const Service& s) {
  if (s.store == nullptr) return "not_configured";
  const StoreView view = s.store->view();
  if (!view.problem.empty()) return "retrying: " + view.problem + spool_text(view.spool);
  if (view.writing_seconds >= kLongWrite) {
    return "waiting: the store has not answered for " +
           std::to_string(static_cast<std::uint64_t>(view.writing_seconds)) + " s";
  }
  return view.expiry_problem.empty() ? "ok" : "not removing what is old: " + view.expiry_problem;
}

/// The same where the store is one.
std::string postgres_check(const Service& s, const std::string& store) {
  return postgres_connection(s.settings).empty() ? "not_configured" : store;
}

constexpr double kLongBehind = 60;  // seconds

/// Of flows that come by the database.
std::string channel_check(const Service& s) {
  if (s.parcels == nullptr) return "not_configured";
  const ParcelReadingView view = s.parcels->view();
  if (!view.problem.empty()) return "retrying: " + view.problem;
  if (view.behind_seconds < kLongBehind) return "ok";
  return "catching_up: " + std::to_string(static_cast<std::uint64_t>(view.behind_seconds)) +
         " s behind";
}

std::string receiver_check(const Service& s) {
  if (!parse_roles(s.settings.roles).has(Role::ingest)) return "not_configured";
  return s.receiver().is_receiving ? "ok" : "not_receiving";
}

std::string queue_check(const Service& s) {
  if (s.parcels != nullptr) return "ok";  // never gets fuller than the Resolver likes it
  const std::size_t depth = s.channel.depth();
  const auto now = s.current_settings();
  if (!now->backpressure_enabled) return depth >= now->queue_max_size ? "full" : "ok";
  if (depth >= now->drop_threshold) return "refusing_datagrams";
  return depth >= now->sample_threshold ? "sampling" : "ok";
}

bool is_up(const Service& s) {
  const auto stage = s.life.stage();
  return stage == Life::Stage::serving || stage == Life::Stage::reading_captures;
}

/// What the last attempt at each receiver of alerts brought.
std::string channels_check(const Service& s) {
  const auto channels = s.channels == nullptr ? std::vector<ChannelView>{} : s.channels->view();
  if (channels.empty()) return "not_configured";
  std::string failing;
  for (const ChannelView& channel : channels) {
    if (channel.outbox.problem.empty()) continue;
    failing +=
        (failing.empty() ? "failing: " : "; ") + channel.name + ": " + channel.outbox.problem;
  }
  return failing.empty() ? "ok" : failing;
}

bool is_good(const std::string& check) { return check == "ok" || check == "not_configured"; }

bool is_degraded(const Service& s) {
  return !is_good(store_check(s)) || !is_good(queue_check(s)) || !is_good(channel_check(s));
}

constexpr double kMostBehind = 30;  // seconds

/// How a copy of the map fares.
std::string follower_check(const Follower& follower) {
  const FollowerView view = follower.status();
  const auto whole = [](double seconds) {
    return std::to_string(static_cast<std::uint64_t>(seconds)) + " s";
  };
  if (!view.problem.empty()) return "retrying: " + view.problem;
  if (view.silent_seconds > kMostBehind) {
    return "waiting: the database has not answered for " + whole(view.silent_seconds);
  }
  if (view.behind_seconds <= kMostBehind) return "ok";
  return "behind: revision " + std::to_string(view.at.revision) + " of " +
         std::to_string(view.newest) + ", for " + whole(view.behind_seconds);
}

Json follower_checks(const Service& s, const std::string& follower, const std::string& resolver) {
  return {
      {"follower", follower}, {"resolver", resolver}, {"postgresql", postgres_check(s, follower)}};
}

Response get_follower_health(const Service& s, bool is_ready_asked) {
  const std::string follower = follower_check(*s.follower);
  const std::string resolver = s.resolver_check ? s.resolver_check() : "ok";
  const bool is_degraded = follower != "ok" || resolver != "ok";
  Json checks = follower_checks(s, follower, resolver);
  if (is_ready_asked) return ready_answer(is_up(s), is_degraded, std::move(checks));
  return health_answer(is_up(s), is_degraded, s.life.uptime_seconds(), std::move(checks));
}

Response get_health(const Service& s) {
  if (s.follower != nullptr) return get_follower_health(s, false);
  const std::string store = store_check(s);
  const std::string channels = channels_check(s);
  const bool is_failing = !is_good(channels);
  return health_answer(is_up(s), is_degraded(s) || is_failing, s.life.uptime_seconds(),
                       {{"store", store},
                        {"receiver", receiver_check(s)},
                        {"queue", queue_check(s)},
                        {"channel", channel_check(s)},
                        {"alert_channels", channels},
                        {"postgresql", postgres_check(s, store)},
                        {"kafka", "not_configured"},
                        {"redis", "not_configured"}});
}

Response get_ready(const Service& s) {
  if (s.follower != nullptr) return get_follower_health(s, true);
  return ready_answer(is_up(s), is_degraded(s),
                      {{"store", store_check(s)},
                       {"receiver", receiver_check(s)},
                       {"queue", queue_check(s)},
                       {"channel", channel_check(s)}});
}

}  // namespace

void add_service_routes(Router& router, const Service& s) {
  router.add({"/api/v1/exporters", [&s](const Request&) { return list_exporters(s); }, {}});
  router.add({"/api/v1/exporters/{address}/explain",
              [&s](const Request& r) { return explain_exporter(s, r); },
              {"format"}});
  router.add({"/api/v1/ledgers", [&s](const Request&) { return get_ledgers(s); }, {}});
}

void add_health_routes(Router& router, const Service& s) {
  router.add({"/api/v1/admin/health", [&s](const Request&) { return get_health(s); }, {}});
  add_health_routes(router, {[&s] { return get_health(s); }, [&s] { return get_ready(s); }});
}

}  // namespace flowlensd::http
