// flowlens-bench-read numpy|arrow FILE: what python_read.py measures Python against, in C++: a file to batches, a
// column of each added up; or a file to Arrow batches, each let go of.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "flowlens/arrow.hpp"
#include "flowlens/error.hpp"
#include "flowlens/flow_file.hpp"

namespace {

using namespace flowlens;

struct Sum {
  std::uint64_t flows = 0;
  std::uint64_t octets = 0;
};

Sum to_batches(const char* path) {
  FlowFile file{std::filesystem::path{path}};
  Sum sum;
  for (FlowBatch batch; file.next(batch);) {
    sum.flows += batch.flows.size();
    for (const FlowRecord& flow : batch.flows) sum.octets += flow.octet_count;
  }
  return sum;
}

Sum to_arrow(const char* path) {
  auto file = std::make_shared<FlowFile>(std::filesystem::path{path});
  ArrowArrayStream stream;
  export_flows([file](FlowBatch& batch) { return file->next(batch); }, {}, &stream);
  Sum sum;
  ArrowArray array;
  while (stream.get_next(&stream, &array) == 0 && array.release != nullptr) {
    sum.flows += static_cast<std::uint64_t>(array.length);
    array.release(&array);
  }
  stream.release(&stream);
  return sum;
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc == 3 ? argv[1] : "";
  if (mode != "numpy" && mode != "arrow") {
    std::fputs("usage: flowlens-bench-read numpy|arrow FILE\n", stderr);
    return 2;
  }
  try {
    const auto begin = std::chrono::steady_clock::now();
    const double cpu = cpu_seconds();
    const Sum sum = mode == "numpy" ? to_batches(argv[2]) : to_arrow(argv[2]);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    std::printf("{\"flows\": %llu, \"octets\": %llu, \"wall\": %.3f, \"cpu\": %.3f}\n",
                static_cast<unsigned long long>(sum.flows),
                static_cast<unsigned long long>(sum.octets), wall.count(), cpu_seconds() - cpu);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
