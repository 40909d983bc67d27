#include "conformance/run.hpp"

#include <algorithm>

namespace flowlens::conformance {
namespace {

std::size_t undecodable_sets(const Case& c, std::size_t datagram) {
  std::size_t count = 0;
  for (const Json& set : c.json.value("undecodableSets", Json::array())) {
    count += set.at("datagram") == datagram;
  }
  return count;
}

/// The corpus calls these information only.
bool is_remark_only(const std::string& kind) {
  return kind == "count-mismatch" || kind == "template-redefined" || kind == "zero-fill";
}

/// Five of the datagrams of `tcpdump-sflow-counters` are no sFlow: they begin like NetFlow v5, and
/// a parser that takes any protocol on any port may read them as such.
bool may_be_another_protocol(const std::string& kind) { return kind == "unsupported-version"; }

}  // namespace

void check_result(const Case& c, std::size_t datagram, const ParseResult& result, Report& report) {
  const std::string where = "datagram " + std::to_string(datagram) + ": ";
  const std::size_t undecodable = undecodable_sets(c, datagram);
  if (result.sets_waiting < undecodable) {
    report.problem(where + std::to_string(result.sets_waiting) +
                   " sets reported as without a template, should be " +
                   std::to_string(undecodable));
  }
  if (undecodable != 0 && result.clean()) report.problem(where + "no diagnostic for such a set");

  bool may_be_refused = false;
  for (const Json& issue : c.json.value("issues", Json::array())) {
    if (issue.at("datagram") != datagram) continue;
    const std::string kind = issue.at("kind");
    may_be_refused = true;
    if (result.clean() && !is_remark_only(kind) && !may_be_another_protocol(kind)) {
      report.problem(where + kind + " was not reported");
    }
  }
  if (!result.accepted && !may_be_refused) {
    report.problem(where + "refused: " + to_string(result.first));
  }
  if (result.sets_waiting > undecodable) {
    report.problem(where + std::to_string(result.sets_waiting) + " sets wait, should be " +
                   std::to_string(undecodable));
  }
}

bool may_be_missing(const Case& c, std::size_t records_decoded) {
  const std::string expectation = c.json.value("expectation", "exact");
  if (expectation == "at-most") return true;
  return expectation == "all-or-none" && records_decoded == 0;
}

Report run_case(const Case& c) {
  Report report = c.protocol == "sflow-v5" ? run_sflow(c) : run_netflow(c);
  report.name = c.name;
  report.protocol = c.protocol;
  report.vendor = c.vendor;
  return report;
}

}  // namespace flowlens::conformance
