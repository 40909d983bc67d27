/// \file
/// http: metrics of the sources of facts.
#pragma once

#include "http/families.hpp"
#include "service.hpp"

namespace flowlensd::http {

/// One row for each kind of source, however many files or accounts of it there are.
/// \param lookups  null: this process looks nothing up.
void add_lookups(Families& out, const Lookups* lookups);

}  // namespace flowlensd::http
