// Decoder: datagrams to flows.
#include "flowlens/decoder.hpp"

#include <memory>
#include <mutex>

#include "binding.hpp"
#include "counters.hpp"
#include "flowlens/error.hpp"

namespace flowlens::python {
namespace {

struct LockedDecoder {
  explicit LockedDecoder(const DecoderOptions& options) : decoder(options) {}
  std::mutex mutex;
  Decoder decoder;
};

TunnelView tunnel_view_of(const std::string& word) {
  if (word == "innermost") return TunnelView::innermost;
  if (word == "outermost") return TunnelView::outermost;
  throw ConfigError("tunnel_view: `" + word + "`; `innermost` or `outermost` is wanted");
}

/// `{"10.0.0.0/8": 1000}`
std::vector<SamplingOverride> overrides_of(const py::dict& rates) {
  std::vector<SamplingOverride> out;
  for (const auto& [network, rate] : rates) {
    const IpPrefix prefix = prefix_of(network, "sampling_overrides");
    SamplingOverride o;
    o.prefix = prefix.address;
    o.prefix_length =
        static_cast<std::uint8_t>(prefix.address.is_v4() ? prefix.length - 96 : prefix.length);
    o.rate = py::cast<std::uint32_t>(rate);
    out.push_back(o);
  }
  return out;
}

std::unique_ptr<LockedDecoder> make(std::size_t max_templates,
                                    std::size_t max_templates_per_exporter,
                                    std::size_t max_exporters, py::handle template_lifetime,
                                    const std::string& tunnel_view,
                                    const py::dict& sampling_overrides, py::handle max_time_behind,
                                    std::uint64_t hash_seed) {
  DecoderOptions o;
  o.parser.max_templates = max_templates;
  o.parser.max_templates_per_exporter = max_templates_per_exporter;
  o.parser.template_lifetime = seconds_of(template_lifetime, "template_lifetime");
  o.parser.hash_seed = hash_seed;
  o.normalizer.max_exporters = max_exporters;
  o.normalizer.tunnel_view = tunnel_view_of(tunnel_view);
  o.normalizer.sampling_overrides = overrides_of(sampling_overrides);
  o.normalizer.max_time_behind = seconds_of(max_time_behind, "max_time_behind");
  return std::make_unique<LockedDecoder>(o);
}

Batch decode(LockedDecoder& self, py::handle payload, py::handle exporter, py::handle received,
             std::uint16_t exporter_port, std::uint16_t collector_port) {
  const TransportSession session{address_of(exporter, "exporter"), exporter_port, collector_port};
  const Timestamp at = time_of(received);
  const PinnedBuffer pinned(payload);
  auto flows = std::make_shared<FlowBatch>();
  const ParseResult result =
      alone(self.mutex, [&] { return self.decoder.decode(pinned.octets(), session, at, *flows); });
  return {std::move(flows), result.accepted,     result.first,
          result.sets,      result.sets_waiting, result.sets_skipped};
}

py::object explain(LockedDecoder& self, py::handle exporter, py::handle now) {
  const IpAddress address = address_of(exporter, "exporter");
  const Timestamp at = time_of(now);
  const ExporterExplanation found =
      alone(self.mutex, [&] { return self.decoder.explain(address, at); });
  if (found.status.empty()) return py::none();
  return dict_of(found);
}

py::dict counters(LockedDecoder& self) {
  const auto [datagrams, octets, parser, normalizer] = alone(self.mutex, [&] {
    const Parser& p = self.decoder.parser();
    return std::tuple{p.datagrams(), p.octets(), p.counters(), self.decoder.counters()};
  });
  py::dict out;
  out["datagrams"] = dict_of(datagrams);
  out["octets"] = dict_of(octets);
  out["parser"] = dict_of(parser);
  out["normalizer"] = dict_of(normalizer);
  return out;
}

void load_state(LockedDecoder& self, py::handle state) {
  const PinnedBuffer pinned(state);
  const Diagnostic problem =
      alone(self.mutex, [&] { return self.decoder.load_state(pinned.octets()); });
  if (problem.code != DiagnosticCode::none) {
    throw IoError("the saved state cannot be used: " + to_string(problem));
  }
}

py::list exporters(LockedDecoder& self) {
  const auto found = alone(self.mutex, [&] { return self.decoder.parser().exporters(); });
  py::list out;
  for (const IpAddress& address : found) out.append(to_python(address));
  return out;
}

}  // namespace

void add_decoder(py::module_& m) {
  const DecoderOptions o;
  const ParserOptions& p = o.parser;
  py::class_<LockedDecoder>(
      m, "Decoder",
      "Decodes exporters' datagrams (NetFlow v1, v5, v7, v9, IPFIX, sFlow) into flows.\n\n"
      "Threads may share one: they take turns. For speed give each its own, and always the same "
      "exporter to the\n"
      "same one.")
      .def(py::init(&make), py::kw_only(), py::arg("max_templates") = p.max_templates,
           py::arg("max_templates_per_exporter") = p.max_templates_per_exporter,
           py::arg("max_exporters") = o.normalizer.max_exporters,
           py::arg("template_lifetime") = p.template_lifetime.count(),
           py::arg("tunnel_view") = "innermost", py::arg("sampling_overrides") = py::dict(),
           py::arg("max_time_behind") = o.normalizer.max_time_behind.count(),
           py::arg("hash_seed") = p.hash_seed)
      .def("decode", &decode, py::arg("payload"), py::kw_only(), py::arg("exporter"),
           py::arg("received") = py::none(), py::arg("exporter_port") = 0,
           py::arg("collector_port") = 0,
           "Decodes one datagram: a UDP payload, any bytes-like object. A malformed one is no "
           "exception but\n"
           "says what is wrong in `diagnostic`. received: a datetime with a time zone, or "
           "nanoseconds since 1970.")
      .def("explain", &explain, py::arg("exporter"), py::kw_only(), py::arg("now") = py::none(),
           "What an exporter sends, what the map lacks of it, what was lost and why; `text` has it "
           "for people. None for an\n"
           "exporter that nothing came from.")
      .def_property_readonly("exporters", &exporters)
      .def_property_readonly(
          "counters", &counters,
          "The ledgers: where datagrams and their octets went, and what the tables hold.")
      .def(
          "save_state",
          [](LockedDecoder& self) {
            return bytes_of(alone(self.mutex, [&] { return self.decoder.save_state(); }));
          },
          "Templates and what exporters told, for a restart.")
      .def("load_state", &load_state, py::arg("state"))
      .def("__repr__", [](LockedDecoder& self) {
        const auto n =
            alone(self.mutex, [&] { return self.decoder.parser().datagrams().received; });
        return "<flowlens.Decoder, " + std::to_string(n) + " datagrams>";
      });
}

}  // namespace flowlens::python
