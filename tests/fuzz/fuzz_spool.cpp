// A revision as the spool of flowlensd keeps it on disk: any octets are read or refused, and what was read is
// written and read again as the same.
#include "flowlens/error.hpp"
#include "flowlens/revision_codec.hpp"
#include "fuzz/datagrams.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowlens;
  static const SiteTable sites = [] {
    SiteTable table;
    static_cast<void>(table.add("berlin"));
    return table;
  }();
  const auto octets = std::as_bytes(std::span{data, size});
  Revision revision;
  try {
    if (decode_revision(octets, sites, revision).code != DiagnosticCode::none) return 0;
  } catch (const ConfigError&) {
    return 0;
  }
  for (const DependencyRow& row : revision.dependencies) {
    if (row.hours.count() > 0 && row.hours.runs().empty()) fuzz::fail("hours without a run");
  }
  const std::vector<std::byte> written = encode_revision(revision, sites);
  Revision again;
  if (decode_revision(written, sites, again).code != DiagnosticCode::none) {
    fuzz::fail("a revision that was written cannot be read");
  }
  if (encode_revision(again, sites) != written) fuzz::fail("what was read is not what was written");
  return 0;
}
