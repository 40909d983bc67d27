// Rows of the map: assets, dependencies, changes.
#include "binding.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/information_element.hpp"

namespace flowlens::python {
namespace {

const Annotation& said(const std::shared_ptr<const Annotation>& annotation) {
  static const Annotation nothing;
  return annotation ? *annotation : nothing;
}
Cell optional_number(const std::optional<std::uint64_t>& n) { return n ? Cell{*n} : Cell{}; }
Cell optional_id(const Id& id) { return id.is_none() ? Cell{} : Cell{id.to_string()}; }
Cell optional_address(const Endpoint& e) {
  return e.address.is_unspecified() ? Cell{} : Cell{e.address};
}
template <typename Row>
std::string site_of(const Row& r, const Endpoint& e) {
  return std::string(r.map->sites().name(e.site));
}

std::vector<IpAddress> addresses_of(const Asset& a) {
  std::vector<IpAddress> out;
  for (const HeldEndpoint& held : a.row.endpoints) {
    if (!held.until) out.push_back(held.endpoint.address);
  }
  return out;
}

const Attribute<Asset> kAsset[] = {
    {"id", [](const Asset& a) { return Cell{a.row.id.to_string()}; }},
    {"name", [](const Asset& a) { return Cell{a.row.name}; }},
    {"name_source", [](const Asset& a) { return Cell{std::string(to_string(a.row.name_source))}; }},
    {"addresses", [](const Asset& a) { return Cell{addresses_of(a)}; }},
    {"site", [](const Asset& a) { return Cell{site_of(a, a.row.endpoints.front().endpoint)}; }},
    {"asset_type", [](const Asset& a) { return Cell{a.row.asset_type}; }},
    {"type_source", [](const Asset& a) { return Cell{std::string(to_string(a.row.type_source))}; }},
    {"type_confidence", [](const Asset& a) { return Cell{double{a.row.type_confidence}}; }},
    {"is_internal", [](const Asset& a) { return Cell{a.row.is_internal}; }},
    {"first_seen", [](const Asset& a) { return Cell{a.row.first_seen}; }},
    {"last_seen", [](const Asset& a) { return Cell{a.row.last_seen}; }},
    {"tags", [](const Asset& a) { return Cell{said(a.row.annotation).tags}; }},
    {"notes", [](const Asset& a) { return Cell{said(a.row.annotation).notes}; }},
    {"owner", [](const Asset& a) { return Cell{said(a.row.annotation).owner}; }},
    {"criticality",
     [](const Asset& a) {
       return Cell{std::string(to_string(said(a.row.annotation).criticality))};
     }},
    {"is_declared", [](const Asset& a) { return Cell{said(a.row.annotation).is_declared}; }},
};

std::vector<IpAddress> exporters_of(const Dependency& d) {
  return {d.row.observers.begin(), d.row.observers.begin() + d.row.observer_count};
}
std::vector<std::string> reasons_of(const Dependency& d) {
  std::vector<std::string> out;
  for (const DirectionReason& r : strongest(d.row.reasons)) out.push_back(r.text());
  return out;
}
Cell number(std::uint64_t n) { return n; }

const Attribute<Dependency> kDependency[] = {
    {"id", [](const Dependency& d) { return Cell{d.row.id.to_string()}; }},
    {"client_asset", [](const Dependency& d) { return Cell{d.row.client_asset.to_string()}; }},
    {"server_asset", [](const Dependency& d) { return Cell{d.row.server_asset.to_string()}; }},
    {"client_address", [](const Dependency& d) { return Cell{d.row.key.client.address}; }},
    {"server_address", [](const Dependency& d) { return Cell{d.row.key.server.address}; }},
    {"client_site", [](const Dependency& d) { return Cell{site_of(d, d.row.key.client)}; }},
    {"server_site", [](const Dependency& d) { return Cell{site_of(d, d.row.key.server)}; }},
    {"client_internal", [](const Dependency& d) { return Cell{d.row.client_internal}; }},
    {"server_internal", [](const Dependency& d) { return Cell{d.row.server_internal}; }},
    {"port", [](const Dependency& d) { return number(d.row.key.port); }},
    {"protocol", [](const Dependency& d) { return number(d.row.key.protocol); }},
    {"protocol_name",
     [](const Dependency& d) { return Cell{std::string(protocol_name(d.row.key.protocol))}; }},
    {"service", [](const Dependency& d) { return Cell{std::string(service_name(d.row.service))}; }},
    {"direction",
     [](const Dependency& d) { return Cell{std::string(to_string(d.row.direction))}; }},
    {"evidence", [](const Dependency& d) { return Cell{std::string(to_string(d.row.rung))}; }},
    {"confidence", [](const Dependency& d) { return Cell{double{confidence(d.row.reasons)}}; }},
    {"reasons", [](const Dependency& d) { return Cell{reasons_of(d)}; }},
    {"provisional", [](const Dependency& d) { return Cell{d.row.provisional}; }},
    {"first_seen", [](const Dependency& d) { return Cell{d.row.first_seen}; }},
    {"last_seen", [](const Dependency& d) { return Cell{d.row.last_seen}; }},
    {"flows", [](const Dependency& d) { return number(d.row.totals.flows); }},
    {"octets_to_server", [](const Dependency& d) { return number(d.row.totals.octets_to_server); }},
    {"octets_to_client", [](const Dependency& d) { return number(d.row.totals.octets_to_client); }},
    {"packets_to_server",
     [](const Dependency& d) { return number(d.row.totals.packets_to_server); }},
    {"packets_to_client",
     [](const Dependency& d) { return number(d.row.totals.packets_to_client); }},
    {"estimated_octets_to_server",
     [](const Dependency& d) { return number(d.row.totals.estimated_octets_to_server); }},
    {"estimated_octets_to_client",
     [](const Dependency& d) { return number(d.row.totals.estimated_octets_to_client); }},
    {"active_hours", [](const Dependency& d) { return number(d.row.hours.count()); }},
    {"exporters", [](const Dependency& d) { return Cell{exporters_of(d)}; }},
    {"client_count", [](const Dependency& d) { return number(d.row.client_count); }},
    {"flips", [](const Dependency& d) { return number(d.row.flips); }},
    {"via_address", [](const Dependency& d) { return optional_address(d.row.via); }},
    {"tags", [](const Dependency& d) { return Cell{said(d.row.annotation).tags}; }},
    {"notes", [](const Dependency& d) { return Cell{said(d.row.annotation).notes}; }},
    {"owner", [](const Dependency& d) { return Cell{said(d.row.annotation).owner}; }},
    {"criticality",
     [](const Dependency& d) {
       return Cell{std::string(to_string(said(d.row.annotation).criticality))};
     }},
    {"is_declared", [](const Dependency& d) { return Cell{said(d.row.annotation).is_declared}; }},
};

const Attribute<Change> kChange[] = {
    {"id", [](const Change& c) { return Cell{c.row.id.to_string()}; }},
    {"type", [](const Change& c) { return Cell{std::string(to_string(c.row.type))}; }},
    {"severity", [](const Change& c) { return Cell{std::string(to_string(c.row.severity))}; }},
    {"at", [](const Change& c) { return Cell{c.row.at}; }},
    {"reason", [](const Change& c) { return Cell{c.row.reason}; }},
    {"subject", [](const Change& c) { return optional_id(c.row.subject); }},
    {"subject_kind", [](const Change& c) { return Cell{std::string(subject_kind(c.row))}; }},
    {"object", [](const Change& c) { return optional_id(c.row.object); }},
    {"cause", [](const Change& c) { return optional_id(c.row.cause); }},
    {"before", [](const Change& c) { return Cell{c.row.before}; }},
    {"after", [](const Change& c) { return Cell{c.row.after}; }},
    {"expected", [](const Change& c) { return optional_number(c.row.expected); }},
    {"seen", [](const Change& c) { return optional_number(c.row.seen); }},
    {"address", [](const Change& c) { return optional_address(c.row.endpoint); }},
    {"client_address", [](const Change& c) { return optional_address(c.row.client); }},
    {"port", [](const Change& c) { return number(c.row.port); }},
    {"protocol", [](const Change& c) { return number(c.row.protocol); }},
};

py::list endpoints_of(const Asset& a) {
  py::list out;
  for (const HeldEndpoint& held : a.row.endpoints) {
    py::dict d;
    d["site"] = text_of(site_of(a, held.endpoint));
    d["address"] = to_python(held.endpoint.address);
    d["from"] = to_python(held.from);
    d["until"] = held.until ? to_python(*held.until) : py::none();
    d["source"] = text_of(to_string(held.source));
    out.append(d);
  }
  return out;
}

/// What to call an asset: its name, or its first address.
std::string label_of(const Asset& a) {
  if (!a.row.name.empty()) return a.row.name;
  return a.row.endpoints.empty() ? "" : a.row.endpoints.front().endpoint.address.to_string();
}

std::string label_of(const Dependency& d) {
  const std::string protocol(protocol_name(d.row.key.protocol));
  std::string text = d.row.key.client.address.to_string() + " > " +
                     d.row.key.server.address.to_string() + " " +
                     (protocol.empty() ? std::to_string(d.row.key.protocol) : protocol);
  if (d.row.key.port != 0) text += "/" + std::to_string(d.row.key.port);
  return text;
}

/// Rows of one id are equal: they are of the same thing.
template <typename Row, typename Class>
void compare_by_id(Class& to) {
  to.def("__eq__", [](const Row& a, py::handle b) {
      return py::isinstance<Row>(b) && py::cast<const Row&>(b).row.id == a.row.id;
    }).def("__hash__", [](const Row& r) { return py::hash(py::str(r.row.id.to_string())); });
}

}  // namespace

void add_rows(py::module_& m) {
  py::class_<Asset> asset(m, "Asset", "A named set of endpoints, as it was when it was asked for.");
  add_attributes(asset, kAsset);
  compare_by_id<Asset>(asset);
  asset
      .def_property_readonly(
          "label", [](const Asset& a) { return text_of(label_of(a)); },
          "Its name, or else its first address.")
      .def_property_readonly("endpoints", &endpoints_of,
                             "What it holds and held: site, address, since when.")
      .def("__repr__", [](const Asset& a) {
        return text_of("<flowlens.Asset " + label_of(a) + ", " + a.row.asset_type + ">");
      });

  py::class_<Dependency> dependency(
      m, "Dependency", "Who uses what where, with its totals, as it was when it was asked for.");
  add_attributes(dependency, kDependency);
  compare_by_id<Dependency>(dependency);
  dependency.def("__repr__", [](const Dependency& d) {
    return "<flowlens.Dependency " + label_of(d) + ", " + std::to_string(d.row.totals.flows) +
           " flows>";
  });

  py::class_<Change> change(m, "Change",
                            "Something about the map became otherwise (docs/changes.md).");
  add_attributes(change, kChange);
  compare_by_id<Change>(change);
  change.def("__repr__", [](const Change& c) {
    return text_of("<flowlens.Change " + std::string(to_string(c.row.type)) + ": " + c.row.reason +
                   ">");
  });
}

}  // namespace flowlens::python
