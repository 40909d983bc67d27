#include "flowlens/flow_file.hpp"

#include <system_error>

#include "flowlens/error.hpp"
#include "flowlens/input_merge.hpp"

namespace flowlens {
namespace {

// Some tenths of a second: who waits for flows that do not come can show progress, or stop.
constexpr std::size_t kMostItems = 262'144;

const std::vector<std::filesystem::path>& checked(const std::vector<std::filesystem::path>& paths,
                                                  const FlowFileOptions& options) {
  if (paths.empty()) throw ConfigError("no file to read flows from was named");
  if (options.batch_flows == 0) throw ConfigError("FlowFileOptions::batch_flows must be 1 or more");
  return paths;
}

std::uint64_t size_of_all(const std::vector<std::filesystem::path>& paths) {
  std::uint64_t total = 0;
  for (const auto& path : paths) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return 0;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error) return 0;
    total += size;
  }
  return total;
}

}  // namespace

struct FlowFile::Impl {
  std::size_t batch_flows;
  InputMerge input;
  Decoder decoder;
  FlowFileCounters counters;
  Timestamp now;
  std::uint64_t octets_total;
  InputItem item;

  Impl(const std::vector<std::filesystem::path>& paths, const FlowFileOptions& options)
      : batch_flows(options.batch_flows),
        input(checked(paths, options), options.capture),
        decoder(options.decoder),
        octets_total(size_of_all(paths)) {}

  void take(FlowBatch& batch) {
    now = std::max(now, time_of(item));
    if (item.is_flow) {
      ++counters.logged;
      batch.flows.push_back(item.flow);
    } else if (item.captured.is_datagram) {
      const ReceivedDatagram& d = item.captured.datagram;
      ++counters.datagrams;
      if (!decoder.decode(d.octets, d.session, d.received, batch).clean()) {
        ++counters.unclean_datagrams;
      }
    } else {
      ++counters.packets;
      decoder.decode(item.captured.packet, batch);
    }
  }
};

FlowFile::FlowFile(const std::vector<std::filesystem::path>& paths, const FlowFileOptions& options)
    : impl_(std::make_unique<Impl>(paths, options)) {}
FlowFile::FlowFile(const std::filesystem::path& path, const FlowFileOptions& options)
    : FlowFile(std::vector{path}, options) {}
FlowFile::~FlowFile() = default;
FlowFile::FlowFile(FlowFile&&) noexcept = default;
FlowFile& FlowFile::operator=(FlowFile&&) noexcept = default;

bool FlowFile::next(FlowBatch& batch) {
  batch.clear();
  std::size_t items = 0;
  while (items < kMostItems && batch.flows.size() < impl_->batch_flows &&
         batch.nat_events.size() < impl_->batch_flows && impl_->input.next(impl_->item)) {
    impl_->take(batch);
    ++items;
  }
  impl_->counters.flows += batch.flows.size();
  return items > 0;
}

Timestamp FlowFile::now() const noexcept { return impl_->now; }
const FlowFileCounters& FlowFile::counters() const noexcept { return impl_->counters; }
std::vector<InputFile> FlowFile::files() const { return impl_->input.files(); }
std::uint64_t FlowFile::octets_total() const noexcept { return impl_->octets_total; }
const Decoder& FlowFile::decoder() const noexcept { return impl_->decoder; }

std::uint64_t FlowFile::octets_read() const {
  std::uint64_t sum = 0;
  for (const InputFile& file : files()) sum += file.octets_read;
  return sum;
}

}  // namespace flowlens
