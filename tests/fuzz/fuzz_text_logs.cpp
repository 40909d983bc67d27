// Octets as a log of lines. The first octet says what stands in front of them, so that values are
// reached: a format of AWS VPC, a header of Zeek's, or nothing, so that gzip and headers are reached too.
#include "log_check.hpp"

namespace {

using namespace flowlens;

constexpr const char* kFronts[] = {
    "",
    "2 1 eni-0a 10.0.1.5 10.0.2.9 49152 443 6 20 4249 1700000000 1700000060 ACCEPT OK\n",
    "interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status tcp-flags "
    "pkt-srcaddr pkt-dstaddr flow-direction\n",
    "#separator "
    "\\x09\n#unset_field\t-\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\t"
    "duration\torig_bytes\tresp_bytes\tconn_state\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\t"
    "resp_ip_bytes\tvlan\tip_proto\n",
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text{reinterpret_cast<const char*>(data) + 1, size - 1};
  FlowLogOptions options;
  options.batch_flows = 2 + (data[0] >> 4);
  options.max_record = 1'024;
  if ((data[0] & 8) != 0) options.latest = from_unix_ns(1'800'000'000'000'000'000);
  if ((data[0] & 4) != 0) {
    // The format itself is of a user's making.
    options.vpc_format = text.substr(0, text.find('\n'));
    fuzz::check_log(text, options);
    return 0;
  }
  fuzz::check_log(kFronts[data[0] & 3] + text, options);
  return 0;
}
