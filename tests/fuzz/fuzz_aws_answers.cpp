// Octets as an answer of EC2 in XML.
#include "fact_check.hpp"
#include "lookup/curl/aws_answer.hpp"
#include "lookup/listing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowlens;
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  const std::string code = lookup::aws_error_code(xml);
  if (!code.empty()) fuzz::check_words(code);
  try {
    const lookup::Json answer = lookup::read_aws_answer(xml, "aws:eu-west-1");
    lookup::Listing listing;
    lookup::read_aws_interfaces(answer, listing);
    lookup::read_aws_instances(answer, listing);
    std::vector<Fact> facts;
    for (const lookup::Machine& machine : listing.machines) {
      lookup::say({{}, FactSource::cloud, "aws:eu-west-1", {}}, machine, facts);
    }
    fuzz::check_facts(facts);
    if (answer.dump().empty()) __builtin_trap();  // which refuses what is no UTF-8
  } catch (const IoError& error) {
    fuzz::check_words(error.what());
  }
  return 0;
}
