#include "exit_deadline.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

using namespace flowlensd;
using std::chrono::milliseconds;

namespace {

/// The exit status of a process that takes `work` to stop.
int status_of(milliseconds limit, milliseconds work) {
  const pid_t child = ::fork();
  if (child == 0) {
    {
      const ExitDeadline deadline{limit};
      std::this_thread::sleep_for(work);
    }
    std::_Exit(7);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("a process that does not get ready to end is ended") {
  CHECK(status_of(milliseconds{20}, milliseconds{600'000}) == 1);
  CHECK(status_of(milliseconds{600'000}, milliseconds{0}) == 7);
}
