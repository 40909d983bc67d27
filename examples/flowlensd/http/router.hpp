/// \file
/// http: the table of routes, and how a request finds its handler.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace flowlensd::http {

using Handler = std::function<Response(const Request&)>;

struct Route {
  std::string pattern;  ///< `/api/v1/assets/{id}`; a segment in braces takes any one
  Handler handler;
  std::vector<std::string> parameters;  ///< of the query; others are refused
  std::string method = "GET";           ///< HEAD arrives as GET
};

/// Undoes %XX. \return nothing for a broken escape or a NUL.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

/// Immutable once built; handlers may be called from several threads at once.
class Router {
 public:
  void add(Route route);

  /// Never throws: what a handler throws becomes a problem.
  [[nodiscard]] Response handle(Request request) const noexcept;

 private:
  /// The routes of the path, one a method; those of the first pattern that fits.
  [[nodiscard]] std::vector<const Route*> find(
      const std::vector<std::string>& segments,
      std::map<std::string, std::string>& parameters) const;
  [[nodiscard]] Response answer(Request& request) const;

  struct Entry {
    Route route;
    std::vector<std::string> segments;
  };
  std::vector<Entry> entries_;
};

}  // namespace flowlensd::http
