#include <algorithm>
#include <string>
#include <utility>

#include "auth/access.hpp"
#include "auth/secrets.hpp"
#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/auth_rows.hpp"
#include "http/body.hpp"
#include "http/parameters.hpp"

namespace flowlensd::http {
namespace {

constexpr std::uint64_t kMaxSequence = std::uint64_t{1} << 53;  // JSON's numbers

std::uint64_t page_size(const Service& s, const Request& request) {
  return number_parameter(request, "page_size", s.settings.default_page_size, 1,
                          s.settings.max_page_size);
}

Response list_users(const Service& s, const Request& request) {
  const std::vector<User> all = s.users->users();
  const std::size_t from = std::min<std::size_t>(cursor_parameter(request), all.size());
  const std::size_t until = std::min<std::size_t>(from + page_size(s, request), all.size());
  Json items = Json::array();
  for (std::size_t i = from; i < until; ++i) items.push_back(user_json(all[i]));
  return fresh({{"items", std::move(items)},
                {"total", all.size()},
                {"next_cursor", until < all.size() ? Json(std::to_string(until)) : Json(nullptr)}});
}

Problem unknown_user(const Request& request) {
  return {404, "Unknown user",
          "there is no user " + request.path_parameters.at("id") + "; /api/v1/users lists them"};
}

User user_of(const Service& s, const Request& request) {
  auto user = s.users->user(id_parameter(request));
  if (!user) throw unknown_user(request);
  return *user;
}

std::string password_member(const Json& body, const std::string& user_name) {
  std::string password = text_member(body, "password");
  if (const std::string problem = password_problem(password, user_name); !problem.empty()) {
    bad_body("password: " + problem);
  }
  return password;
}

Permission permission_member(const Json& body) {
  const auto permission = parse_permission(text_member(body, "permission"));
  if (!permission) bad_body("permission: give viewer, analyst or admin");
  return *permission;
}

/// Throws what people are told of an outcome that is not `done`.
void check_outcome(Outcome outcome, const Request& request) {
  switch (outcome) {
    case Outcome::done:
      return;
    case Outcome::unknown:
      throw unknown_user(request);
    case Outcome::name_taken:
      throw Problem{409, "Name taken", "there is a user of this name"};
    case Outcome::last_admin:
      throw Problem{409, "Last administrator",
                    "this is the last active administrator; make another one first"};
    case Outcome::full:
      throw Problem{409, "Too many users", "remove one first"};
  }
}

Response add_user(const Service& s, const Request& request) {
  const Json body = object_of(request, {"name", "permission", "password"});
  User user;
  user.name = user_name_of(text_member(body, "name"));
  if (user.name.empty()) {
    bad_body(
        "name: give 1 to 64 letters, digits, dots, dashes, underscores or @, a letter or "
        "digit first");
  }
  user.permission = permission_member(body);
  const bool is_drawn = !body.contains("password");
  const std::string password = is_drawn ? random_password() : password_member(body, user.name);
  user.id = random_id();
  user.password_hash = s.access->hash(password);
  user.created = user.password_changed = s.access->now();
  check_outcome(s.users->add(user), request);
  Json answer = user_json(user);
  if (is_drawn) answer["password"] = password;  // for the only time
  Response r = fresh(answer, 201);
  r.headers.emplace_back("Location", "/api/v1/users/" + user.id.to_string());
  return r;
}

Response change_user(const Service& s, const Request& request) {
  const Json body = object_of(request, {"permission", "is_active", "password"});
  const User user = user_of(s, request);
  UserChange change;
  if (body.contains("permission")) change.permission = permission_member(body);
  if (body.contains("is_active")) {
    if (!body["is_active"].is_boolean()) bad_body("is_active: give true or false");
    change.is_active = body["is_active"].get<bool>();
  }
  if (body.contains("password")) {
    change.password_hash = s.access->hash(password_member(body, user.name));
  }
  check_outcome(s.access->change(user.id, change), request);
  return fresh(user_json(user_of(s, request)));
}

Response remove_user(const Service& s, const Request& request) {
  check_outcome(s.access->remove(id_parameter(request)), request);
  Response r;
  r.status = 204;
  return r;
}

std::optional<std::string> text_parameter(const Request& request, const char* name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::nullopt : std::optional(found->second);
}

Response list_audit(const Service& s, const Request& request) {
  AuditQuery query;
  query.from = time_parameter(request, "from");
  query.until = time_parameter(request, "until");
  query.user = text_parameter(request, "user");
  query.action = text_parameter(request, "action");
  query.before = number_parameter(request, "cursor", 0, 0, kMaxSequence);
  const std::uint64_t size = page_size(s, request);
  query.limit = size + 1;  // one more tells whether there is another page
  std::vector<AuditEntry> found = s.audit->page(query);
  const bool has_more = found.size() > size;
  if (has_more) found.pop_back();
  Json items = Json::array();
  for (const AuditEntry& e : found) items.push_back(audit_json(e));
  return fresh(
      {{"items", std::move(items)},
       {"next_cursor", has_more ? Json(std::to_string(found.back().sequence)) : Json(nullptr)}});
}

}  // namespace

void add_user_routes(Router& router, const Service& s) {
  const auto add = [&](const char* method, const char* pattern, Handler handler,
                       std::vector<std::string> parameters = {}) {
    router.add({pattern, with_users(std::move(handler)), std::move(parameters), method,
                Permission::admin});
  };
  add("GET", "/api/v1/users", [&s](const Request& r) { return list_users(s, r); },
      {"page_size", "cursor"});
  add("POST", "/api/v1/users", [&s](const Request& r) { return add_user(s, r); });
  add("GET", "/api/v1/users/{id}",
      [&s](const Request& r) { return fresh(user_json(user_of(s, r))); });
  add("PATCH", "/api/v1/users/{id}", [&s](const Request& r) { return change_user(s, r); });
  add("DELETE", "/api/v1/users/{id}", [&s](const Request& r) { return remove_user(s, r); });
  add("GET", "/api/v1/audit", [&s](const Request& r) { return list_audit(s, r); },
      {"page_size", "cursor", "from", "until", "user", "action"});
}

}  // namespace flowlensd::http
