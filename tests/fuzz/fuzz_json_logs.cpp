// Octets as a log of JSON. The first octet says what stands in front of them: nothing, or a key that
// makes it a log of one kind, in lines or in a document.
#include "log_check.hpp"

namespace {

using namespace flowlens;

constexpr const char* kFronts[] = {
    "",
    "{\"event_type\":\"stats\"}\n",
    "{\"logName\":\"x\"}\n",
    "{\"id.orig_h\":\"10.0.0.1\"}\n",
    "[{\"logName\":\"vpc_flows\"},",
    "{\"records\":[{\"flowRecords\":{}},",
    "{\"flowRecords\":{\"flows\":[{\"flowGroups\":[{\"flowTuples\":[",
    " {\"id.orig_h\":\"10.0.0.1\",",
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  FlowLogOptions options;
  options.batch_flows = 2 + (data[0] >> 4);
  options.max_record = 1'024;
  fuzz::check_log(
      kFronts[data[0] & 7] + std::string{reinterpret_cast<const char*>(data) + 1, size - 1},
      options);
  return 0;
}
