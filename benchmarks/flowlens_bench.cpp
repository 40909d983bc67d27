// flowlens-bench: what each stage costs per record, on one core (see --help).
#include <malloc.h>

#include <cstdio>
#include <exception>

#include "conditions.hpp"
#include "input.hpp"
#include "options.hpp"
#include "report.hpp"
#include "stages.hpp"

namespace {

using namespace flowlens::bench;

/// What one repetition frees serves the next, as in a daemon that has run for a while: the kernel
/// does not give and clear the same pages again each time.
void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, -1);
}

int run(const Options& options) {
  keep_freed_memory();
  const std::vector<Workload> workloads = load(options);
  if (workloads.empty()) {
    std::fputs("flowlens-bench: no datagram of a known protocol in the input\n", stderr);
    return 1;
  }
  Conditions now = conditions(pin_to_core(options.core));
  std::vector<WorkloadFigures> figures;
  bool balanced = true;
  for (const Workload& workload : workloads) {
    figures.push_back(measure(workload, options.repetitions, options.decode_only));
    balanced = balanced && figures.back().ledgers_balanced;
  }
  now.load_after = load_average();
  const std::string text = options.json ? as_json(now, figures, options.repetitions)
                                        : as_table(now, figures, options.repetitions);
  std::fputs(text.c_str(), stdout);
  return balanced ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const Options options = parse_options(count, arguments);
    if (options.help) {
      std::fputs(usage().data(), stdout);
      return 0;
    }
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flowlens-bench: %s\n", error.what());
    return 2;
  }
}
