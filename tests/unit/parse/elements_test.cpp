#include "flowlens/information_element.hpp"

#include <doctest/doctest.h>

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
  CHECK(find_element(ElementId{0, 0}) == nullptr);
  CHECK(find_element(ElementId{0, 65'535}) == nullptr);
  CHECK(all_elements().size() >= 460);
  for (const InformationElement& e : all_elements()) {
    CAPTURE(e.name);
    CHECK(find_element(e.id) == &e);
    CHECK(find_element(e.name) == &e);
  }
}

TEST_CASE("elements: what an unregistered one is called") {
  struct Case {
    ElementId id;
    const char* name;
  };
  const Case cases[] = {
      {{0, 4}, "protocolIdentifier"},
      {{0, 65}, "id65"},
      {{0, 40'001}, "id40001"},
      {{9, 12'235}, "e9id12235"},
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
  };
  for (const Case& c : cases) CHECK(is_legal_length(c.type, c.length) == c.legal);
}
