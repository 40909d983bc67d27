#include "flowlens/flow_log_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <variant>

#include "collect/json_logs.hpp"
#include "collect/json_objects.hpp"
#include "collect/log_output.hpp"
#include "collect/log_source.hpp"
#include "collect/log_text.hpp"
#include "collect/vpc_log.hpp"
#include "collect/zeek_log.hpp"
#include "flowlens/error.hpp"

namespace flowlens {
namespace {

using namespace collect;

constexpr std::size_t kFirstLook = 64u << 10;
constexpr std::size_t kLeastRecord = 1u << 10;

struct KeyOfFormat {
  std::string_view key;
  ExportProtocol format;
};
/// Names that records of one format have and those of others do not.
constexpr KeyOfFormat kKeys[] = {
    {"\"event_type\"", ExportProtocol::suricata_log},
    {"\"flowRecords\"", ExportProtocol::azure_vnet_log},
    {"\"jsonPayload\"", ExportProtocol::gcp_vpc_log},
    {"\"logName\"", ExportProtocol::gcp_vpc_log},
    {"\"id.orig_h\"", ExportProtocol::zeek_log},
    {"\"orig_h\"", ExportProtocol::zeek_log},
};

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view without_mark(std::string_view text) noexcept {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

std::string_view first_line(std::string_view text) noexcept {
  std::string_view line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_json(std::string_view text) noexcept {
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && (text[at] == '{' || text[at] == '[');
}

/// The first key decides: what stands further on may be a text of somebody else's.
std::optional<ExportProtocol> recognise_json(std::string_view text) noexcept {
  std::optional<ExportProtocol> format;
  std::size_t first = text.size();
  for (const KeyOfFormat& k : kKeys) {
    const std::size_t at = text.find(k.key);
    if (at >= first) continue;
    first = at;
    format = k.format;
  }
  return format;
}

bool is_zeek_header(std::string_view text) noexcept {
  while (text.starts_with('#')) {
    if (text.starts_with("#fields") || text.starts_with("#separator ")) return true;
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  return false;
}

bool is_default_vpc(std::string_view line) noexcept {
  std::array<std::string_view, 15> fields;
  if (split(line, ' ', fields) != 14 || fields[0] != "2") return false;
  return fields[13] == "OK" || fields[13] == "NODATA" || fields[13] == "SKIPDATA";
}

std::optional<ExportProtocol> recognise_text(std::string_view text) noexcept {
  text = without_mark(text);
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  if (is_json(text)) return recognise_json(text);
  if (is_zeek_header(text)) return ExportProtocol::zeek_log;
  const std::string_view line = without_time_prefix(first_line(text));
  if (VpcFormat::is_header(line) || is_default_vpc(line)) return ExportProtocol::aws_vpc_log;
  return std::nullopt;
}

std::string what_it_is(std::string_view text) {
  if (text.find("NetworkSecurityGroupFlowEvent") != std::string_view::npos) {
    return "is a flow log of an Azure network security group; those of virtual networks are read";
  }
  return "is no flow log: AWS VPC (with its header line, or in the default format), Azure virtual "
         "network, GCP VPC, Zeek conn.log and Suricata EVE are";
}

/// Whether the line is one object, as its brackets say.
bool is_object(std::string_view line) noexcept {
  if (!line.starts_with('{')) return false;
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
      continue;
    }
    if (c == '"') in_text = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
  }
  return depth == 0 && !in_text;
}

/// A whole object in one of the first lines: then each line is one, and a bad one costs no other. Lines
/// within an object are indented, or hold parts of it.
bool has_object_a_line(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::string_view line = first_line(text);
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return false;
    if (is_object(line)) return true;
    text.remove_prefix(end + 1);
  }
  return false;
}

/// Brackets around a record.
std::size_t depth_of_records(std::string_view text, ExportProtocol format) noexcept {
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  if (at != std::string_view::npos && text[at] == '[') return 1;
  if (format != ExportProtocol::azure_vnet_log) return 0;
  return text.find("\"records\"") < text.find("\"flowRecords\"") ? 2 : 0;
}

std::unique_ptr<JsonLog> json_log(ExportProtocol format) {
  switch (format) {
    case ExportProtocol::azure_vnet_log:
      return azure_log();
    case ExportProtocol::gcp_vpc_log:
      return gcp_log();
    case ExportProtocol::suricata_log:
      return suricata_log();
    default:
      return zeek_json_log();
  }
}

/// JSON, an object a line.
struct JsonLines {
  std::unique_ptr<JsonLog> log;
  void read(std::string_view line, LogOutput& out) const {
    if (line.find_first_not_of(" \t") != std::string_view::npos) log->read(line, out);
  }
};

/// JSON, objects anywhere.
struct JsonDocument {
  std::unique_ptr<JsonLog> log;
  JsonObjects objects;
};

using Content = std::variant<VpcLines, ZeekLines, JsonLines, JsonDocument>;

}  // namespace

struct FlowLogReader::Impl {
  std::string path;
  FlowLogOptions options;
  LogSource source;
  LogOutput out;
  ExportProtocol format = ExportProtocol::aws_vpc_log;
  Content content;
  std::size_t handed_out = 0;  ///< of the flows in `out`
  std::string failure;         ///< told once what came before it was handed out
  bool is_at_end = false;

  Impl(const std::filesystem::path& file, const FlowLogOptions& o)
      : path(file.string()),
        options(checked(o)),
        source(file, o.max_record),
        out(options),
        content(open()) {}

