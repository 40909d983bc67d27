/// \file
/// http: metrics of a copy of the map, and of the requests between it and the process that writes.
#pragma once

#include "http/families.hpp"
#include "service.hpp"

namespace flowlensd::http {

/// Nothing where there is no copy.
void add_follower(Families& out, const Service& s);
/// Nothing where nobody can follow.
void add_followers(Families& out, const Service& s);

}  // namespace flowlensd::http
