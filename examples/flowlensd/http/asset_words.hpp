/// \file
/// http: what people say of assets and dependencies, read from JSON.
#pragma once

#include <string>
#include <vector>

#include "http/message.hpp"
#include "http/rows.hpp"
#include "service.hpp"

namespace flowlensd::http {

inline constexpr std::size_t kMostEndpoints = 64;  ///< of one asset that is put in
inline constexpr std::size_t kLongestName = 256;   ///< octets

/// \throws Problem 503 in a process that does not write the map.
[[nodiscard]] DependencyGraph& map_of(const Service& service);
/// \throws Problem 507.
[[noreturn]] void no_room();

// These throw Problem 400, whose detail begins with the name of the member.

[[nodiscard]] std::vector<std::string> tags_of(const Json& list, const char* name);
[[nodiscard]] std::string bounded_text(std::string text, const char* name, std::size_t longest);
/// Takes over what the body says of those members that may be said of assets and dependencies alike.
void take_words(const Request& request, const Json& body, Annotation& said);
/// Member `endpoints`, each once.
[[nodiscard]] std::vector<Endpoint> endpoints_member(const Json& body, const Service& service);

}  // namespace flowlensd::http
