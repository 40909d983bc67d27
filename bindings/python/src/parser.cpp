// Parser: datagrams to records, every element by its IANA name.
#include "flowlens/parser.hpp"

#include <memory>
#include <mutex>
#include <new>
#include <optional>

#include "binding.hpp"
#include "counters.hpp"
#include "flowlens/error.hpp"
#include "flowlens/information_model.hpp"
#include "flowlens/value.hpp"

namespace flowlens::python {
namespace {

/// A value that needs its datagram no more.
using OwnValue = std::variant<std::monostate, std::uint64_t, std::int64_t, double, bool,
                              std::string, IpAddress, Timestamp, std::vector<std::byte>>;

struct RawField {
  std::string name;
  OwnValue value;
};

struct RawRecord {
  const char* kind = "data";
  std::uint16_t template_id = 0;
  ExportProtocol protocol = ExportProtocol::ipfix;
  std::uint32_t observation_domain = 0;
  std::uint32_t sequence = 0;
  Timestamp export_time;
  std::vector<RawField> fields;
};

struct Own {
  OwnValue operator()(std::string_view text) const { return std::string(text); }
  OwnValue operator()(std::span<const std::byte> octets) const {
    return std::vector(octets.begin(), octets.end());
  }
  OwnValue operator()(const MacAddress& mac) const { return to_string(Value{mac}); }
  template <typename T>
  OwnValue operator()(const T& value) const {
    return value;
  }
};

struct Shown {
  py::object operator()(std::monostate) const { return py::none(); }
  py::object operator()(std::uint64_t v) const { return py::int_(v); }
  py::object operator()(std::int64_t v) const { return py::int_(v); }
  py::object operator()(double v) const { return py::float_(v); }
  py::object operator()(bool v) const { return py::bool_(v); }
  py::object operator()(const std::string& v) const { return text_of(v); }
  py::object operator()(const IpAddress& v) const { return to_python(v); }
  py::object operator()(Timestamp v) const { return to_python(v); }
  py::object operator()(const std::vector<std::byte>& v) const { return bytes_of(v); }
};
py::object shown(const OwnValue& value) { return std::visit(Shown{}, value); }

OwnValue own_value(const SflowValue& v) {
  if (!v.is_known()) return {};
  switch (v.field->type) {
    case SflowType::unsigned_32:
    case SflowType::unsigned_64:
    case SflowType::words:
      return v.number;
    case SflowType::signed_32:
      return static_cast<std::int64_t>(v.number);
    case SflowType::float_32:
      return v.real;
    case SflowType::ipv4_address:
    case SflowType::ipv6_address:
    case SflowType::address:
      return v.address;
    case SflowType::string:
      return std::string(v.text());
    default:
      return std::vector(v.octets.begin(), v.octets.end());
  }
}

/// Copies all that comes. Memory that runs out is remembered: nothing may be thrown from within.
class Collector final : public RecordSink {
 public:
  explicit Collector(const InformationModel& model) : model_(model) {}
  std::vector<std::shared_ptr<RawRecord>> records;
  bool is_out_of_memory = false;

  void on_data_set(const DataSet& set) noexcept override { take(set, "data"); }
  void on_options_set(const DataSet& set) noexcept override { take(set, "options"); }
  void on_sample(const SflowSample& sample) noexcept override {
    guarded([&] { take_sample(sample); });
  }

 private:
  template <typename Work>
  void guarded(Work&& work) noexcept {
    try {
      work();
    } catch (const std::bad_alloc&) {
      is_out_of_memory = true;
    }
  }

  std::shared_ptr<RawRecord> begin(const MessageHeader& message, const char* kind) {
    auto record = std::make_shared<RawRecord>();
    record->kind = kind;
    record->protocol = message.protocol;
    record->observation_domain = message.observation_domain;
    record->sequence = message.sequence;
    record->export_time = message.export_time;
    return record;
  }

  void take(const DataSet& set, const char* kind) noexcept {
    guarded([&] {
      set.for_each([&](const Record& from) {
        auto record = begin(*set.message, kind);
        record->template_id = set.layout->id();
        from.for_each([&](const FieldValue& field) {
          const ElementId id = field.specifier.element;
          record->fields.push_back(
              {model_.name_of(id), std::visit(Own{}, read_value(field, model_.type_of(id)))});
        });
        records.push_back(std::move(record));
      });
    });
  }

