/// \file
/// http: users, sessions, API tokens and the audit as JSON. No secret is among it.
#pragma once

#include <functional>

#include "auth/auth_store.hpp"
#include "http/router.hpp"
#include "http/rows.hpp"

namespace flowlensd::http {

[[nodiscard]] Json user_json(const User& user);
/// \param own  the session that asks.
[[nodiscard]] Json session_json(const Session& session, const Id& own);
[[nodiscard]] Json token_json(const ApiToken& token);
[[nodiscard]] Json audit_json(const AuditEntry& entry);

/// The handler, its answers kept by nobody, and 503 where the store of users does not answer.
[[nodiscard]] Handler with_users(Handler handler);

}  // namespace flowlensd::http
