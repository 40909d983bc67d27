/// \file
/// Runs cases of the corpus through the library and compares.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "conformance/case_file.hpp"
#include "conformance/report.hpp"
#include "flowlens/flow_record.hpp"
#include "flowlens/information_element.hpp"
#include "flowlens/parser.hpp"

namespace flowlens::conformance {

/// One decoded field; a record may have several of one element (`name#2`).
struct DecodedField {
  Json value;
  ElementType type = ElementType::octet_array;
};

/// One data record as the library gave it.
struct DecodedRecord {
  std::size_t datagram = 0;
  std::size_t set = 0;
  std::size_t record = 0;
  Json about;  ///< templateId, domain, kind, scope, as the corpus has them
  std::map<std::string, DecodedField> fields;
  std::vector<FlowRecord> flows;  ///< what the Normalizer made of it
};

/// NetFlow v5, v9 and IPFIX.
[[nodiscard]] Report run_netflow(const Case& c);
/// sFlow v5.
[[nodiscard]] Report run_sflow(const Case& c);
[[nodiscard]] Report run_case(const Case& c);

/// Compares the flows with the record they came from: times with `derived`, and addresses, ports,
/// counts and the like with the fields. Problems go to `report`.
void check_flows(const Json& wanted, const DecodedRecord& have, Report& report);

/// A sample in the form of the corpus, records and their fields included.
[[nodiscard]] Json describe_sample(const SflowSample& sample);
/// The fields of one record; `opaque` for a structure without a definition here.
[[nodiscard]] Json describe_record(const SflowRecord& record, bool of_counters);

/// Checks what the parser said of one datagram against `undecodableSets` and `issues`.
void check_result(const Case& c, std::size_t datagram, const ParseResult& result, Report& report);

/// Compares the header of a datagram, if the parser handed anything of it over.
void check_header(const Case& c, std::size_t datagram, const std::optional<MessageHeader>& have,
                  Report& report);

/// `all-or-none`, `at-most` or `exact`: what to do about wanted records that did not come.
[[nodiscard]] bool may_be_missing(const Case& c, std::size_t records_decoded);

}  // namespace flowlens::conformance
