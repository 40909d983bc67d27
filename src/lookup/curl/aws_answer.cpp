#include "lookup/curl/aws_answer.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <pugixml.hpp>
#include <utility>

#include "flowlens/error.hpp"
#include "graph/export_text.hpp"

namespace flowlens::lookup {

namespace {

constexpr int kDeepest = 16;
constexpr std::size_t kLongestCode = 64;

enum class Shape { text, object, list };

struct Element {
  std::string_view xml, json;
  Shape shape;
};

/// What is read of the two answers, ascending by name in XML. A list has its values in elements `item`.
constexpr Element kElements[] = {
    {"association", "Association", Shape::object},
    {"attachTime", "AttachTime", Shape::text},
    {"attachment", "Attachment", Shape::object},
    {"availabilityZone", "AvailabilityZone", Shape::text},
    {"description", "Description", Shape::text},
    {"instanceId", "InstanceId", Shape::text},
    {"instanceType", "InstanceType", Shape::text},
    {"instancesSet", "Instances", Shape::list},
    {"interfaceType", "InterfaceType", Shape::text},
    {"ipAddress", "PublicIpAddress", Shape::text},
    {"ipOwnerId", "IpOwnerId", Shape::text},
    {"ipv6Address", "Ipv6Address", Shape::text},
    {"ipv6AddressesSet", "Ipv6Addresses", Shape::list},
    {"key", "Key", Shape::text},
    {"launchTime", "LaunchTime", Shape::text},
    {"macAddress", "MacAddress", Shape::text},
    {"networkInterfaceId", "NetworkInterfaceId", Shape::text},
    {"networkInterfaceSet", "NetworkInterfaces", Shape::list},
    {"nextToken", "NextToken", Shape::text},
    {"ownerId", "OwnerId", Shape::text},
    {"placement", "Placement", Shape::object},
    {"platformDetails", "PlatformDetails", Shape::text},
    {"privateIpAddress", "PrivateIpAddress", Shape::text},
    {"privateIpAddressesSet", "PrivateIpAddresses", Shape::list},
    {"publicIp", "PublicIp", Shape::text},
    {"reservationSet", "Reservations", Shape::list},
    {"subnetId", "SubnetId", Shape::text},
    {"tagSet", "TagSet", Shape::list},
    {"value", "Value", Shape::text},
    {"vpcId", "VpcId", Shape::text},
};

const Element* find_element(std::string_view name) noexcept {
  const auto found =
      std::lower_bound(std::begin(kElements), std::end(kElements), name,
                       [](const Element& e, std::string_view n) { return e.xml < n; });
  return found != std::end(kElements) && found->xml == name ? &*found : nullptr;
}

class Reader {
 public:
  explicit Reader(const std::string& name) : name_(name) {}

  Json object(pugi::xml_node node, int depth = 0) const {
    if (depth > kDeepest) throw IoError(name_ + ": nests deeper than " + std::to_string(kDeepest));
    Json out = Json::object();
    for (const pugi::xml_node child : node.children()) {
      if (const Element* const element = find_element(child.name())) {
        out[std::string(element->json)] = value(child, element->shape, depth);
      }
    }
    return out;
  }

 private:
  Json value(pugi::xml_node node, Shape shape, int depth) const {
    if (shape == Shape::text) return graph::to_utf8(node.child_value());
    if (shape == Shape::object) return object(node, depth + 1);
    Json list = Json::array();
    for (const pugi::xml_node item : node.children("item")) list.push_back(object(item, depth + 1));
    return list;
  }

  const std::string& name_;
};

}  // namespace

Json read_aws_answer(std::string_view xml, const std::string& name) {
  pugi::xml_document document;
  const pugi::xml_parse_result result =
      document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!result) {
    throw IoError(name + ": octet " + std::to_string(result.offset) + ": " + result.description());
  }
  return Reader(name).object(document.document_element());
}

std::string aws_error_code(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8)) {
    return {};
  }
  const pugi::xml_node answer = document.document_element();
  pugi::xml_node error = answer.child("Errors").child("Error");
  if (!error) error = answer.child("Error");
  std::string code = error.child_value("Code");
  const bool is_word = std::all_of(
      code.begin(), code.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '.'; });
  return is_word && code.size() <= kLongestCode ? code : std::string();
}

}  // namespace flowlens::lookup
