#include "http/ingest_routes.hpp"

#include <prometheus/text_serializer.h>

#include <string>

#include "http/decoder_families.hpp"
#include "http/health.hpp"

namespace flowlensd::http {
namespace {

constexpr double kLongWrite = 30;  // seconds

std::string database_check(const ParcelSendingView& view) {
  if (!view.problem.empty()) return "retrying: " + view.problem;
  if (view.writing_seconds >= kLongWrite) {
    return "waiting: the database has not answered for " +
           std::to_string(static_cast<std::uint64_t>(view.writing_seconds)) + " s";
  }
  return "ok";
}

std::string channel_check(const ParcelSendingView& view) {
  return view.is_full ? "full: no process with the role resolve takes the flows" : "ok";
}

std::string queue_check(const IngestService& s) {
  const auto now = s.settings();
  const std::size_t depth = s.channel.depth();
  if (!now->backpressure_enabled) return depth >= now->queue_max_size ? "full" : "ok";
  if (depth >= now->drop_threshold) return "refusing_datagrams";
  return depth >= now->sample_threshold ? "sampling" : "ok";
}

struct Checks {
  Json texts;
  bool is_up = false;
  bool is_degraded = false;
};

Checks look(const IngestService& s) {
  const ParcelSendingView view = s.sending.view();
  Checks checks;
  checks.is_up = s.life.stage() == Life::Stage::serving;
  checks.texts = {{"postgresql", database_check(view)},
                  {"channel", channel_check(view)},
                  {"receiver", s.receiver().is_receiving ? "ok" : "not_receiving"},
                  {"queue", queue_check(s)}};
  for (const auto& [name, text] : checks.texts.items()) checks.is_degraded |= text != "ok";
  return checks;
}

void add_sending(Families& out, const ParcelSendingView& view) {
  add_channel_state(out, view.channel);
  out.counter("flowlens_channel_flows_sent_total", "Flows handed over to the database.",
              number(view.flows));
  out.counter("flowlens_flows_sampled_total",
              "Flows left out under pressure; others stand for them.", number(view.sampled_out));
  out.counter("flowlens_channel_parcels_sent_total", "Parcels they went in.", number(view.parcels));
  out.counter("flowlens_channel_sent_bytes_total", "What they took.", number(view.octets));
  out.counter("flowlens_channel_failures_total", "Attempts to reach the database that failed.",
              number(view.failures));
  out.gauge("flowlens_channel_flows_in_hand",
            "Flows taken from the queue that the database does not have yet.",
            number(view.in_hand));
  out.gauge("flowlens_channel_full", "1 while the database has no room for more.",
            view.is_full ? 1 : 0);
}

std::string metrics_text(const IngestService& s) {
  const DecoderAccount decoders = s.accounts.total();
  const ReceiverView receiver = s.receiver();
  const auto settings = s.settings();
  Families out;
  add_received_flows(out, s.accounts);
  add_datagrams(out, decoders.datagrams, receiver.counters);
  add_octets(out, decoders.octets);
  add_decoding(out, decoders);
  add_queue(out, s.channel.depth(), *settings);
  add_sending(out, s.sending.view());
  add_receiver(out, *settings, receiver);
  add_process(out, s.life, s.server());
  return prometheus::TextSerializer().Serialize(out.take());
}

Response metrics(const IngestService& s) {
  Response r;
  r.content_type = "text/plain; version=0.0.4; charset=utf-8";
  r.body = metrics_text(s);
  r.headers.emplace_back("Cache-Control", "no-store");
  return r;
}

}  // namespace

void add_ingest_routes(Router& router, const IngestService& s, bool has_metrics) {
  add_health_routes(router, {[&s] {
                               const Checks c = look(s);
                               return health_answer(c.is_up, c.is_degraded, s.life.uptime_seconds(),
                                                    c.texts);
                             },
                             [&s] {
                               const Checks c = look(s);
                               return ready_answer(c.is_up, c.is_degraded, c.texts);
                             }});
  if (!has_metrics) return;
  for (const char* path : {"/metrics", "/admin/metrics"}) {
    router.add(
        {path, [&s](const Request&) { return metrics(s); }, {}, "GET", Permission::anonymous});
  }
}

}  // namespace flowlensd::http
