/// \file
/// The daemon speaks the library's language: its names are known here without a prefix.
#pragma once

#include "flowlens/flowlens.hpp"

namespace flowlensd {
using namespace flowlens;   // NOLINT: an application, not a header for others
using flowlens::to_string;  // beside our own overloads
}  // namespace flowlensd
