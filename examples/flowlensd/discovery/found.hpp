/// \file
/// discovery: what a scan has found, told to the map.
#pragma once

#include "discovery/scans.hpp"
#include "library.hpp"

namespace flowlensd {

/// Names go to the assets that hold the addresses, as DNS says them. What the map does not know is put
/// into it where the scan was told to, with the tag `discovered`.
void tell_found(const Scan& scan, DependencyGraph& map);

}  // namespace flowlensd
