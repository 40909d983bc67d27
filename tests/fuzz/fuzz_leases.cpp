// Octets as leases. The first octet says what stands in front of them, so that each server's are reached.
#include "fact_file_check.hpp"
#include "flowlens/dhcp_leases.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowlens;
  static const fuzz::MemoryFile file;
  if (size == 0) return 0;
  constexpr const char* kFronts[] = {
      "",
      "lease 10.0.0.1 {\n starts 4 2026/11/22 22:00:00;\n ends 4 2026/11/22 23:00:00;\n binding "
      "state active;\n",
      "ia-na \"\\001\\002\\003\\004\\000\\003\\000\\001abcdef\" {\n iaaddr 2001:db8::1 {\n",
      "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,"
      "user_context\n",
      "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_"
      "fwd,fqdn_rev,hostname,hwaddr,state\n",
      "1795390000 52:54:00:aa:00:01 10.0.0.159 laptop ",
      "duid 00:01:00:01\n1795390000 111 2001:db8::1 ",
      "0 52:54:00:aa:00:02 10.0.0.1 * *\n"};
  file.write(kFronts[data[0] & 7] + std::string{reinterpret_cast<const char*>(data) + 1, size - 1});
  DhcpLeases leases{fuzz::fact_options(file)};
  fuzz::check_fact_file(leases);
  return 0;
}
