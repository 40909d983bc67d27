// A revision as the spool of flowlensd and files of maps have it: any octets are read or refused, what was read is
// written and read again as the same, and a small map that takes it can be listed, asked and kept.
#include <sstream>

#include "flowlens/error.hpp"
#include "flowlens/graph_export.hpp"
#include "flowlens/map_codec.hpp"
#include "flowlens/revision_codec.hpp"
#include "fuzz/datagrams.hpp"

namespace {

using namespace flowlens;

void take(const Revision& revision, const SiteTable& sites) {
  DependencyGraphOptions options;
  options.max_assets = 4;
  options.max_dependencies = 4;
  DependencyGraph map{options, sites};
  map.apply(revision);
  for (const AssetRow& row : map.assets({}).rows) {
    if (row.endpoints.empty()) fuzz::fail("an asset without an endpoint");
  }
  (void)map.snapshot();
  std::ostringstream text;
  write_graph(map, ExportFormat::json, text);
  std::unique_ptr<DependencyGraph> again;
  if (decode_map(encode_map(map), options, again).code != DiagnosticCode::none) {
    fuzz::fail("a map that was written cannot be read");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
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
  take(revision, sites);
  return 0;
}
