#include "lookup/snmp/tables.hpp"

#include <doctest/doctest.h>

#include "support/facts.hpp"

using namespace flowlens;
using lookup::Oid;
using lookup::SnmpColumn;
using lookup::SnmpTables;
using lookup::SnmpValue;
using test::Lines;
using test::lines_of;

namespace {

SnmpValue text(Oid index, std::string octets) {
  return {std::move(index), SnmpValue::Type::octets, 0, std::move(octets)};
}
SnmpValue number(Oid index, std::int64_t value) {
  return {std::move(index), SnmpValue::Type::number, value, {}};
}
const std::string kMac{"\x52\x54\x00\xaa\x00\x01", 6};

std::vector<Fact> told(const SnmpTables& tables, std::size_t max_facts = 100) {
  std::uint64_t beyond = 0;
  return tables.tell({SiteId{3}, IpAddress::v4(0x0a000001)}, Timestamp{}, max_facts, beyond);
}

}  // namespace

TEST_CASE("SNMP: system and interfaces") {
  SnmpTables tables;
  tables.take_system("r1.example.com", "Cisco IOS Software\r\nTechnical Support\xff");
  CHECK(tables.take(SnmpColumn::if_descr, text({7}, "GigabitEthernet0/7")));
  CHECK(tables.take(SnmpColumn::if_descr, text({8}, "Null0")));
  CHECK(tables.take(SnmpColumn::if_name, text({7}, "Gi0/7")));
  CHECK(tables.take(SnmpColumn::if_alias, text({7}, "to core")));
  CHECK(tables.take(SnmpColumn::if_alias, text({8}, "")));
  const auto facts = told(tables);
  CHECK(lines_of(facts) ==
        Lines{"10.0.0.1 snmp.name=r1.example.com", "10.0.0.1 name=r1.example.com",
              "10.0.0.1 snmp.description=Cisco IOS Software Technical Support\xef\xbf\xbd",
              "10.0.0.1 interface.7.name=Gi0/7", "10.0.0.1 interface.7.description=to core",
              "10.0.0.1 interface.8.name=Null0"});
  CHECK(facts.front().source == FactSource::observed);
  CHECK(facts.front().subject.site == SiteId{3});
  CHECK(told(tables, 2).size() == 2);
}

TEST_CASE("SNMP: both tables of addresses on the wire") {
  SnmpTables tables;
  CHECK(tables.take(SnmpColumn::physical_address, text({2, 1, 4, 10, 0, 0, 5}, kMac)));
  Oid v6{2, 2, 16};
  for (const std::uint32_t octet : {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5})
    v6.push_back(octet);
  CHECK(tables.take(SnmpColumn::physical_address, text(v6, kMac)));
  CHECK(tables.take(SnmpColumn::physical_address, text({2, 3, 8, 10, 0, 0, 6, 0, 0, 0, 2}, kMac)));
  CHECK(tables.take(SnmpColumn::media_address,
                    text({2, 10, 0, 0, 5}, "other!")));  // the newer table goes first
  CHECK(tables.take(SnmpColumn::media_address, text({2, 10, 0, 0, 8}, kMac)));
  CHECK(tables.take(SnmpColumn::media_address, text({2, 10, 0, 0, 9}, "")));  // not resolved
  CHECK(tables.take(SnmpColumn::media_address, text({2, 224, 0, 0, 5}, kMac)));
  const std::string mac = " mac=52:54:00:aa:00:01";
  CHECK(lines_of(told(tables)) ==
        Lines{"10.0.0.5" + mac, "10.0.0.6" + mac, "10.0.0.8" + mac, "2001:db8::5" + mac});
}

TEST_CASE("SNMP: LLDP neighbours, by port name or number") {
  SnmpTables tables;
  tables.take(SnmpColumn::if_name, text({7}, "Gi0/7"));
  tables.take(SnmpColumn::if_name, text({2}, "Gi0/2"));
  tables.take(SnmpColumn::local_port_type, number({1}, 5));
  tables.take(SnmpColumn::local_port, text({1}, "Gi0/7"));
  const Oid by_name{0, 1, 1}, by_number{900, 2, 1}, nowhere{0, 99, 1};
  for (const Oid& index : {by_name, by_number, nowhere}) {
    CHECK(tables.take(SnmpColumn::chassis_type, number(index, 4)));
    CHECK(tables.take(SnmpColumn::chassis, text(index, kMac)));
    CHECK(tables.take(SnmpColumn::port_type, number(index, index == by_name ? 5 : 3)));
    CHECK(tables.take(SnmpColumn::port, text(index, index == by_name ? "eth0" : kMac)));
  }
  CHECK(tables.take(SnmpColumn::port_description, text(by_number, "uplink")));
  CHECK(tables.take(SnmpColumn::system_name, text(by_name, "sw2")));
  CHECK(tables.take(SnmpColumn::system_description, text(by_name, "a switch")));
  CHECK(tables.take(SnmpColumn::management_address, number({0, 1, 1, 1, 4, 10, 0, 0, 2}, 2)));
  CHECK(tables.take(SnmpColumn::management_address, number({0, 1, 1, 6, 6, 1, 2, 3, 4, 5, 6}, 2)));
  CHECK(lines_of(told(tables)) ==
        Lines{"10.0.0.1 interface.2.name=Gi0/2", "10.0.0.1 interface.2.neighbor=52:54:00:aa:00:01",
              "10.0.0.1 interface.2.neighbor_port=uplink", "10.0.0.1 interface.7.name=Gi0/7",
              "10.0.0.1 interface.7.neighbor=sw2", "10.0.0.1 interface.7.neighbor_port=eth0",
              "10.0.0.2 snmp.name=sw2", "10.0.0.2 snmp.description=a switch",
              "10.0.0.2 mac=52:54:00:aa:00:01"});
}

TEST_CASE("SNMP: rows that cannot be are refused") {
  SnmpTables tables;
  CHECK(!tables.take(SnmpColumn::if_name, text({}, "x")));
  CHECK(!tables.take(SnmpColumn::if_name, text({1, 2}, "x")));
  CHECK(!tables.take(SnmpColumn::if_name, number({1}, 2)));
  CHECK(!tables.take(SnmpColumn::media_address, text({}, kMac)));
  CHECK(!tables.take(SnmpColumn::media_address, text({2, 10, 0, 0, 256}, kMac)));
  CHECK(!tables.take(SnmpColumn::media_address, text({2, 10, 0, 0}, kMac)));
  CHECK(!tables.take(SnmpColumn::media_address, text(Oid(100, 1), kMac)));
  for (const Oid& index :
       {Oid{2, 1, 4, 10, 0, 0}, Oid{2, 1, 16, 10, 0, 0, 1}, Oid{2, 5, 4, 10, 0, 0, 1}, Oid{2, 1},
        Oid{2, 3, 4, 10, 0, 0, 1}, Oid{2, 0, 4, 10, 0, 0, 1}}) {
    CHECK(!tables.take(SnmpColumn::physical_address, text(index, kMac)));
  }
  CHECK(!tables.take(SnmpColumn::local_port, number({1}, 1)));
  CHECK(!tables.take(SnmpColumn::chassis, text({1, 2}, "x")));
  CHECK(!tables.take(SnmpColumn::system_name, text({1, 2, 3, 4}, "x")));
  CHECK(!tables.take(SnmpColumn::chassis_type, text({1, 2, 3}, "x")));
  CHECK(told(tables).empty());
}
