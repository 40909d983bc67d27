#include "flowlens/map_codec.hpp"

#include <limits>
#include <string_view>

#include "flowlens/error.hpp"
#include "flowlens/revision_codec.hpp"
#include "wire/sealed_state.hpp"

namespace flowlens {
namespace {

constexpr std::uint32_t kMark = 0x464c'6d70;  // FLmp
constexpr std::uint16_t kVersion = 1;

std::span<const std::byte> octets_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// All names but that of `default`, in the order of their ids.
std::vector<std::string_view> names_of(const SiteTable& sites) {
  std::vector<std::string_view> names;
  const std::string_view none = sites.name({});
  for (std::uint16_t id = 1; id < std::numeric_limits<std::uint16_t>::max(); ++id) {
    const std::string_view name = sites.name({id});
    if (name == none) break;
    names.push_back(name);
  }
  return names;
}

/// \return false if the octets end too early, or a name cannot be.
bool read_sites(wire::ByteReader& in, SiteTable& sites) {
  const std::uint16_t count = in.u16();
  for (std::uint16_t i = 0; i < count; ++i) {
    const auto name = in.take(in.u32());
    if (!in.ok() || name.empty()) return false;
    sites.add({reinterpret_cast<const char*>(name.data()), name.size()});
  }
  return in.ok();
}

}  // namespace

std::vector<std::byte> encode_map(const DependencyGraph& map) {
  wire::ByteWriter out = wire::begin_state(kMark, kVersion);
  const auto names = names_of(map.sites());
  out.u16(static_cast<std::uint16_t>(names.size()));
  for (const std::string_view name : names) {
    out.u32(static_cast<std::uint32_t>(name.size())).append(octets_of(name));
  }
  out.append(encode_revision(map.copy(), map.sites()));
  return wire::seal_state(std::move(out));
}

Diagnostic decode_map(std::span<const std::byte> octets, const DependencyGraphOptions& options,
                      std::unique_ptr<DependencyGraph>& map) {
  map.reset();
  std::span<const std::byte> content;
  if (const Diagnostic problem = wire::open_state(octets, kMark, kVersion, content);
      problem.code != DiagnosticCode::none) {
    return problem;
  }
  wire::ByteReader in{content};
  SiteTable sites;
  if (!read_sites(in, sites)) return {DiagnosticCode::state_damaged, 6, 0};
  Revision rows;
  try {
    if (const Diagnostic problem = decode_revision(in.rest(), sites, rows);
        problem.code != DiagnosticCode::none) {
      return problem;
    }
  } catch (const ConfigError&) {
    return {DiagnosticCode::state_damaged, 6, 0};  // names a site that is not among them
  }
  map = std::make_unique<DependencyGraph>(options, std::move(sites));
  map->apply(rows);
  return {};
}

}  // namespace flowlens