  void take_sample(const SflowSample& s) {
    const char* kind = s.is_counters()                        ? "counter_sample"
                       : s.kind == SflowSampleKind::discarded ? "discarded_packet"
                                                              : "flow_sample";
    auto record = begin(*s.message, kind);
    const auto add = [&](const char* name, std::uint64_t value) {
      record->fields.push_back({name, value});
    };
    add("sequence_number", s.sequence);
    add("source_id_type", s.source_id_type);
    add("source_id_index", s.source_id_index);
    if (!s.is_counters()) {
      add("sampling_rate", s.sampling_rate);
      add("sample_pool", s.sample_pool);
      add("drops", s.drops);
      add("input", s.input_value);
      add("output", s.output_value);
    }
    const auto of = s.is_counters() ? SflowRecordClass::counters : SflowRecordClass::flow;
    s.for_each([&](const SflowRecord& r) { take_structure(of, r, *record); });
    records.push_back(std::move(record));
  }

  static void take_structure(SflowRecordClass of, const SflowRecord& r, RawRecord& record) {
    const SflowStructure* structure = find_sflow_structure(of, r.enterprise, r.format);
    if (structure == nullptr) {
      record.fields.push_back(
          {"structure_" + std::to_string(r.enterprise) + "_" + std::to_string(r.format),
           std::vector(r.octets.begin(), r.octets.end())});
      return;
    }
    SflowValueReader reader(*structure, r.octets);
    SflowValue value;
    while (reader.next(value)) {
      record.fields.push_back(
          {std::string(structure->name) + "." + std::string(value.field->name), own_value(value)});
    }
  }

