/// \file
/// Logs for tests: written to a file, read back as lines that a test can state.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/error.hpp"
#include "flowlens/flow_log_reader.hpp"
#include "support/temporary_folder.hpp"

template <>
struct doctest::StringMaker<std::vector<std::string>> {
  static String convert(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + '\n';
    return text.c_str();
  }
};

namespace flowlens::test {

inline std::string gzipped(std::string_view text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

/// A log in a folder of its own.
class LogFile {
 public:
  explicit LogFile(std::string_view text) { std::ofstream(path(), std::ios::binary) << text; }
  [[nodiscard]] std::filesystem::path path() const { return folder_.path / "log"; }

 private:
  TemporaryFolder folder_;
};

/// What a flow says, in one line: `10.0.0.1:40000>10.0.0.2:443 6 840/10 …`.
inline std::string shown(const FlowRecord& f) {
  const auto end = [&](const IpAddress& a, std::uint16_t port, FlowField field) {
    return a.to_string() + (f.has(field) ? ':' + std::to_string(port) : "");
  };
  const auto count = [&](FlowField field, std::uint64_t n) {
    return f.has(field) ? std::to_string(n) : std::string("-");
  };
  std::string text = end(f.source_address, f.source_port, FlowField::source_port) + '>' +
                     end(f.destination_address, f.destination_port, FlowField::destination_port) +
                     ' ' + std::to_string(f.protocol) + ' ' +
                     count(FlowField::octet_count, f.octet_count) + '/' +
                     count(FlowField::packet_count, f.packet_count);
  if (f.has(FlowField::tcp_flags)) text += " flags " + std::to_string(f.tcp_flags);
  if (f.has(FlowField::icmp_type_code)) text += " icmp " + std::to_string(f.icmp_type_code);
  if (f.initiator == Initiator::source) text += " by source";
  if (f.initiator == Initiator::destination) text += " by destination";
  if (f.kind == FlowKind::denied) text += " denied";
  return text;
}

struct ReadLog {
  FlowLogCounters counters;
  std::vector<FlowRecord> flows;
  std::vector<std::string> problems;
  std::string error;  ///< thrown at the end, without the path
  ExportProtocol format = ExportProtocol::ipfix;

  [[nodiscard]] std::vector<std::string> shown() const {
    std::vector<std::string> out;
    for (const FlowRecord& f : flows) out.push_back(test::shown(f));
    return out;
  }
};

inline ReadLog read_log(const LogFile& file, const FlowLogOptions& options = {}) {
  ReadLog found;
  FlowLogReader reader(file.path(), options);
  FlowBatch batch;
  try {
    while (reader.next(batch)) {
      CHECK(!batch.flows.empty());
      CHECK(batch.flows.size() <= options.batch_flows);
      found.flows.insert(found.flows.end(), batch.flows.begin(), batch.flows.end());
    }
  } catch (const IoError& e) {
    found.error = e.what();
    const std::string path = file.path().string();
    if (found.error.starts_with(path)) found.error.erase(0, path.size());
  }
  found.counters = reader.counters();
  found.format = reader.format();
  for (const FlowLogProblem& p : reader.problems()) found.problems.push_back(to_string(p));
  const FlowLogCounters& c = found.counters;
  CHECK(c.flows == found.flows.size());
  CHECK(c.records ==
        c.conversations + c.no_data + c.skipped_data + c.beginnings + c.others + c.refused);
  for (const FlowRecord& f : found.flows) {
    CHECK(f.start <= f.end);
    CHECK(f.received == f.end);
    CHECK(f.sampling_rate == 1);
    CHECK(f.export_protocol == found.format);
  }
  return found;
}
inline ReadLog read_log(std::string_view text, const FlowLogOptions& options = {}) {
  const LogFile file(text);
  return read_log(file, options);
}

/// What the reader says against a file, without its path.
inline std::string refusal(std::string_view text, const FlowLogOptions& options = {}) {
  const LogFile file(text);
  try {
    (void)FlowLogReader(file.path(), options);
  } catch (const Error& e) {
    std::string what = e.what();
    const std::string path = file.path().string();
    if (what.starts_with(path)) what.erase(0, path.size());
    return what;
  }
  return "";
}

using Lines = std::vector<std::string>;

}  // namespace flowlens::test