  static const FlowLogOptions& checked(const FlowLogOptions& o) {
    if (o.batch_flows < 2) throw ConfigError("FlowLogOptions::batch_flows must be 2 or more");
    if (o.max_record < kLeastRecord) {
      throw ConfigError("FlowLogOptions::max_record must be " + std::to_string(kLeastRecord) +
                        " or more");
    }
    return o;
  }

  Content open() {
    const std::string_view text = without_mark(source.peek(kFirstLook));
    auto found = recognise_text(text);
    if (!found && !options.vpc_format.empty() && !is_json(text)) {
      found = ExportProtocol::aws_vpc_log;
    }
    if (!found) throw IoError(path + ' ' + what_it_is(text));
    format = *found;
    if (is_json(text)) return open_json(text);
    if (format == ExportProtocol::zeek_log) return open_zeek(text);
    return open_vpc(first_line(text));
  }
  Content open_json(std::string_view text) {
    const std::size_t depth = depth_of_records(text, format);
    if (depth == 0 && has_object_a_line(text)) return JsonLines{json_log(format)};
    return JsonDocument{json_log(format), JsonObjects(source, depth, path)};
  }
  Content open_zeek(std::string_view text) const {
    // Another log of Zeek's is found out before anything is read of it.
    ZeekLines lines;
    FlowLogOptions one_problem = options;
    one_problem.max_problems = 1;
    LogOutput trial(one_problem);
    std::uint64_t number = 0;
    while (text.starts_with('#')) {
      const std::string_view line = first_line(text);
      trial.begin(line, ++number);
      lines.read(line, trial);
      if (!trial.problems.empty()) throw IoError(path + ':' + to_string(trial.problems.front()));
      const std::size_t end = text.find('\n');
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return ZeekLines();
  }
  Content open_vpc(std::string_view line) const {
    const std::string_view record = without_time_prefix(line);
    const bool has_time_prefix = record.size() != line.size();
    if (!VpcFormat::is_header(record)) {
      return VpcLines(VpcFormat(options.vpc_format, "vpc_format"), has_time_prefix);
    }
    try {
      return VpcLines(VpcFormat(record, path + ":1"), has_time_prefix);
    } catch (const ConfigError& e) {
      throw IoError(e.what());
    }
  }

  template <typename Lines>
  bool read_line(Lines& lines) {
    std::string_view line;
    const LogSource::Line found = source.next_line(line);
    if (found == LogSource::Line::end) return false;
    if (source.line_number() == 1) line = without_mark(line);
    out.begin(line, source.line_number());
    if (found == LogSource::Line::good) {
      lines.read(line, out);
    } else {
      ++out.counters.records;
      out.refuse(nullptr, "a line of more than " + std::to_string(options.max_record) + " octets");
    }
    return true;
  }
  bool read_object(JsonDocument& document) {
    std::string_view object;
    if (!document.objects.next(object, out)) return false;
    document.log->read(object, out);
    return true;
  }

  /// Until there are enough flows, or the file ends.
  void read_on() {
    const auto read = [this](auto& lines) {
      const auto one = [&] {
        if constexpr (std::is_same_v<decltype(lines), JsonDocument&>) {
          return read_object(lines);
        } else {
          return read_line(lines);
        }
      };
      try {
        while (out.batch.flows.size() < options.batch_flows && one()) {
        }
        is_at_end = out.batch.flows.size() < options.batch_flows;
      } catch (const IoError& e) {
        is_at_end = true;
        failure = e.what();
      }
    };
    std::visit(read, content);
    out.counters.octets = source.offset();
  }

  /// One record may have given more flows than a batch holds.
  bool hand_out(FlowBatch& batch) {
    const std::size_t left = out.batch.flows.size() - handed_out;
    if (handed_out == 0 && left <= options.batch_flows) {
      std::swap(batch.flows, out.batch.flows);
      out.batch.clear();
      return !batch.flows.empty();
    }
    const std::size_t end = handed_out + std::min(left, options.batch_flows);
    batch.append(out.batch, handed_out, end);
    handed_out = end;
    if (handed_out == out.batch.flows.size()) {
      out.batch.clear();
      handed_out = 0;
    }
    return true;
  }
};

FlowLogReader::FlowLogReader(const std::filesystem::path& path, const FlowLogOptions& options)
    : impl_(std::make_unique<Impl>(path, options)) {}
FlowLogReader::~FlowLogReader() = default;

std::optional<ExportProtocol> FlowLogReader::recognise(const std::filesystem::path& path) {
  LogSource source(path, kFirstLook);
  return recognise_text(source.peek(kFirstLook));
}

bool FlowLogReader::next(FlowBatch& batch) {
  batch.clear();
  if (impl_->out.batch.flows.empty() && !impl_->is_at_end) impl_->read_on();
  if (impl_->hand_out(batch)) return true;
  if (!impl_->failure.empty()) throw IoError(std::exchange(impl_->failure, {}));
  return false;
}

ExportProtocol FlowLogReader::format() const noexcept { return impl_->format; }
const FlowLogCounters& FlowLogReader::counters() const noexcept { return impl_->out.counters; }
std::uint64_t FlowLogReader::octets_read() const noexcept { return impl_->source.octets_read(); }
const std::vector<FlowLogProblem>& FlowLogReader::problems() const noexcept {
  return impl_->out.problems;
}

}  // namespace flowlens
