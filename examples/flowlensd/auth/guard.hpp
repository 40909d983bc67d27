/// \file
/// auth: what stands before every route, and what is noted behind it.
#pragma once

#include "auth/access.hpp"
#include "http/router.hpp"

namespace flowlensd {

/// Lets through who may have the route: 401 for those who do not say who they are, 403 for those who may not.
/// Routes of Permission::anonymous ask nobody.
/// \param access  outlives the guard.
[[nodiscard]] http::Guard make_guard(Access& access);

/// Records every request that changes something, by whom it is known; log-ins record themselves.
/// \param audit, access  outlive the witness.
[[nodiscard]] http::Witness make_witness(AuditLog& audit, const Access& access);

/// The credential of `Authorization: Bearer`; empty: none.
[[nodiscard]] std::string_view bearer_of(const http::Request& request);

}  // namespace flowlensd
