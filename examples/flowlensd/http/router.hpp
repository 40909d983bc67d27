/// \file
/// http: the table of routes, and how a request finds its handler.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace flowlensd::http {

using Handler = std::function<Response(const Request&)>;

struct Route {
  std::string pattern;  ///< `/api/v1/assets/{id}`; a segment in braces takes any one
  Handler handler;
  std::vector<std::string> parameters;  ///< of the query; others are refused
  std::string method = "GET";           ///< HEAD arrives as GET
  /// Nothing: a viewer's for GET, an analyst's for what changes something.
  std::optional<Permission> asked_permission{};
  bool takes_csv = false;  ///< bodies of type text/csv, besides JSON

  [[nodiscard]] Permission permission() const {
    return asked_permission.value_or(method == "GET" ? Permission::viewer : Permission::analyst);
  }
};

/// Says who asks, in Request::caller, and throws Problem where that one may not have the route.
using Guard = std::function<void(Request&, const Route&)>;

/// Sees what became of a request that had a route, refused ones too.
using Witness = std::function<void(const Request&, const Route&, const Response&)>;

/// Undoes %XX. \return nothing for a broken escape or a NUL.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

/// Immutable once built; handlers may be called from several threads at once.
class Router {
 public:
  void add(Route route);
  /// Called for each request that has a route, before its handler. Without one everybody may do everything.
  void set_guard(Guard guard) { guard_ = std::move(guard); }
  void set_witness(Witness witness) { witness_ = std::move(witness); }
  /// Asked for each request: Request::shown_dependencies.
  void set_view(std::function<std::string()> view) { view_ = std::move(view); }
  /// All of them, for what is generated from the table.
  [[nodiscard]] std::vector<const Route*> routes() const;

  /// Never throws: what a handler throws becomes a problem.
  [[nodiscard]] Response handle(Request request) const noexcept;

 private:
  /// The routes of the path, one a method; those of the first pattern that fits.
  [[nodiscard]] std::vector<const Route*> find(
      const std::vector<std::string>& segments,
      std::map<std::string, std::string>& parameters) const;
  [[nodiscard]] Response answer(Request& request) const;
  /// What the handler says, or why it may not be asked.
  [[nodiscard]] Response answer_by(const Route& route, Request& request,
                                   std::string_view query) const;

  struct Entry {
    Route route;
    std::vector<std::string> segments;
  };
  std::vector<Entry> entries_;
  Guard guard_;
  Witness witness_;
  std::function<std::string()> view_;
};

}  // namespace flowlensd::http
