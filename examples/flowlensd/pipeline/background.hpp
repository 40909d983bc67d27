/// \file
/// pipeline: threads whose work can wait.
#pragma once

namespace flowlensd {

/// Lets this thread give way, for good, to those that must keep up with the network: what a full queue
/// leaves out is lost, what comes later is only late. A wish: where the system has no such thing, nothing.
void work_in_background() noexcept;

}  // namespace flowlensd
