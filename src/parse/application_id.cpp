#include "flowlens/application_id.hpp"

#include <array>

#include "flowlens/record.hpp"
#include "wire/byte_reader.hpp"

namespace flowlens {
namespace {

/// By engine id, as of IANA's registry of 2026-07-22. Empty: reserved.
constexpr std::array<std::string_view, 25> kEngines{
    "",         "IANA-L3", "PANA-L3", "IANA-L4", "PANA-L4",   "",        "USER-Defined",
    "",         "",        "",        "",        "",          "PANA-L2", "PANA-L7",
    "",         "",        "",        "",        "ETHERTYPE", "LLC",     "PANA-L7-PEN",
    "ixEngine", "nDPI",    "PACE2",   "vPACE"};

}  // namespace

std::optional<ApplicationId> read_application_id(std::span<const std::byte> octets) noexcept {
  wire::ByteReader in{octets};
  ApplicationId id;
  id.engine = in.u8();
  if (id.engine == kPanaL7PenEngine) id.enterprise = in.u32();
  if (!in.ok() || id.engine == 0) return std::nullopt;
  const auto selector = read_unsigned(in.rest());
  if (!selector) return std::nullopt;
  id.selector = *selector;
  return id;
}

std::string_view engine_name(std::uint8_t engine) noexcept {
  return engine < kEngines.size() ? kEngines[engine] : std::string_view{};
}

std::string to_string(const ApplicationId& id) {
  std::string text{engine_name(id.engine)};
  if (text.empty()) text = "engine" + std::to_string(id.engine);
  if (id.engine == kPanaL7PenEngine) text.append(":").append(std::to_string(id.enterprise));
  return text.append(":").append(std::to_string(id.selector));
}

}  // namespace flowlens
