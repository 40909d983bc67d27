// Files to flows.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "handles.hpp"

namespace capi = flowlens::capi;

#ifdef FLOWLENS_CAPI_COLLECT

#include "flowlens/flow_file.hpp"

struct flowlens_reader {
  flowlens_reader(const std::vector<std::filesystem::path>& paths,
                  const flowlens::FlowFileOptions& options)
      : file(paths, options) {}
  flowlens::FlowFile file;
};

namespace {

std::vector<std::filesystem::path> paths_of(const char* const* paths, std::size_t count) {
  std::vector<std::filesystem::path> all;
  capi::require(count > 0, "there is no path");
  capi::need(paths, "paths");
  for (std::size_t i = 0; i < count; ++i) all.emplace_back(capi::need_text(paths[i], "a path"));
  return all;
}

flowlens::FlowFileOptions file_options(const flowlens_reader_options* given) {
  const auto c =
      capi::read_options(given, FLOWLENS_OLDEST(flowlens_reader_options, observation_point));
  flowlens::FlowFileOptions options;
  options.decoder = capi::decoder_options(c.decoder);
  capi::set_unless_zero(options.batch_flows, c.batch_flows);
  options.capture.observation_point = c.observation_point;
  return options;
}

}  // namespace

flowlens_status flowlens_reader_open(const char* const* paths, size_t path_count,
                                     const flowlens_reader_options* options, flowlens_reader** out,
                                     flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    return std::make_unique<flowlens_reader>(paths_of(paths, path_count), file_options(options));
  });
}

void flowlens_reader_destroy(flowlens_reader* reader) { delete reader; }

flowlens_status flowlens_reader_next(flowlens_reader* reader, flowlens_batch* batch, int* more,
                                     flowlens_error* error) {
  if (more != nullptr) *more = 0;
  return capi::guarded(error, [&] {
    int& has_more = capi::need(more, "more");
    auto& flows = capi::need(batch, "batch").batch;
    has_more = capi::need(reader, "reader").file.next(flows) ? 1 : 0;
  });
}

flowlens_status flowlens_reader_progress(const flowlens_reader* reader, uint64_t* octets_read,
                                         uint64_t* octets_total, flowlens_error* error) {
  if (octets_read != nullptr) *octets_read = 0;
  if (octets_total != nullptr) *octets_total = 0;
  return capi::guarded(error, [&] {
    const auto& file = capi::need(reader, "reader").file;
    if (octets_read != nullptr) *octets_read = file.octets_read();
    if (octets_total != nullptr) *octets_total = file.octets_total();
  });
}

flowlens_status flowlens_reader_now(const flowlens_reader* reader, int64_t* now_ns,
                                    flowlens_error* error) {
  if (now_ns != nullptr) *now_ns = 0;
  return capi::guarded(error, [&] {
    const auto& file = capi::need(reader, "reader").file;
    capi::need(now_ns, "now_ns") = flowlens::to_unix_ns(file.now());
  });
}

flowlens_status flowlens_reader_problems(const flowlens_reader* reader, flowlens_buffer** out,
                                         flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    std::string lines;
    for (const flowlens::InputFile& file : capi::need(reader, "reader").file.files()) {
      if (!file.problem.empty()) lines += file.path.string() + ": " + file.problem + '\n';
    }
    return capi::buffer_of(lines);
  });
}

#else

struct flowlens_reader {};

namespace {

[[noreturn]] void not_built() {
  throw capi::Refused{FLOWLENS_NOT_BUILT,
                      "this library was built without collect, which reads files"};
}

}  // namespace

flowlens_status flowlens_reader_open(const char* const*, size_t, const flowlens_reader_options*,
                                     flowlens_reader** out, flowlens_error* error) {
  return capi::guarded_make(out, error, []() -> std::unique_ptr<flowlens_reader> { not_built(); });
}

void flowlens_reader_destroy(flowlens_reader*) {}

flowlens_status flowlens_reader_next(flowlens_reader*, flowlens_batch*, int* more,
                                     flowlens_error* error) {
  if (more != nullptr) *more = 0;
  return capi::guarded(error, not_built);
}

flowlens_status flowlens_reader_progress(const flowlens_reader*, uint64_t* octets_read,
                                         uint64_t* octets_total, flowlens_error* error) {
  if (octets_read != nullptr) *octets_read = 0;
  if (octets_total != nullptr) *octets_total = 0;
  return capi::guarded(error, not_built);
}

flowlens_status flowlens_reader_now(const flowlens_reader*, int64_t* now_ns,
                                    flowlens_error* error) {
  if (now_ns != nullptr) *now_ns = 0;
  return capi::guarded(error, not_built);
}

flowlens_status flowlens_reader_problems(const flowlens_reader*, flowlens_buffer** out,
                                         flowlens_error* error) {
  return capi::guarded_make(out, error, []() -> std::unique_ptr<flowlens_buffer> { not_built(); });
}

#endif
