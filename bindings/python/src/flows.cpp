// Batches of flows, and single flows.
#include <algorithm>

#include "binding.hpp"
#include "column.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/packet.hpp"

namespace flowlens::python {
namespace {

struct FlowIterator {
  std::shared_ptr<const FlowBatch> batch;
  std::size_t next = 0;
};

/// What stands beside a flow, or null.
template <typename Entry>
const Entry* beside(const std::vector<Entry>& entries, std::size_t flow) noexcept {
  const auto found = detail::first_beside(entries, flow);
  return found != entries.end() && found->flow == flow ? &*found : nullptr;
}

Cell end_of(const Flow& f, IpAddress Translation::*address) {
  const Translation* t = beside(f.batch->translations, f.index);
  return t != nullptr ? Cell{t->*address} : Cell{};
}
Cell port_of(const Flow& f, std::uint16_t Translation::*port) {
  const Translation* t = beside(f.batch->translations, f.index);
  return t != nullptr ? Cell{std::uint64_t{t->*port}} : Cell{};
}
Cell vrf_of(const Flow& f, std::optional<Vrf> FlowVrf::*vrf) {
  const FlowVrf* v = beside(f.batch->vrfs, f.index);
  return v != nullptr && v->*vrf ? Cell{std::uint64_t{(v->*vrf)->id}} : Cell{};
}

constexpr Attribute<Flow> kBeside[] = {
    {"estimated_octet_count",
     [](const Flow& f) {
       return f.record().has(FlowField::octet_count) ? Cell{f.record().estimated_octet_count()}
                                                     : Cell{};
     }},
    {"estimated_packet_count",
     [](const Flow& f) {
       return f.record().has(FlowField::packet_count) ? Cell{f.record().estimated_packet_count()}
                                                      : Cell{};
     }},
    {"post_source_address", [](const Flow& f) { return end_of(f, &Translation::source_address); }},
    {"post_destination_address",
     [](const Flow& f) { return end_of(f, &Translation::destination_address); }},
    {"post_source_port", [](const Flow& f) { return port_of(f, &Translation::source_port); }},
    {"post_destination_port",
     [](const Flow& f) { return port_of(f, &Translation::destination_port); }},
    {"ingress_vrf", [](const Flow& f) { return vrf_of(f, &FlowVrf::ingress); }},
    {"egress_vrf", [](const Flow& f) { return vrf_of(f, &FlowVrf::egress); }},
};

py::dict dict_of(const Flow& f) {
  py::dict out;
  for (const FlowColumn& c : flow_columns()) {
    out[py::str(c.name.data(), c.name.size())] = to_plain(cell_of(c, f.record()));
  }
  for (const Attribute<Flow>& a : kBeside) out[a.name] = to_plain(a.get(f));
  return out;
}

py::dict dict_of(const Packet& p) {
  py::dict out;
  const auto set = [&](const char* name, PacketField field, const Cell& value) {
    out[name] = p.has(field) ? to_python(value) : py::none();
  };
  out["encapsulation"] = name_of(p.encapsulation);
  set("source_address", PacketField::addresses, p.source);
  set("destination_address", PacketField::addresses, p.destination);
  set("protocol", PacketField::protocol, std::uint64_t{p.protocol});
  set("source_port", PacketField::source_port, std::uint64_t{p.source_port});
  set("destination_port", PacketField::destination_port, std::uint64_t{p.destination_port});
  set("ip_length", PacketField::ip, std::uint64_t{p.ip_length});
  out["vlan_id"] = p.vlan_count > 0 ? py::object(py::int_(p.vlan_id)) : py::none();
  out["tunnel_id"] = py::int_(p.tunnel_id);
  return out;
}

py::list layers_of(const Flow& f) {
  py::list out;
  const auto& layers = f.batch->layers;
  for (auto i = detail::first_beside(layers, f.index); i != layers.end() && i->flow == f.index;
       ++i) {
    out.append(dict_of(i->headers));
  }
  return out;
}

std::string text_of_end(const IpAddress& address, std::uint16_t port, bool has_port) {
  std::string text = address.to_string();
  if (!has_port) return text;
  if (!address.is_v4()) text = "[" + text + "]";
  return text + ":" + std::to_string(port);
}

std::string shown(const Flow& flow) {
  const FlowRecord& f = flow.record();
  std::string protocol(protocol_name(f.protocol));
  if (protocol.empty()) protocol = "protocol " + std::to_string(f.protocol);
  std::string text =
      "<flowlens.Flow " +
      text_of_end(f.source_address, f.source_port, f.has(FlowField::source_port)) + " > " +
      text_of_end(f.destination_address, f.destination_port, f.has(FlowField::destination_port)) +
      " " + protocol;
  if (f.has(FlowField::octet_count)) text += ", " + std::to_string(f.octet_count) + " octets";
  return text + ">";
}

Batch part_of(const Batch& batch, const py::slice& slice) {
  std::size_t first = 0, end = 0, step = 0, count = 0;
  if (!slice.compute(batch.flows->flows.size(), &first, &end, &step, &count)) {
    throw py::error_already_set();
  }
  auto part = std::make_shared<FlowBatch>();
  if (step == 1) {
    part->append(*batch.flows, first, first + count);
  } else {
    // A negative step is a huge one: positions wrap round to where they should be.
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = first + i * step;
      part->append(*batch.flows, at, at + 1);
    }
  }
  return {std::move(part), batch.accepted, batch.diagnostic};
}

Batch filtered(const Batch& batch, py::handle filter) {
  const Filter<FlowRecord> wanted = filter_of<FlowRecord>(filter);
  auto kept = std::make_shared<FlowBatch>();
  without_gil([&] {
    *kept = *batch.flows;
    if (wanted) kept->keep_if(0, [&](const FlowRecord& f) { return wanted.matches(f); });
  });
  return {std::move(kept), batch.accepted, batch.diagnostic};
}

Batch joined(const py::iterable& batches) {
  std::vector<std::shared_ptr<const FlowBatch>> parts;
  for (const py::handle b : batches) parts.push_back(py::cast<const Batch&>(b).flows);
  auto all = std::make_shared<FlowBatch>();
  without_gil([&] {
    for (const auto& part : parts) {
      all->append(*part, 0, part->flows.size());
      all->nat_events.insert(all->nat_events.end(), part->nat_events.begin(),
                             part->nat_events.end());
    }
  });
  return {std::move(all), true, {}};
}

py::dict dict_of(const NatEvent& e) {
  py::dict out;
  const auto set = [&](const char* name, NatField field, const Cell& value) {
    out[name] = e.has(field) ? to_python(value) : py::none();
  };
  out["event"] = py::int_(e.event);
  out["exporter"] = to_python(e.exporter);
  out["time"] = to_python(e.time);
  set("source_address", NatField::source_address, e.source_address);
  set("destination_address", NatField::destination_address, e.destination_address);
  set("post_source_address", NatField::post_source_address, e.post_source_address);
  set("post_destination_address", NatField::post_destination_address, e.post_destination_address);
  set("source_port", NatField::source_port, std::uint64_t{e.source_port});
  set("destination_port", NatField::destination_port, std::uint64_t{e.destination_port});
  set("post_source_port", NatField::post_source_port, std::uint64_t{e.post_source_port});
  set("post_destination_port", NatField::post_destination_port,
      std::uint64_t{e.post_destination_port});
  set("protocol", NatField::protocol, std::uint64_t{e.protocol});
  set("port_block_start", NatField::port_block, std::uint64_t{e.port_block_start});
  set("port_block_end", NatField::port_block, std::uint64_t{e.port_block_end});
  set("vrf", NatField::vrf, std::uint64_t{e.vrf});
  set("pool", NatField::pool, std::uint64_t{e.pool});
  return out;
}

py::list nat_events_of(const Batch& batch) {
  py::list out;
  for (const NatEvent& e : batch.flows->nat_events) out.append(dict_of(e));
  return out;
}

py::tuple column_names() {
  py::tuple names(flow_columns().size());
  for (std::size_t i = 0; i < flow_columns().size(); ++i)
    names[i] = text_of(flow_columns()[i].name);
  return names;
}

void add_flow(py::module_& m) {
  py::class_<Flow> flow(m, "Flow",
                        "One flow of one direction. What was not exported is None; counts are as "
                        "exported, before sampling is undone.");
  for (const FlowColumn& c : flow_columns()) {
    flow.def_property_readonly(c.name.data(),
                               [&c](const Flow& f) { return to_python(cell_of(c, f.record())); });
  }
  for (const Attribute<Flow>& a : kBeside) {
    flow.def_property_readonly(a.name, [get = a.get](const Flow& f) { return to_python(get(f)); });
  }
  flow.def_property_readonly("layers", &layers_of,
                             "The headers of a tunnelled packet, outermost first; else empty.")
      .def(
          "to_dict", [](const Flow& f) { return dict_of(f); },
          "All attributes, as JSON has them: addresses and times are text.")
      .def("__repr__", &shown);
}

void add_batch(py::module_& m) {
  py::class_<FlowIterator>(m, "_FlowIterator")
      .def("__iter__", [](const py::object& self) { return self; })
      .def("__next__", [](FlowIterator& i) {
        if (i.next >= i.batch->flows.size()) throw py::stop_iteration();
        return Flow{i.batch, i.next++};
      });
  py::class_<Batch>(m, "FlowBatch", "Flows, as a sequence and as columns. Never changes.")
      .def(py::init([](const py::iterable& batches) { return joined(batches); }),
           py::arg("batches") = py::tuple(), "The flows of several batches in one.")
      .def_readonly("accepted", &Batch::accepted,
                    "Whether the header of the datagram was sound; of other batches True.")
      .def_property_readonly(
          "diagnostic",
          [](const Batch& b) -> py::object {
            if (b.diagnostic.code == DiagnosticCode::none) return py::none();
            return py::str(to_string(b.diagnostic));
          },
          "The first thing wrong with the datagram: reason, octet and clause; None for nothing.")
      .def_property_readonly(
          "diagnostic_code",
          [](const Batch& b) -> py::object {
            if (b.diagnostic.code == DiagnosticCode::none) return py::none();
            return text_of(reason(b.diagnostic.code));
          },
          "Its reason in one word, such as `unknown_template`.")
      .def_readonly("sets", &Batch::sets, "Of the datagram, that were read; of sFlow: samples.")
      .def_readonly("sets_waiting", &Batch::sets_waiting, "Whose template has not come yet.")
      .def_readonly("sets_skipped", &Batch::sets_skipped, "That were malformed.")
      .def_property_readonly("columns", [](const Batch&) { return column_names(); })
      .def(
          "column",
          [](const Batch& b, const std::string& name) { return column_of(b.flows, name); },
          py::arg("name"),
          "The values of all flows as a buffer, without a copy; it keeps the batch alive.")
      .def("filter", &filtered, py::arg("filter"), "The flows that match, in a batch of their own.")
      .def_property_readonly("nat_events", &nat_events_of,
                             "What translators told of their bindings (RFC 8158).")
      .def("__len__", [](const Batch& b) { return b.flows->flows.size(); })
      .def("__iter__",
           [](const Batch& b) {
             return FlowIterator{b.flows, 0};
           })
      .def("__getitem__",
           [](const Batch& b, py::ssize_t index) {
             const auto size = static_cast<py::ssize_t>(b.flows->flows.size());
             if (index < 0) index += size;
             if (index < 0 || index >= size) throw py::index_error("no such flow in the batch");
             return Flow{b.flows, static_cast<std::size_t>(index)};
           })
      .def("__getitem__", &part_of)
      .def("__repr__", [](const Batch& b) {
        std::string text =
            "<flowlens.FlowBatch of " + std::to_string(b.flows->flows.size()) + " flows";
        if (b.diagnostic.code != DiagnosticCode::none) text += ", " + to_string(b.diagnostic);
        return text + ">";
      });
}

}  // namespace

void add_flows(py::module_& m) {
  add_column(m);
  add_flow(m);
  add_batch(m);
}

}  // namespace flowlens::python
