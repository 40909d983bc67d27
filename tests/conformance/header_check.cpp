// What the header of a datagram says against what the library says of it.
#include "conformance/run.hpp"
#include "conformance/value.hpp"

namespace flowlens::conformance {
namespace {

std::int64_t seconds_of(const MessageHeader& h) {
  return std::chrono::floor<std::chrono::seconds>(h.export_time).time_since_epoch().count();
}

struct HeaderValue {
  const char* key;
  Json (*read)(const MessageHeader&);
};

const HeaderValue kValues[] = {
    {"count", [](const MessageHeader& h) { return Json(h.claimed_count); }},
    {"sampleCount", [](const MessageHeader& h) { return Json(h.claimed_count); }},
    {"sysUptime", [](const MessageHeader& h) { return Json(h.sys_uptime_ms); }},
    {"uptime", [](const MessageHeader& h) { return Json(h.sys_uptime_ms); }},
    {"unixSecs", [](const MessageHeader& h) { return Json(seconds_of(h)); }},
    {"exportTime", [](const MessageHeader& h) { return Json(seconds_of(h)); }},
    {"unixNsecs",
     [](const MessageHeader& h) { return Json(to_unix_ns(h.export_time) % 1'000'000'000); }},
    {"sequence", [](const MessageHeader& h) { return Json(h.sequence); }},
    {"sourceId", [](const MessageHeader& h) { return Json(h.observation_domain); }},
    {"observationDomainId", [](const MessageHeader& h) { return Json(h.observation_domain); }},
    {"subAgentId", [](const MessageHeader& h) { return Json(h.observation_domain); }},
    {"engineType", [](const MessageHeader& h) { return Json(h.observation_domain >> 8); }},
    {"engineId", [](const MessageHeader& h) { return Json(h.observation_domain & 0xff); }},
    {"samplingMode", [](const MessageHeader& h) { return Json(h.sampling >> 14); }},
    {"samplingInterval", [](const MessageHeader& h) { return Json(h.sampling & 0x3fff); }},
    {"agentAddress", [](const MessageHeader& h) { return Json(h.agent.to_string()); }},
};

}  // namespace

void check_header(const Case& c, std::size_t datagram, const std::optional<MessageHeader>& have,
                  Report& report) {
  if (!have) return;  // nothing of the datagram was handed over
  const Json wanted = c.json.at("datagrams").at(datagram).value("header", Json::object());
  for (const HeaderValue& value : kValues) {
    if (!wanted.contains(value.key)) continue;
    const Json got = value.read(*have);
    if (same_value(got, wanted[value.key], ElementType::ipv6_address)) {
      report.right(std::string{"header."} + value.key);
      continue;
    }
    ++report.fields_wrong;
    report.problem("datagram " + std::to_string(datagram) + ": its header's " + value.key + " is " +
                   got.dump() + ", should be " + wanted[value.key].dump());
  }
}

}  // namespace flowlens::conformance
