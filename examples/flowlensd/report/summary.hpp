/// \file
/// report: what reading captures came to, for people.
#pragma once

#include <ostream>

#include "pipeline/capture_input.hpp"
#include "service.hpp"

namespace flowlensd {

void print_summary(std::ostream& out, const CaptureReport& report, const Service& service,
                   double seconds);

/// One line, rewritten, on a terminal; nothing elsewhere.
void print_progress(const CaptureReport& report, double seconds);

}  // namespace flowlensd
