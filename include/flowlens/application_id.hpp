/// \file
/// parse: application ids (RFC 6759): which application traffic is of, and who says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace flowlens {

/// The value of applicationId (element 95).
struct ApplicationId {
  std::uint8_t engine = 0;       ///< IANA's classification engine id, e.g. 3 for IANA-L4
  std::uint32_t enterprise = 0;  ///< with engine 20 (PANA-L7-PEN) only: whose selector it is
  std::uint64_t selector = 0;    ///< the application; IANA-L4: its port
  friend bool operator==(const ApplicationId&, const ApplicationId&) = default;
};

inline constexpr std::uint8_t kPanaL7PenEngine = 20;

/// Reads an application id, RFC 6759 §4. The selector may be longer or shorter than its engine's
/// default, as exporters send it so.
/// \return nothing for engine 0, a selector of no or more than 8 octets, or a cut enterprise.
[[nodiscard]] std::optional<ApplicationId> read_application_id(
    std::span<const std::byte> octets) noexcept;

/// IANA's name of a classification engine, e.g. `PANA-L7`; empty for an unassigned one.
[[nodiscard]] std::string_view engine_name(std::uint8_t engine) noexcept;

/// `IANA-L4:443`, `PANA-L7-PEN:12356:16195`; `engine99:5` for an unassigned engine.
[[nodiscard]] std::string to_string(const ApplicationId& id);

}  // namespace flowlens
