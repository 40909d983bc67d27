#include "long/hostile_datagrams.hpp"

#include <functional>

namespace flowlens::test {
namespace {

constexpr std::size_t kMaxDatagram = 65'507;  // of UDP over IPv4
constexpr std::size_t kRoom = kMaxDatagram - 20;
constexpr std::size_t kBody = kRoom - 4;  // of one set that fills the datagram

/// `piece(i)` again and again, as long as it fits.
ByteWriter repeat(std::size_t room, const std::function<ByteWriter(std::size_t)>& piece) {
  ByteWriter out;
  for (std::size_t i = 0;; ++i) {
    const ByteWriter next = piece(i);
    if (out.size() + next.size() > room) return out;
    out.append(next.octets());
  }
}
ByteWriter repeat(std::size_t room, const ByteWriter& piece) {
  return repeat(room, [&piece](std::size_t) { return piece; });
}

ByteWriter template_record(std::uint16_t id, const Fields& fields) {
  ByteWriter out;
  out.u16(id).u16(static_cast<std::uint16_t>(fields.size()));
  for (const Field& f : fields) {
    out.u16(static_cast<std::uint16_t>(f.element | (f.enterprise != 0 ? 0x8000u : 0u)))
        .u16(f.length);
    if (f.enterprise != 0) out.u32(f.enterprise);
  }
  return out;
}
ByteWriter options_record(std::uint16_t id, const Fields& scope, const Fields& rest) {
  ByteWriter out;
  out.u16(id).u16(static_cast<std::uint16_t>(scope.size() + rest.size()));
  out.u16(static_cast<std::uint16_t>(scope.size()));
  for (const Fields* fields : {&scope, &rest}) {
    for (const Field& f : *fields) out.u16(f.element).u16(f.length);
  }
  return out;
}
ByteWriter set(std::uint16_t id, const ByteWriter& body) {
  ByteWriter out;
  out.u16(id).u16(static_cast<std::uint16_t>(body.size() + 4)).append(body.octets());
  return out;
}
std::uint16_t id_of(std::size_t i) { return static_cast<std::uint16_t>(256 + i % 65'000); }

Octets ipfix(const ByteWriter& sets) {
  return MessageBuilder::ipfix().append(sets.octets()).build();
}
Octets v9(const ByteWriter& sets) { return MessageBuilder::v9().append(sets.octets()).build(); }

std::vector<Sent> before(std::initializer_list<Octets> datagrams) {
  std::vector<Sent> all;
  for (const Octets& d : datagrams) all.push_back({d});
  return all;
}

Fields different(std::size_t count, std::uint16_t length, std::size_t shift = 0) {
  Fields fields;
  for (std::size_t i = 0; i < count; ++i) {
    fields.push_back({static_cast<std::uint16_t>(1 + (i + shift) % 490), length, 0});
  }
  return fields;
}
Fields enterprise(std::size_t count, std::uint16_t length) {
  Fields fields;
  for (std::size_t i = 0; i < count; ++i) {
    fields.push_back(
        {static_cast<std::uint16_t>(1 + i), length, static_cast<std::uint32_t>(9 + i)});
  }
  return fields;
}

/// A datagram full of records of one template.
HostileCase data_of(std::string name, const Fields& fields, std::uint8_t value) {
  const Octets layout = ipfix(set(2, template_record(256, fields)));
  return {std::move(name),
          before({layout, layout}),
          {ipfix(set(256, ByteWriter{}.fill(kBody, value)))}};
}
HostileCase options_of(std::string name, const Fields& scope, const Fields& rest,
                       const std::function<ByteWriter(std::size_t)>& record) {
  return {std::move(name),
          before({ipfix(set(3, options_record(256, scope, rest)))}),
          {ipfix(set(256, repeat(kBody, record)))}};
}

void add_data(std::vector<HostileCase>& out) {
  out.push_back(data_of("records of one octet", {{4, 1}}, 6));
  out.push_back(data_of("records of two addresses of one octet each", {{8, 1}, {12, 1}}, 6));
  out.push_back(data_of("smallest flows", {{8, 4}, {12, 4}, {4, 1}}, 6));
  out.push_back(data_of("smallest flows by interface", {{10, 1}, {14, 1}, {4, 1}}, 6));
  out.push_back(data_of("smallest biflows", {{8, 4}, {12, 4}, {4, 1}, {1, 1}, {1, 1, 29305}}, 6));
  out.push_back(data_of("NAT events", {{8, 4}, {225, 4}, {230, 1}, {4, 1}}, 1));
  out.push_back(data_of("sampled, by sampler", {{8, 4}, {12, 4}, {4, 1}, {48, 1}, {302, 1}}, 1));
  out.push_back(data_of("frames of variable length, empty", {{315, kVariableLength}}, 0));
  out.push_back(data_of("frames of 40 octets", {{315, 40}}, 0x45));
  out.push_back(data_of("variable length, one field", {{96, kVariableLength}}, 0));
  out.push_back(data_of("variable length, 1,000 fields", different(1'000, kVariableLength), 0));
  out.push_back(data_of("variable length, long form", {{96, kVariableLength}, {4, 1}}, 255));
  out.push_back(data_of("1,000 fields of one octet", different(1'000, 1), 1));
  out.push_back(data_of(
      "flows, 60 times the same field",
      [] {
        Fields f{{8, 4}, {12, 4}, {4, 1}};
        f.insert(f.end(), 60, {1, 1});
        return f;
      }(),
      1));
  out.push_back(data_of(
      "flow times of all kinds",
      {{8, 4}, {12, 4}, {4, 1}, {152, 1}, {153, 1}, {161, 1}, {22, 1}, {21, 1}, {160, 1}}, 1));
  for (const std::uint16_t list : {291, 292, 293}) {
    out.push_back(data_of("structured data, empty lists, " + std::to_string(list),
                          {{8, 4}, {12, 4}, {4, 1}, {list, kVariableLength}}, 0));
    out.push_back(data_of("structured data, nested, " + std::to_string(list),
                          {{8, 4}, {12, 4}, {4, 1}, {list, kVariableLength}}, 4));
  }
  ByteWriter basic;  // a basicList of 16,000 elements of one octet, again and again
  basic.u32(1).u32(2).u8(6).u8(255).u16(16'005).u8(0xff).u16(4).u16(1).fill(16'000, 6);
  out.push_back({"structured data, long lists",
                 before({ipfix(set(
                     2, template_record(256, {{8, 4}, {12, 4}, {4, 1}, {291, kVariableLength}})))}),
                 {ipfix(set(256, repeat(kBody, basic)))}});
}

void add_options(std::vector<HostileCase>& out) {
  const auto numbered = [](std::size_t i) {
    return ByteWriter{}.u32(static_cast<std::uint32_t>(i)).u32(static_cast<std::uint32_t>(i + 2));
  };
  out.push_back(options_of("options of one octet", {{34, 1}}, {}, [](std::size_t i) {
    return ByteWriter{}.u8(static_cast<std::uint8_t>(i));
  }));
  out.push_back(options_of("options: sampling rates by sampler", {{302, 4}}, {{34, 4}}, numbered));
  out.push_back(options_of("options: sampling rates by interface", {{10, 4}}, {{34, 4}}, numbered));
  out.push_back(options_of("options: boot times", {{149, 4}}, {{160, 4}}, numbered));
  out.push_back(options_of(
      "options: selectors", {{302, 2}}, {{304, 1}, {305, 1}},
      [](std::size_t i) { return ByteWriter{}.u16(static_cast<std::uint16_t>(i)).u8(1).u8(2); }));
  out.push_back(options_of("options: interface names", {{10, 4}}, {{82, 4}}, numbered));
  out.push_back(
      options_of("options: long interface names", {{10, 4}}, {{82, 255}}, [](std::size_t i) {
        return ByteWriter{}.u32(static_cast<std::uint32_t>(i)).fill(255, 'x');
      }));
  out.push_back(options_of("options: VRF names", {{234, 4}}, {{236, 4}}, numbered));
  out.push_back(options_of("options: application names", {{95, 4}}, {{96, 4}}, numbered));
  out.push_back(options_of(
      "options: type information", {{346, 4}, {303, 2}}, {{339, 1}, {341, 2}},
      [](std::size_t i) { return ByteWriter{}.u32(7'000).u16(id_of(i)).u8(1).u16(0x6161); }));
  out.push_back(
      options_of("options: exporter statistics", {{144, 4}}, {{41, 2}, {40, 2}}, numbered));
  out.push_back(options_of("options of 1,000 fields", {{10, 1}}, different(999, 1),
                           [](std::size_t) { return ByteWriter{}.fill(1'000, 1); }));
  out.push_back(options_of("options of empty fields", {{10, 1}}, different(999, kVariableLength),
                           [](std::size_t) { return ByteWriter{}.u8(1).fill(999, 0); }));
}

void add_sets(std::vector<HostileCase>& out) {
  const Octets layout = ipfix(set(2, template_record(256, {{8, 4}, {12, 4}, {4, 1}})));
  const ByteWriter flow = ByteWriter{}.u32(1).u32(2).u8(6);
  out.push_back({"empty sets", before({layout}), {ipfix(repeat(kRoom, set(256, {})))}});
  out.push_back({"sets of reserved ids", {}, {ipfix(repeat(kRoom, set(17, {})))}});
  out.push_back({"a flow a set", before({layout}), {ipfix(repeat(kRoom, set(256, flow)))}});
  const Octets layouts = ipfix(set(2, repeat(40'000, [](std::size_t i) {
                                     return template_record(id_of(i), {{8, 4}, {12, 4}, {4, 1}});
                                   })));
  out.push_back(
      {"a flow a set, each of another template",
       before({layouts}),
       {ipfix(repeat(kRoom, [&](std::size_t i) { return set(id_of(i % 2'400), flow); }))}});
  out.push_back({"an options record a set",
                 before({ipfix(set(3, options_record(256, {{302, 1}}, {{34, 1}})))}),
                 {ipfix(repeat(kRoom, set(256, ByteWriter{}.u8(1).u8(2))))}});
  out.push_back({"a record a set, from another port",
                 before({layout}),
                 {ipfix(repeat(kRoom, set(256, flow))), 50'001}});
}

void add_templates(std::vector<HostileCase>& out) {
  const auto small = [](std::size_t i) { return template_record(id_of(i), {{8, 4}}); };
  const auto other = [](std::size_t i) { return template_record(id_of(i), {{12, 4}}); };
  const Octets many = ipfix(set(2, repeat(kBody, small)));
  out.push_back({"templates of one field", {}, {many}});
  out.push_back({"templates of one field, again", before({many}), {many}});
  out.push_back(
      {"templates of one field, redefined", before({many}), {ipfix(set(2, repeat(kBody, other)))}});
  out.push_back({"templates of one field, a set each",
                 {},
                 {ipfix(repeat(kRoom, [&](std::size_t i) { return set(2, small(i)); }))}});
  out.push_back(
      {"one template redefined again and again",
       {},
       {ipfix(set(2, repeat(kBody, [](std::size_t i) {
                    return template_record(256, {{static_cast<std::uint16_t>(8 + i % 2), 4}});
                  })))}});
  out.push_back({"templates without fields",
                 before({many}),
                 {v9(set(0, repeat(kBody, [](std::size_t i) {
                           return ByteWriter{}.u16(id_of(i)).u16(0);
                         })))}});
  ByteWriter zeros;  // no padding: the last octet says so
  out.push_back(
      {"a template set of zeros and a one", {}, {ipfix(set(2, zeros.fill(kBody - 1).u8(1)))}});
  out.push_back({"templates of 1,024 fields", {}, {ipfix(set(2, repeat(kBody, [](std::size_t i) {
                                                               return template_record(
                                                                   id_of(i),
                                                                   different(1'024, 2, i));
                                                             })))}});
  out.push_back(
      {"templates of 1,000 enterprise fields", {}, {ipfix(set(2, repeat(kBody, [](std::size_t i) {
                                                                return template_record(
                                                                    id_of(i), enterprise(1'000, 2));
                                                              })))}});
  out.push_back({"a template of 16,000 fields",
                 {},
                 {ipfix(set(2, template_record(256, different(16'000, 1))))}});
  out.push_back({"a template of 1,024 fields where many small ones are",
                 before({many}),
                 {ipfix(set(2, repeat(kBody, [](std::size_t i) {
                              return template_record(id_of(i), different(1'024, 2, i));
                            })))}});
  out.push_back(
      {"templates of 100 fields and a record of each", {}, {ipfix(repeat(kRoom, [](std::size_t i) {
         ByteWriter out = set(2, template_record(id_of(i), different(100, 1, i)));
         return out.append(set(id_of(i), ByteWriter{}.fill(100, 1)).octets()), out;
       }))}});
  out.push_back(
      {"templates of three fields and a flow of each", {}, {ipfix(repeat(kRoom, [](std::size_t i) {
         ByteWriter out = set(2, template_record(id_of(i), {{8, 4}, {12, 4}, {4, 1}}));
         return out.append(set(id_of(i), ByteWriter{}.u32(1).u32(2).u8(6)).octets()), out;
       }))}});
  out.push_back({"options templates of one field",
                 {},
                 {ipfix(set(3, repeat(kBody, [](std::size_t i) {
                              return options_record(id_of(i), {{10, 4}}, {});
                            })))}});
  HostileCase expired{"templates that have expired", before({many}), {v9({})}};
  expired.worst.second = 10'000;
  out.push_back(expired);
}

void add_waiting(std::vector<HostileCase>& out) {
  const auto waiting = [](std::size_t i) { return set(id_of(i), ByteWriter{}.u8(1)); };
  out.push_back({"sets that must wait", {}, {ipfix(repeat(kRoom, waiting))}});
  out.push_back({"sets that must wait, again",
                 before({ipfix(repeat(kRoom, waiting))}),
                 {ipfix(repeat(kRoom, waiting))}});
  const Octets layout = ipfix(set(2, template_record(256, {{8, 4}, {12, 4}, {4, 1}})));
  const Octets large = ipfix(set(256, ByteWriter{}.fill(kBody, 6)));
  out.push_back(
      {"a template that large sets waited for", before({large, large, large, large}), {layout}});
  const Octets tiny = ipfix(repeat(kRoom, set(256, ByteWriter{}.u32(1).u32(2).u8(6))));
  out.push_back({"a template that small sets waited for", before({tiny}), {layout}});
  const Octets each = ipfix(
      repeat(kRoom, [](std::size_t i) { return set(id_of(i), ByteWriter{}.u32(1).u32(2).u8(6)); }));
  out.push_back({"templates that a set each waited for",
                 before({each}),
                 {ipfix(set(2, repeat(kBody, [](std::size_t i) {
                              return template_record(id_of(i), {{8, 4}, {12, 4}, {4, 1}});
                            })))}});
  HostileCase late{"many exporters' sets that have waited in vain", {}, {layout}};
  for (std::uint16_t port = 0; port < 64; ++port) {
    Sent s{tiny};
    s.port = port;  // the program makes an exporter's address of it
    late.before.push_back(s);
  }
  late.worst.second = 1'000;
  out.push_back(late);
}

void add_sflow(std::vector<HostileCase>& out) {
  const auto full = [](const std::function<void(SflowBuilder&)>& add) {
    SflowBuilder builder;
    Octets good;
    while (true) {
      add(builder);
      Octets next = builder.build();
      if (next.size() > kMaxDatagram) return good;
      good = std::move(next);
    }
  };
  const auto sampled = [](const Octets& packet) {
    return SflowBuilder::sampled_header(packet, static_cast<std::uint32_t>(packet.size())).take();
  };
  const auto ip = [](std::uint8_t protocol, const ByteWriter& inner) {
    ByteWriter p;
    p.u8(0x45)
        .u8(0)
        .u16(static_cast<std::uint16_t>(20 + inner.size()))
        .u32(0)
        .u8(64)
        .u8(protocol)
        .u16(0);
    return p.u32(1).u32(2).append(inner.octets()), p;
  };
  out.push_back(
      {"flow samples without records", {}, {full([](SflowBuilder& b) { b.flow_sample({}, 0); })}});
  out.push_back({"flow samples of packets", {}, {full([&](SflowBuilder& b) {
                   b.flow_sample(sampled(ethernet_packet({})));
                 })}});
  ByteWriter nest = ByteWriter{}.u32(1).u32(2);
  for (int i = 0; i < 3; ++i) nest = ip(4, nest);
  ByteWriter frame;
  frame.fill(12, 2).u16(0x0800).append(nest.octets());
  out.push_back({"flow samples of IP in IP in IP", {}, {full([&](SflowBuilder& b) {
                   b.flow_sample(sampled(frame.octets()));
                 })}});
  ByteWriter labels;
  labels.fill(12, 2).u16(0x8847);
  for (int i = 0; i < 30; ++i) labels.u32(0x00010040);
  out.push_back({"flow samples of 30 labels", {}, {full([&](SflowBuilder& b) {
                   b.flow_sample(sampled(labels.octets()));
                 })}});
  ByteWriter v6;  // 15,000 extension headers of 8 octets
  v6.fill(12, 2).u16(0x86dd).u32(0x6000'0000).u16(60'000).u8(0).u8(64).fill(32, 1);
  for (int i = 0; i < 7'000; ++i) v6.u8(0).u8(0).fill(6, 0);
  out.push_back({"a packet of 7,000 extension headers", {}, {full([&](SflowBuilder& b) {
                   b.flow_sample(sampled(v6.octets()));
                 })}});
  ByteWriter tags;
  tags.fill(12, 2);
  for (int i = 0; i < 15'000; ++i) tags.u32(0x8100'0001);
  out.push_back({"a packet of 15,000 VLAN tags", {}, {full([&](SflowBuilder& b) {
                   b.flow_sample(sampled(tags.octets()));
                 })}});
  out.push_back({"counter samples without records", {}, {full([](SflowBuilder& b) {
                   b.counters_sample({}, 0);
                 })}});
  const ByteWriter nothing = SflowBuilder::record(9'999, {});
  out.push_back({"records without octets",
                 {},
                 {SflowBuilder{}.flow_sample(repeat(65'300, nothing).octets(), 0xffff).build()}});
  out.push_back(
      {"counter records without octets",
       {},
       {SflowBuilder{}.counters_sample(repeat(65'300, nothing).octets(), 0xffff).build()}});
  ByteWriter path;
  path.u32(1).u32(9).fill(16, 0).u32(0x1fff);
  const ByteWriter gateway = path.append(repeat(65'000, ByteWriter{}.u32(2).u32(0)).octets());
  out.push_back(
      {"an AS path of 8,000 segments",
       {},
       {SflowBuilder{}
            .flow_sample(
                SflowBuilder::record(1003, std::span{gateway.octets()}.first(65'000)).octets())
            .build()}});
  out.push_back(
      {"samples of no known format", {}, {full([](SflowBuilder& b) { b.sample(77, {}); })}});
  const Octets many_headers = [&] {
    ByteWriter records;
    std::uint32_t count = 0;
    while (records.size() < 65'000) records.append(sampled(ethernet_packet({}))), ++count;
    return SflowBuilder{}.flow_sample(std::span{records.octets()}, count).build();
  }();
  out.push_back({"one sample of many packets", {}, {many_headers}});
  const Octets counters = SflowBuilder::record(1, ByteWriter{}.fill(88).octets()).take();
  out.push_back({"counter samples of interfaces", {}, {full([&](SflowBuilder& b) {
                   b.counters_sample(counters);
                 })}});
}

}  // namespace

std::vector<HostileCase> hostile_cases() {
  std::vector<HostileCase> all;
  all.push_back({"NetFlow v5, 1,364 records", {}, {v5_message({}, std::vector<V5Record>(1'364))}});
  add_data(all);
  add_options(all);
  add_sets(all);
  add_templates(all);
  add_waiting(all);
  add_sflow(all);
  return all;
}

}  // namespace flowlens::test
