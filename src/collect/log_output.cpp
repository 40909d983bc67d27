#include "collect/log_output.hpp"

#include <algorithm>
#include <utility>

#include "collect/log_text.hpp"

namespace flowlens {

std::string to_string(const FlowLogProblem& problem) {
  std::string text = std::to_string(problem.line) + ':';
  if (problem.column > 0) text += std::to_string(problem.column) + ':';
  return text + ' ' + problem.what;
}

namespace collect {
namespace {

constexpr std::size_t kMostQuoted = 60;

void put(FlowRecord& flow, const Way& way) noexcept {
  if (way.octets) {
    flow.octet_count = *way.octets;
    mark(flow, FlowField::octet_count);
  }
  if (way.packets) {
    flow.packet_count = *way.packets;
    mark(flow, FlowField::packet_count);
  }
  if (way.tcp_flags) {
    flow.tcp_flags = *way.tcp_flags;
    mark(flow, FlowField::tcp_flags);
  }
  if (way.icmp_type_code) {
    flow.icmp_type_code = *way.icmp_type_code;
    mark(flow, FlowField::icmp_type_code);
  }
}

void turn_round(FlowRecord& flow) noexcept {
  std::swap(flow.source_address, flow.destination_address);
  std::swap(flow.source_port, flow.destination_port);
  if (flow.initiator == Initiator::source) flow.initiator = Initiator::destination;
}

}  // namespace

void LogOutput::refuse(const char* at, std::string what) {
  ++counters.refused;
  if (problems.size() >= options_->max_problems) return;
  FlowLogProblem problem{line_, 0, std::move(what)};
  if (at != nullptr) {
    const std::string_view before{record_.data(), static_cast<std::size_t>(at - record_.data())};
    const auto lines = static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n'));
    problem.line += lines;
    const std::size_t into_line =
        lines == 0 ? into_line_ + before.size() : before.size() - before.rfind('\n') - 1;
    problem.column = static_cast<std::uint32_t>(into_line + 1);
  }
  problems.push_back(std::move(problem));
}

void LogOutput::give(const FlowRecord& flow) {
  ++counters.conversations;
  ++counters.flows;
  batch.flows.push_back(flow);
}

void LogOutput::give(const Conversation& conversation) {
  ++counters.conversations;
  const bool is_answered = !conversation.back.is_silent();
  if (!is_answered || !conversation.there.is_silent()) {
    put(batch.flows.emplace_back(conversation.both), conversation.there);
    ++counters.flows;
  }
  if (!is_answered) return;
  FlowRecord& flow = batch.flows.emplace_back(conversation.both);
  turn_round(flow);
  put(flow, conversation.back);
  ++counters.flows;
}

void RecordReader::fail(const Value& value, const char* name, const char* wanted) {
  if (!failed_)
    out_.refuse(value.at, std::string(name) + ": " + quoted(value.text) + " is " + wanted);
  failed_ = true;
}

void RecordReader::fail_missing(const char* name) {
  if (!failed_) out_.refuse(nullptr, std::string(name) + " is missing");
  failed_ = true;
}

std::optional<std::uint64_t> RecordReader::number(const Value& value, const char* name,
                                                  std::uint64_t most) {
  if (failed_ || !value.is_told()) return std::nullopt;
  const auto number = read_number(value.text);
  if (number && *number <= most) return number;
  const std::string wanted = "no number from 0 to " + std::to_string(most);
  fail(value, name, wanted.c_str());
  return std::nullopt;
}

std::optional<IpAddress> RecordReader::address(const Value& value, const char* name) {
  if (failed_ || !value.is_told()) return std::nullopt;
  const auto address = read_address(value.text);
  if (!address) fail(value, name, "no IP address");
  return address;
}

std::optional<Timestamp> RecordReader::plausible(Timestamp t, const Value& value,
                                                 const char* name) {
  if (out_.is_plausible(t)) return t;
  fail(value, name, "a time that is still to come");
  return std::nullopt;
}

std::optional<Timestamp> RecordReader::epoch(const Value& value, const char* name) {
  if (failed_ || !value.is_told()) return std::nullopt;
  const auto since = read_seconds(value.text);
  if (since) return plausible(Timestamp{*since}, value, name);
  fail(value, name, "no time in seconds since 1970");
  return std::nullopt;
}

std::optional<Timestamp> RecordReader::time(const Value& value, const char* name) {
  if (failed_ || !value.is_told()) return std::nullopt;
  const auto time = read_time(value.text);
  if (time) return plausible(*time, value, name);
  fail(value, name, "no time such as 2026-11-22T18:00:00Z");
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> RecordReader::seconds(const Value& value,
                                                              const char* name) {
  if (failed_ || !value.is_told()) return std::nullopt;
  const auto seconds = read_seconds(value.text);
  if (!seconds) fail(value, name, "no number of seconds");
  return seconds;
}

void RecordReader::address(const Value& value, const char* name, FlowField field, FlowRecord& flow,
                           IpAddress& to) {
  const auto told = address(value, name);
  if (!told) return;
  to = *told;
  mark(flow, field);
}

void RecordReader::port(const Value& value, const char* name, FlowField field, FlowRecord& flow,
                        std::uint16_t& to) {
  const auto told = number(value, name, 0xffff);
  if (!told) return;
  to = static_cast<std::uint16_t>(*told);
  mark(flow, field);
}

std::uint32_t domain_of(std::string_view name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  // Apart from the small numbers of observation points.
  return static_cast<std::uint32_t>(hash ^ hash >> 32) | 0x80000000u;
}

std::string plain(std::string_view text, std::size_t most) {
  std::string out(text.substr(0, most));
  for (char& c : out) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet >= 0x7f) c = '?';
  }
  return text.size() > most ? out + "..." : out;
}

std::string quoted(std::string_view text) { return '`' + plain(text, kMostQuoted) + '`'; }

}  // namespace collect
}  // namespace flowlens
