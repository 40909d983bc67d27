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

/// Which process answers, where one follows and another writes the map: from the copy that every one has, or
/// the Resolver's, whose state no other has.
enum class AnsweredAt : std::uint8_t { copy, resolver };

struct Route {
  std::string pattern;  ///< `/api/v1/assets/{id}`; a segment in braces takes any one
  Handler handler;
  std::vector<std::string> parameters;  ///< of the query; others are refused
  std::string method = "GET";           ///< HEAD arrives as GET
  /// Nothing: a viewer's for GET, an analyst's for what changes something.
  std::optional<Permission> asked_permission{};
  bool takes_csv = false;  ///< bodies of type text/csv, besides JSON
  /// Nothing: at the copy for GET, and for questions with a body, which a viewer may ask.
  std::optional<AnsweredAt> asked_place{};

  [[nodiscard]] Permission permission() const {
    return asked_permission.value_or(method == "GET" ? Permission::viewer : Permission::analyst);
  }
  [[nodiscard]] AnsweredAt place() const {
    const bool only_asks = method == "GET" || permission() <= Permission::viewer;
    return asked_place.value_or(only_asks ? AnsweredAt::copy : AnsweredAt::resolver);
  }
};

/// Says who asks, in Request::caller, and throws Problem where that one may not have the route.
using Guard = std::function<void(Request&, const Route&)>;

/// Sees what became of a request that had a route, refused ones too.
using Witness = std::function<void(const Request&, const Route&, const Response&)>;

/// Has the Resolver answer in place of the handler. May throw Problem.
using Forward = std::function<Response(const Request&)>;

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
  /// For a process that follows: called after the guard, for routes that are answered at the Resolver.
  void set_forward(Forward forward) { forward_ = std::move(forward); }
  /// Routes added from now on that name no place are answered there; nothing: as Route::place() says.
  void set_place(std::optional<AnsweredAt> place) { place_ = place; }
  /// All of them, for what is generated from the table.
  [[nodiscard]] std::vector<const Route*> routes() const;

  /// Never throws: what a handler throws becomes a problem.
  [[nodiscard]] Response handle(Request request) const noexcept;
  /// The same for a request that another process has let pass, in the name of its `caller`: without guard and
  /// witness.
  [[nodiscard]] Response run(Request request) const noexcept;

 private:
  /// The routes of the path, one a method; those of the first pattern that fits.
  [[nodiscard]] std::vector<const Route*> find(
      const std::vector<std::string>& segments,
      std::map<std::string, std::string>& parameters) const;
  [[nodiscard]] Response answer(Request& request, bool is_checked) const;
  [[nodiscard]] Response handle(Request& request, bool is_checked) const noexcept;
  /// What the handler says, or why it may not be asked.
  [[nodiscard]] Response answer_by(const Route& route, Request& request, std::string_view query,
                                   bool is_checked) const;

  struct Entry {
    Route route;
    std::vector<std::string> segments;
  };
  std::vector<Entry> entries_;
  std::optional<AnsweredAt> place_;
  Guard guard_;
  Witness witness_;
  std::function<std::string()> view_;
  Forward forward_;
};

}  // namespace flowlensd::http
