/// \file
/// http: metrics of names by DNS, and of GeoIP files.
#pragma once

#include "http/families.hpp"
#include "lookups/dns_asking.hpp"
#include "pipeline/geo.hpp"

namespace flowlensd::http {

/// Nothing where it is null.
void add_dns(Families& out, const DnsAsking* dns);
void add_geo(Families& out, const Geo* geo);

}  // namespace flowlensd::http
