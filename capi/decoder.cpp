// Datagrams to flows.
#include <memory>

#include "flowlens/decoder.hpp"
#include "handles.hpp"

namespace capi = flowlens::capi;

struct flowlens_decoder {
  explicit flowlens_decoder(const flowlens::DecoderOptions& options) : decoder(options) {}
  flowlens::Decoder decoder;
};

namespace flowlens::capi {

ParserOptions parser_options(const flowlens_parser_options* given) {
  const auto c = read_options(given, FLOWLENS_OLDEST(flowlens_parser_options, hash_seed));
  ParserOptions options;
  set_unless_zero(options.max_templates, c.max_templates);
  set_unless_zero(options.max_templates_per_exporter, c.max_templates_per_exporter);
  set_unless_zero(options.max_streams, c.max_streams);
  set_unless_zero(options.template_lifetime, c.template_lifetime_s);
  options.hash_seed = c.hash_seed;
  return options;
}

DecoderOptions decoder_options(const flowlens_decoder_options* given) {
  const auto c = read_options(given, FLOWLENS_OLDEST(flowlens_decoder_options, max_time_ahead_s));
  require(c.tunnel_view <= FLOWLENS_TUNNEL_OUTERMOST, "tunnel_view is none of FLOWLENS_TUNNEL_…");
  DecoderOptions options;
  options.parser = parser_options(c.parser);
  set_unless_zero(options.normalizer.max_exporters, c.max_exporters);
  set_unless_zero(options.normalizer.max_time_behind, c.max_time_behind_s);
  set_unless_zero(options.normalizer.max_time_ahead, c.max_time_ahead_s);
  options.normalizer.tunnel_view =
      c.tunnel_view == FLOWLENS_TUNNEL_OUTERMOST ? TunnelView::outermost : TunnelView::innermost;
  return options;
}

TransportSession session_of(const flowlens_session* given) {
  const auto c =
      read_options(&need(given, "session"), FLOWLENS_OLDEST(flowlens_session, transport));
  require(c.transport <= FLOWLENS_FILE, "transport is none of FLOWLENS_UDP …");
  return {address_of(c.exporter), c.exporter_port, c.collector_port,
          static_cast<Transport>(c.transport)};
}

flowlens_result c_result(const ParseResult& result) {
  flowlens_result c{};
  c.struct_size = sizeof c;
  c.sets = result.sets;
  c.sets_waiting = result.sets_waiting;
  c.sets_skipped = result.sets_skipped;
  c.offset = result.first.offset;
  c.detail = result.first.detail;
  c.accepted = result.accepted ? 1 : 0;
  if (!result.clean()) {
    copy_text(reason(result.first.code), c.reason);
    copy_text(to_string(result.first), c.problem);
  }
  return c;
}

}  // namespace flowlens::capi

flowlens_status flowlens_decoder_create(const flowlens_decoder_options* options,
                                        flowlens_decoder** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    return std::make_unique<flowlens_decoder>(capi::decoder_options(options));
  });
}

void flowlens_decoder_destroy(flowlens_decoder* decoder) { delete decoder; }

flowlens_status flowlens_decoder_decode(flowlens_decoder* decoder, const void* datagram,
                                        size_t length, const flowlens_session* session,
                                        int64_t received_ns, flowlens_batch* batch,
                                        flowlens_result* result, flowlens_error* error) {
  constexpr std::size_t kOldest = FLOWLENS_OLDEST(flowlens_result, problem);
  capi::clear_struct(result, kOldest);
  return capi::guarded(error, [&] {
    const auto octets = capi::octets_of(datagram, length);
    const auto from = capi::session_of(session);
    auto& flows = capi::need(batch, "batch").batch;
    if (result != nullptr) capi::write_struct(flowlens_result{}, result, kOldest);  // its size
    const auto parsed =
        capi::need(decoder, "decoder")
            .decoder.decode(octets, from, flowlens::from_unix_ns(received_ns), flows);
    if (result != nullptr) capi::write_struct(capi::c_result(parsed), result, kOldest);
  });
}

flowlens_status flowlens_decoder_counts(const flowlens_decoder* decoder,
                                        flowlens_decoder_counters* out, flowlens_error* error) {
  return capi::guarded_fill(out, FLOWLENS_OLDEST(flowlens_decoder_counters, exporters), error, [&] {
    const flowlens::Decoder& d = capi::need(decoder, "decoder").decoder;
    const flowlens::NormalizerCounters flows = d.counters();
    const flowlens::ParserCounters parser = d.parser().counters();
    flowlens_decoder_counters c{};
    c.datagrams_received = d.parser().datagrams().received;
    c.datagrams_accepted = d.parser().datagrams().accepted;
    c.records = flows.records;
    c.flows = flows.flows;
    c.records_without_flow = flows.records_without_flow;
    c.templates = parser.templates;
    c.sets_waiting = parser.sets_waiting;
    c.exporters = flows.exporters;
    return c;
  });
}

flowlens_status flowlens_decoder_explain(const flowlens_decoder* decoder,
                                         const flowlens_address* exporter, int64_t now_ns,
                                         flowlens_buffer** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    const auto address = capi::address_of(capi::need(exporter, "exporter"));
    return capi::buffer_of(to_text(
        capi::need(decoder, "decoder").decoder.explain(address, flowlens::from_unix_ns(now_ns))));
  });
}

flowlens_status flowlens_decoder_save(const flowlens_decoder* decoder, flowlens_buffer** out,
                                      flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    return capi::buffer_of(capi::need(decoder, "decoder").decoder.save_state());
  });
}

flowlens_status flowlens_decoder_load(flowlens_decoder* decoder, const void* octets, size_t size,
                                      flowlens_error* error) {
  return capi::guarded(error, [&] {
    const auto problem =
        capi::need(decoder, "decoder").decoder.load_state(capi::octets_of(octets, size));
    if (problem.code != flowlens::DiagnosticCode::none) {
      throw capi::Refused{FLOWLENS_DAMAGED, to_string(problem)};
    }
  });
}
