#include "flowlens/information_element.hpp"

#include <doctest/doctest.h>

#include <map>

#include "flowlens/template.hpp"

using namespace flowlens;

TEST_CASE("elements: found by id and by name, in ascending order, each once") {
  const InformationElement* octets = find_element(ElementId{0, 1});
  REQUIRE(octets != nullptr);
  CHECK(octets->name == "octetDeltaCount");
  CHECK(octets->units == "octets");
  CHECK(find_element("flowStartSysUpTime")->id.number == 22);
  CHECK(find_element("noSuchElement") == nullptr);
  CHECK(find_element(ElementId{9, 1}) == nullptr);
  CHECK(octets->size_octets == 8);
  CHECK(octets->semantics == ElementSemantics::delta_counter);
  CHECK(type_name(*octets) == "unsigned64");
  CHECK(find_element(ElementId{0, 0}) == nullptr);
  CHECK(find_element(ElementId{0, 65'535}) == nullptr);
  for (const InformationElement& e : all_elements()) {
    CAPTURE(e.name);
    CHECK(find_element(e.id) == &e);
    REQUIRE(find_element(e.name) != nullptr);
    CHECK(find_element(e.name)->id <= e.id);
    if (e.id.enterprise == 0) CHECK(find_element(e.name) == &e);
  }
}

TEST_CASE("elements: the whole of IANA's registry and the vendors' sets are there") {
  std::map<std::uint32_t, std::size_t> count;
  std::size_t of_vendors = 0;
  for (const InformationElement& e : all_elements()) {
    const bool is_iana = e.id.enterprise == 0 && e.id.number < kFirstV9VendorType;
    if (is_iana) ++count[0];
    if (!is_iana) ++of_vendors;
    if (e.id.enterprise != 0) ++count[e.id.enterprise];
  }
  CHECK(count[0] >= 502);
  CHECK(of_vendors >= 1'200);
  for (const std::uint32_t vendor :
       {9, 637, 2011, 2636, 3054, 5951, 6871, 6876, 10'704, 12'276, 13'745, 26'866, 35'632}) {
    CAPTURE(vendor);
    CHECK(count[vendor] != 0);
  }
}

TEST_CASE("elements: what vendors export") {
  struct Case {
    ElementId id;
    const char* name;
    const char* type;
  };
  const Case cases[] = {
      {{9, 12'236}, "clientIPv4Address", "ipv4Address"},
      {{637, 93}, "aluNatSubString", "string"},
      {{2'636, 137}, "commonPropertiesId", "unsigned32"},
      {{6'871, 14}, "initialTCPFlags", "unsigned16"},
      {{6'871, 14 + 0x4000}, "reverseInitialTCPFlags", "unsigned16"},
      {{6'876, 880}, "tenantProtocol", "unsigned8"},
      {{35'632, 181}, "HTTP_RET_CODE", "unsigned16"},
      {{0, 40'001}, "XLATE_SRC_ADDR_IPV4", "ipv4Address"},
      {{0, 56'701}, "APP_ID", "string"},
      {{0, 515}, "ipv6ExtensionHeadersFull", "unsigned256"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const InformationElement* found = find_element(c.id);
    REQUIRE(found != nullptr);
    CHECK(found->name == c.name);
    CHECK(type_name(*found) == c.type);
  }
}

TEST_CASE("elements: ntop's are the same in NetFlow v9, 57,472 higher") {
  CHECK(find_element(ElementId{0, 57'472 + 80}) == find_element(ElementId{35'632, 80}));
  CHECK(find_element(ElementId{0, 57'472 + 80})->name == "SRC_FRAGMENTS");
  CHECK(find_element(ElementId{0, 57'471}) == nullptr);
  CHECK(find_element(ElementId{0, 57'472}) == nullptr);
}

TEST_CASE("elements: how derived and unknown ones read") {
  CHECK(element_type({0, 8}) == ElementType::ipv4_address);
  CHECK(element_type({kReverseEnterprise, 8}) == ElementType::ipv4_address);
  CHECK(element_type({kReverseEnterprise, 65}) == ElementType::octet_array);
  CHECK(element_type({kV9ScopeEnterprise, 2}) == ElementType::unsigned_integer);
  CHECK(element_type({32'473, 1}) == ElementType::octet_array);
}

TEST_CASE("elements: what an unregistered one is called") {
  struct Case {
    ElementId id;
    const char* name;
  };
  const Case cases[] = {
      {{0, 4}, "protocolIdentifier"},
      {{0, 65}, "id65"},
      {{0, 40'001}, "XLATE_SRC_ADDR_IPV4"},
      {{0, 40'999}, "id40999"},
      {{9, 12'235}, "appHTTPHost"},
      {{9, 1}, "e9id1"},
      {{29'305, 1}, "reverseOctetDeltaCount"},
      {{29'305, 65}, "e29305id65"},
      {{kV9ScopeEnterprise, 2}, "scopeInterface"},
  };
  for (const Case& c : cases) CHECK(element_name(c.id) == c.name);
}

TEST_CASE("elements: lengths a type can have") {
  struct Case {
    ElementType type;
    std::uint16_t length;
    bool legal;
  };
  const Case cases[] = {
      {ElementType::unsigned_integer, 3, true},
      {ElementType::unsigned_integer, 9, false},
      {ElementType::ipv4_address, 4, true},
      {ElementType::ipv4_address, 3, false},
      {ElementType::ipv6_address, 4, false},
      {ElementType::mac_address, 8, false},
      {ElementType::floating, 2, false},
      {ElementType::date_time_seconds, 8, false},
      {ElementType::date_time_microseconds, 3, false},
      {ElementType::boolean, 2, false},
      {ElementType::mac_address, 0, true},
      {ElementType::ipv4_address, kVariableLength, true},
      {ElementType::octet_array, 4'000, true},
      {ElementType::unsigned_256, 32, true},
      {ElementType::unsigned_256, 33, false},
  };
  for (const Case& c : cases) CHECK(is_legal_length(c.type, c.length) == c.legal);
}