  const InformationModel& model_;
};

struct LockedParser {
  explicit LockedParser(const ParserOptions& options) : parser(options) {}
  std::mutex mutex;
  Parser parser;
  InformationModel model;
};

std::unique_ptr<LockedParser> make(std::size_t max_templates,
                                   std::size_t max_templates_per_exporter,
                                   py::handle template_lifetime, py::handle elements) {
  ParserOptions o;
  o.max_templates = max_templates;
  o.max_templates_per_exporter = max_templates_per_exporter;
  o.template_lifetime = seconds_of(template_lifetime, "template_lifetime");
  auto parser = std::make_unique<LockedParser>(o);
  if (!elements.is_none()) {
    parser->model.add_table(py::cast<std::string>(elements), "elements");
  }
  return parser;
}

py::list parse(LockedParser& self, py::handle payload, py::handle exporter, py::handle received,
               std::uint16_t exporter_port, std::uint16_t collector_port) {
  const TransportSession session{address_of(exporter, "exporter"), exporter_port, collector_port};
  const Timestamp at = time_of(received);
  const PinnedBuffer pinned(payload);
  Collector sink(self.model);
  const ParseResult result =
      alone(self.mutex, [&] { return self.parser.parse(pinned.octets(), session, at, sink); });
  if (sink.is_out_of_memory) throw std::bad_alloc();
  py::list out = py::module_::import("flowlens._core").attr("Records")();
  for (auto& record : sink.records) out.append(py::cast(std::move(record)));
  out.attr("accepted") = result.accepted;
  out.attr("diagnostic") =
      result.clean() ? py::object(py::none()) : py::str(to_string(result.first));
  return out;
}

const RawField& field_named(const RawRecord& record, const std::string& name) {
  for (const RawField& field : record.fields) {
    if (field.name == name) return field;
  }
  throw py::key_error(name);
}

py::list items_of(const RawRecord& record) {
  py::list out;
  for (const RawField& f : record.fields)
    out.append(py::make_tuple(text_of(f.name), shown(f.value)));
  return out;
}

py::dict element_of(const InformationElement& e) {
  py::dict out;
  out["name"] = text_of(e.name);
  out["enterprise"] = e.id.enterprise;
  out["number"] = e.id.number;
  out["type"] = text_of(type_name(e));
  out["semantics"] = text_of(semantics_name(e.semantics));
  out["units"] = text_of(e.units);
  return out;
}

/// A list that also says how the datagram was.
void add_list_type(py::module_& m) {
  const py::object type =
      py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(&PyType_Type));
  py::dict members;
  members["__doc__"] =
      "The records of one datagram; `accepted` and `diagnostic` as of a FlowBatch.";
  members["__module__"] = "flowlens._core";
  members["accepted"] = true;
  members["diagnostic"] = py::none();
  m.attr("Records") = type("Records", py::make_tuple(py::type::of(py::list())), members);
}

void add_record(py::module_& m) {
  py::class_<RawRecord, std::shared_ptr<RawRecord>>(
      m, "Record",
      "One record as it was sent: values by the names of their elements. Of sFlow a whole sample, "
      "its structures'\n"
      "fields as `structure.field`.")
      .def_property_readonly(
          "kind", [](const RawRecord& r) { return r.kind; },
          "`data`, `options`, `flow_sample`, `counter_sample` or `discarded_packet`.")
      .def_readonly("template_id", &RawRecord::template_id)
      .def_property_readonly("protocol",
                             [](const RawRecord& r) { return text_of(to_string(r.protocol)); })
      .def_readonly("observation_domain", &RawRecord::observation_domain)
      .def_readonly("sequence", &RawRecord::sequence, "Of the message.")
      .def_property_readonly("export_time",
                             [](const RawRecord& r) { return to_python(r.export_time); })
      .def(
          "__getitem__",
          [](const RawRecord& r, const std::string& name) {
            return shown(field_named(r, name).value);
          },
          "The value of an element, the first where it is repeated.")
      .def("__contains__",
           [](const RawRecord& r, const std::string& name) {
             return std::any_of(r.fields.begin(), r.fields.end(),
                                [&](const RawField& f) { return f.name == name; });
           })
      .def(
          "get",
          [](const RawRecord& r, const std::string& name, const py::object& otherwise) {
            for (const RawField& f : r.fields) {
              if (f.name == name) return shown(f.value);
            }
            return otherwise;
          },
          py::arg("name"), py::arg("default") = py::none())
      .def("keys",
           [](const RawRecord& r) {
             py::list out;
             for (const RawField& f : r.fields) out.append(text_of(f.name));
             return out;
           })
      .def("items", &items_of, "(name, value) in the order of the template, repeated ones too.")
      .def("__iter__",
           [](const py::object& self) { return py::iter(self.attr("keys")()).cast<py::object>(); })
      .def("__len__", [](const RawRecord& r) { return r.fields.size(); })
      .def("__repr__", [](const RawRecord& r) {
        return std::string("<flowlens.Record ") + r.kind + ", " + std::to_string(r.fields.size()) +
               " fields>";
      });
}

}  // namespace

void add_parser(py::module_& m) {
  add_list_type(m);
  add_record(m);
  const ParserOptions o;
  py::class_<LockedParser>(
      m, "Parser", "Finds the records in datagrams, as they were sent: nothing is normalized.")
      .def(py::init(&make), py::kw_only(), py::arg("max_templates") = o.max_templates,
           py::arg("max_templates_per_exporter") = o.max_templates_per_exporter,
           py::arg("template_lifetime") = o.template_lifetime.count(),
           py::arg("elements") = py::none(),
           "elements: a table of one's own, `enterprise,number,name,type,semantics,units` a line.")
      .def("parse", &parse, py::arg("payload"), py::kw_only(), py::arg("exporter"),
           py::arg("received") = py::none(), py::arg("exporter_port") = 0,
           py::arg("collector_port") = 0, "The records of one datagram.")
      .def_property_readonly("counters", [](LockedParser& self) {
        const auto [datagrams, octets, tables] = alone(self.mutex, [&] {
          return std::tuple{self.parser.datagrams(), self.parser.octets(), self.parser.counters()};
        });
        py::dict out;
        out["datagrams"] = dict_of(datagrams);
        out["octets"] = dict_of(octets);
        out["parser"] = dict_of(tables);
        return out;
      });
  m.def(
      "find_element",
      [](const std::string& name) -> py::object {
        const InformationElement* found = find_element(name);
        return found == nullptr ? py::object(py::none()) : py::object(element_of(*found));
      },
      py::arg("name"),
      "What is known of an information element, by its name; None for an unknown one.");
}

}  // namespace flowlens::python
