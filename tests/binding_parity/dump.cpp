// What C++ decodes, as tests/binding_parity/README.md has it.
#include <bit>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "flowlens/decoder.hpp"
#include "flowlens/error.hpp"
#include "flowlens/flow_file.hpp"
#include "flowlens/graph_export.hpp"
#include "flowlens/information_model.hpp"
#include "flowlens/resolver.hpp"
#include "flowlens/value.hpp"

namespace {

using namespace flowlens;

/// Puts values into a line.
class Line {
 public:
  Line& value(bool is_there, const std::string& text) {
    text_ += (text_.empty() ? "" : " ") + (is_there ? text : "-");
    return *this;
  }
  Line& value(bool is_there, std::uint64_t number) {
    return value(is_there, std::to_string(number));
  }
  Line& value(Timestamp time) { return value(true, std::to_string(to_unix_ns(time))); }
  void print() const { std::puts(text_.c_str()); }

 private:
  std::string text_;
};

void print_flow(const FlowRecord& f) {
  using enum FlowField;
  const auto number = [](auto enumerator) { return static_cast<std::uint64_t>(enumerator); };
  Line{}
      .value(f.has(source_address), f.source_address.to_string())
      .value(f.has(destination_address), f.destination_address.to_string())
      .value(f.has(source_port), f.source_port)
      .value(f.has(destination_port), f.destination_port)
      .value(f.has(protocol), f.protocol)
      .value(f.has(octet_count), f.octet_count)
      .value(f.has(packet_count), f.packet_count)
      .value(true, f.sampling_rate)
      .value(f.start)
      .value(f.end)
      .value(f.received)
      .value(f.has(tcp_flags), f.tcp_flags)
      .value(f.has(tos), f.tos)
      .value(f.has(icmp_type_code), f.icmp_type_code)
      .value(f.has(vlan_id), f.vlan_id)
      .value(f.has(ingress_interface), f.ingress_interface)
      .value(f.has(egress_interface), f.egress_interface)
      .value(f.has(next_hop), f.next_hop.to_string())
      .value(f.has(source_as), f.source_as)
      .value(f.has(destination_as), f.destination_as)
      .value(f.has(source_prefix_length), f.source_prefix_length)
      .value(f.has(destination_prefix_length), f.destination_prefix_length)
      .value(f.has(flow_direction), f.flow_direction)
      .value(true, f.exporter.to_string())
      .value(true, f.observation_domain)
      .value(true, number(f.export_protocol))
      .value(true, number(f.kind))
      .value(true, number(f.initiator))
      .value(true, number(f.counter_source))
      .value(true, number(f.sampling_source))
      .value(true, f.is_fragment_tail ? 1 : 0)
      .value(true, f.has(times_replaced) ? 1 : 0)
      .print();
}

struct Datagram {
  TransportSession session;
  Timestamp received;
  std::string payload;
};

/// Reads a file of datagrams.
class Datagrams {
 public:
  explicit Datagrams(const char* path) : file_(path, std::ios::binary) {
    if (!file_) throw IoError(std::string("cannot read ") + path);
  }
  bool next(Datagram& datagram) {
    std::array<std::uint8_t, 16> exporter{};
    if (!file_.read(reinterpret_cast<char*>(exporter.data()), exporter.size())) return false;
    datagram.session.exporter = IpAddress::v6(exporter);
    datagram.session.exporter_port = number<std::uint16_t>();
    datagram.session.collector_port = number<std::uint16_t>();
    datagram.received = from_unix_ns(number<std::int64_t>());
    datagram.payload.resize(number<std::uint32_t>());
    return static_cast<bool>(
        file_.read(datagram.payload.data(), static_cast<std::streamsize>(datagram.payload.size())));
  }

 private:
  template <typename T>
  T number() {
    static_assert(std::endian::native == std::endian::little);
    T value{};
    file_.read(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  }
  std::ifstream file_;
};

void dump_datagrams(const char* path) {
  Datagrams datagrams{path};
  Decoder decoder;
  FlowBatch batch;
  for (Datagram d; datagrams.next(d);) {
    batch.clear();
    const ParseResult r =
        decoder.decode(std::as_bytes(std::span{d.payload}), d.session, d.received, batch);
    std::printf("# %d %u %u %u %s\n", r.accepted ? 1 : 0, r.sets, r.sets_waiting, r.sets_skipped,
                r.clean() ? "-" : to_string(r.first).c_str());
    for (const FlowRecord& flow : batch.flows) print_flow(flow);
  }
}

class RecordPrinter final : public RecordSink {
 public:
  void on_data_set(const DataSet& set) noexcept override { print(set, 0); }
  void on_options_set(const DataSet& set) noexcept override { print(set, 1); }

 private:
  void print(const DataSet& set, int kind) const {
    set.for_each([&](const Record& record) {
      std::printf("%d %u %u %lld\n", kind, record.layout().id(), set.message->observation_domain,
                  static_cast<long long>(to_unix_ns(set.message->export_time)));
      record.for_each([&](const FieldValue& field) {
        std::printf(" %s %s\n", model_.name_of(field.specifier.element).c_str(),
                    field_text(field, model_).c_str());
      });
    });
  }
  InformationModel model_;
};

void dump_records(const char* path) {
  Datagrams datagrams{path};
  Parser parser;
  RecordPrinter printer;
  for (Datagram d; datagrams.next(d);) {
    parser.parse(std::as_bytes(std::span{d.payload}), d.session, d.received, printer);
  }
}

void dump_file(const char* path) {
  FlowFile file{std::filesystem::path{path}};
  Resolver resolver;
  resolver.begin(Epoch{1}, 0);
  for (FlowBatch batch; file.next(batch);) {
    for (const FlowRecord& flow : batch.flows) print_flow(flow);
    resolver.tell(batch);
    for_each_second(batch, [&](std::size_t first, std::size_t end, Timestamp now) {
      resolver.add(batch, first, end, now);
    });
  }
  static_cast<void>(resolver.finish(file.now()));
  std::puts(" map");
  std::fflush(stdout);
  write_graph(resolver.graph(), ExportFormat::csv, std::cout);
  std::cout.flush();
  for (const InputFile& one : file.files()) {
    if (!one.problem.empty()) std::printf("! %s\n", one.problem.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc == 3 ? argv[1] : "";
  try {
    if (mode == "datagrams") {
      dump_datagrams(argv[2]);
    } else if (mode == "records") {
      dump_records(argv[2]);
    } else if (mode == "file") {
      dump_file(argv[2]);
    } else {
      std::fprintf(stderr, "usage: dump datagrams|records|file FILE\n");
      return 2;
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
