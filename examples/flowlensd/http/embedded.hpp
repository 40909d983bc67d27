/// \file
/// http: files that CMake builds into the program: the pages, and the parts of the API's description.
#pragma once

#include <span>
#include <string_view>

namespace flowlensd::http {

struct EmbeddedFile {
  std::string_view name;  ///< below examples/flowlensd: `ui/index.html`
  std::string_view text;
  std::string_view etag;  ///< with its quotes; changes with the text
};

/// In the order of their names.
[[nodiscard]] std::span<const EmbeddedFile> embedded_files() noexcept;

}  // namespace flowlensd::http
