#include "flowlens/input_source.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include "flowlens/error.hpp"

namespace flowlens {
namespace {

// Logs are written in bursts, each interface or connection at its own time.
constexpr std::size_t kFlowsToOrder = 262'144;  // of all files together, 40 MB
constexpr std::size_t kMostToOrder = 65'536;
constexpr std::size_t kLeastToOrder = 1'024;

class CaptureInput : public InputSource {
 public:
  CaptureInput(const std::filesystem::path& path, const CaptureReaderOptions& options)
      : reader_(path, options) {}
  bool next(InputItem& item) override {
    item.is_flow = false;
    return reader_.next(item.captured);
  }
  void describe(InputFile& file) const override {
    file.kind = InputKind::capture;
    file.octets_read = reader_.octets_read();
    file.capture = reader_.counters();
  }

 private:
  CaptureReader reader_;
};

class IpfixInput : public InputSource {
 public:
  explicit IpfixInput(const std::filesystem::path& path) : reader_(path) {}
  bool next(InputItem& item) override {
    item.is_flow = false;
    item.captured.is_datagram = true;
    return reader_.next(item.captured.datagram);
  }
  void describe(InputFile& file) const override {
    file.kind = InputKind::ipfix_file;
    file.octets_read = reader_.octets_read();
    file.ipfix = reader_.counters();
  }

 private:
  IpfixFileReader reader_;
};

/// Gives the flows of a log ascending by time, as far as a bounded look ahead can.
class LogInput : public InputSource {
 public:
  LogInput(const std::filesystem::path& path, const FlowLogOptions& options, std::size_t look_ahead)
      : reader_(path, options), look_ahead_(look_ahead) {}

  bool next(InputItem& item) override {
    while (waiting_.size() < look_ahead_ && read_on()) {
    }
    if (waiting_.empty()) {
      if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
      return false;
    }
    std::pop_heap(waiting_.begin(), waiting_.end(), comes_later);
    item.is_flow = true;
    item.flow = flows_[waiting_.back().slot];
    free_.push_back(waiting_.back().slot);
    waiting_.pop_back();
    return true;
  }
  void describe(InputFile& file) const override {
    file.kind = InputKind::flow_log;
    file.octets_read = reader_.octets_read();
    file.log = reader_.counters();
    file.log_format = reader_.format();
    file.log_problems = reader_.problems();
  }

 private:
  struct Waiting {
    Timestamp at;
    std::uint64_t number = 0;  ///< of equal times, the order of the log
    std::size_t slot = 0;
  };
  static bool comes_later(const Waiting& a, const Waiting& b) noexcept {
    return a.at != b.at ? a.at > b.at : a.number > b.number;
  }

  bool read_on() {
    if (is_at_end_) return false;
    try {
      is_at_end_ = !reader_.next(batch_);
    } catch (const IoError&) {
      // What came before is given out first.
      failure_ = std::current_exception();
      is_at_end_ = true;
    }
    if (is_at_end_) return false;
    for (const FlowRecord& flow : batch_.flows) wait(flow);
    return true;
  }
  void wait(const FlowRecord& flow) {
    std::size_t slot = flows_.size();
    if (free_.empty()) {
      flows_.push_back(flow);
    } else {
      slot = free_.back();
      free_.pop_back();
      flows_[slot] = flow;
    }
    waiting_.push_back({flow.received, next_number_++, slot});
    std::push_heap(waiting_.begin(), waiting_.end(), comes_later);
  }

  FlowLogReader reader_;
  std::size_t look_ahead_;
  FlowBatch batch_;
  std::vector<FlowRecord> flows_;
  std::vector<std::size_t> free_;
  std::vector<Waiting> waiting_;  ///< a heap, the earliest in front
  std::uint64_t next_number_ = 0;
  bool is_at_end_ = false;
  std::exception_ptr failure_;
};

}  // namespace

Timestamp time_of(const InputItem& item) noexcept {
  if (item.is_flow) return item.flow.received;
  return item.captured.is_datagram ? item.captured.datagram.received
                                   : item.captured.packet.captured;
}

std::unique_ptr<InputSource> open_input(const std::filesystem::path& path,
                                        const CaptureReaderOptions& options, std::size_t files) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return std::make_unique<CaptureInput>(path, options);
  }
  if (FlowLogReader::recognise(path)) {
    FlowLogOptions log;
    log.observation_point = options.observation_point;
    // A day more than now, for clocks that are off: one line of the year 2200 would end all windows.
    log.latest = std::chrono::system_clock::now() + std::chrono::days{1};
    const std::size_t look_ahead =
        std::clamp(kFlowsToOrder / std::max<std::size_t>(files, 1), kLeastToOrder, kMostToOrder);
    log.batch_flows = std::min(log.batch_flows, look_ahead);
    return std::make_unique<LogInput>(path, log, look_ahead);
  }
  if (IpfixFileReader::recognise(path)) return std::make_unique<IpfixInput>(path);
  try {
    return std::make_unique<CaptureInput>(path, options);
  } catch (const IoError& e) {
    throw IoError(std::string(e.what()) + ", an IPFIX file, or a flow log (docs/flow_logs.md)");
  }
}

}  // namespace flowlens
