#include "pipeline/background.hpp"

#ifdef __linux__
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace flowlensd {

void work_in_background() noexcept {
#ifdef __linux__
  constexpr int kNice = 10;  // of a thread alone, as Linux does it
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice));
#endif
}

}  // namespace flowlensd
