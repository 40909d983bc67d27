/// \file
/// http: ui/index.html, built into the program by CMake.
#pragma once

#include <string_view>

namespace flowlensd::http {

extern const std::string_view kPageEtag;  ///< with its quotes; changes with the page
[[nodiscard]] std::string_view page_html() noexcept;

}  // namespace flowlensd::http
