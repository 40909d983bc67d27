#include "collect/zeek_log.hpp"

#include <algorithm>
#include <charconv>

#include "collect/log_text.hpp"
#include "collect/protocol_names.hpp"

namespace flowlens::collect {

constexpr std::array<std::string_view, kZeekFields> kZeekNames = {
    "ts",      "id.orig_h", "id.orig_p",     "id.resp_h",  "id.resp_p",
    "proto",   "duration",  "orig_bytes",    "resp_bytes", "conn_state",
    "history", "orig_pkts", "orig_ip_bytes", "resp_pkts",  "resp_ip_bytes",
    "vlan",    "ip_proto",  "_path"};

namespace {

constexpr std::uint8_t kNowhere = 0xff;
constexpr std::uint8_t kIcmp = 1, kTcp = 6, kIcmpV6 = 58;
constexpr std::size_t kOrigin = 0, kResponder = 1;

class ZeekConnection {
 public:
  ZeekConnection(const ZeekValues& values, LogOutput& out)
      : values_(values), out_(out), reader_(out) {}

  void give() {
    // Other logs of one sensor may share a stream with this one.
    if (told(ZeekField::path).is_told() && told(ZeekField::path).text != "conn") {
      ++out_.counters.others;
      return;
    }
    flow_.export_protocol = ExportProtocol::zeek_log;
    flow_.sampling_source = SamplingSource::record;  // nothing is left out
    flow_.observation_domain = out_.options().observation_point;
    if (!read_protocol()) return;
    read_ends();
    read_times();
    read_way(c_.there, ZeekField::orig_pkts, ZeekField::orig_ip_bytes, ZeekField::orig_bytes);
    read_way(c_.back, ZeekField::resp_pkts, ZeekField::resp_ip_bytes, ZeekField::resp_bytes);
    if (flow_.protocol == kTcp) read_history();
    flow_.initiator = is_origin_sure() ? Initiator::source : Initiator::not_stated;
    flow_.counter_source = CounterSource::delta;
    if (!reader_.failed()) out_.give(c_);
  }

 private:
  [[nodiscard]] const Value& told(ZeekField field) const noexcept {
    return values_[static_cast<std::size_t>(field)];
  }
  [[nodiscard]] static const char* name(ZeekField field) noexcept {
    return kZeekNames[static_cast<std::size_t>(field)].data();
  }
  [[nodiscard]] const Value& needed(ZeekField field) {
    if (!told(field).is_told()) reader_.fail_missing(name(field));
    return told(field);
  }

  /// \return false if there is none that has a number.
  bool read_protocol() {
    const Value& number = told(ZeekField::ip_proto);
    const Value& proto = needed(ZeekField::proto);
    if (reader_.failed()) return false;
    std::optional<std::uint64_t> protocol;
    if (number.is_told()) {
      protocol = reader_.number(number, "ip_proto", 0xff);
    } else {
      protocol = protocol_number(proto.text);
      if (protocol == kIcmp && told(ZeekField::orig_h).text.find(':') != std::string_view::npos) {
        protocol = kIcmpV6;
      }
      if (!protocol) ++out_.counters.others;  // unknown_transport
    }
    if (!protocol) return false;
    flow_.protocol = static_cast<std::uint8_t>(*protocol);
    mark(flow_, FlowField::protocol);
    return true;
  }

  void read_ends() {
    reader_.address(needed(ZeekField::orig_h), name(ZeekField::orig_h), FlowField::source_address,
                    flow_, flow_.source_address);
    reader_.address(needed(ZeekField::resp_h), name(ZeekField::resp_h),
                    FlowField::destination_address, flow_, flow_.destination_address);
    if (const auto vlan = reader_.number(told(ZeekField::vlan), "vlan", 0xfff)) {
      flow_.vlan_id = static_cast<std::uint16_t>(*vlan);
      mark(flow_, FlowField::vlan_id);
    }
    if (flow_.protocol == kIcmp || flow_.protocol == kIcmpV6) {
      read_icmp();
      return;
    }
    reader_.port(told(ZeekField::orig_p), name(ZeekField::orig_p), FlowField::source_port, flow_,
                 flow_.source_port);
    reader_.port(told(ZeekField::resp_p), name(ZeekField::resp_p), FlowField::destination_port,
                 flow_, flow_.destination_port);
  }

  /// In place of ports: the type there, and the type back of those that are answered, else the code.
  void read_icmp() {
    const auto type = reader_.number(told(ZeekField::orig_p), name(ZeekField::orig_p), 0xff);
    const auto other = reader_.number(told(ZeekField::resp_p), name(ZeekField::resp_p), 0xff);
    if (!type || !other) return;
    const bool is_echo = flow_.protocol == kIcmp ? *type == 8 : *type == 128;
    c_.there.icmp_type_code = static_cast<std::uint16_t>(*type << 8 | (is_echo ? 0 : *other));
    if (is_echo) c_.back.icmp_type_code = static_cast<std::uint16_t>(*other << 8);
  }

  /// Digits with a point; JSON may also have text, or milliseconds.
  std::optional<Timestamp> read_start() {
    const Value& ts = needed(ZeekField::ts);
    if (ts.text.find('T') != std::string_view::npos) return reader_.time(ts, "ts");
    const auto number = read_number(ts.text);
    constexpr std::uint64_t kFirstMilliseconds = 100'000'000'000;  // in the year 5138 as seconds
    if (!number || *number < kFirstMilliseconds) return reader_.epoch(ts, "ts");
    const std::string seconds = std::to_string(*number / 1'000);
    auto start = reader_.epoch({seconds, ts.at}, "ts");
    if (start) *start += std::chrono::milliseconds{*number % 1'000};
    return start;
  }

  void read_times() {
    const auto start = read_start();
    const Value& lasted = told(ZeekField::duration);
    const auto duration = reader_.seconds(lasted, "duration");
    if (!start) return;
    flow_.start = flow_.end = *start;
    mark(flow_, FlowField::start);
    mark(flow_, FlowField::end);
    if (duration && *duration < Timestamp::max() - *start) flow_.end += *duration;
    if (!out_.is_plausible(flow_.end)) {
      reader_.fail(lasted, "duration", "one that ends at a time still to come");
    }
    flow_.received = flow_.end;
  }

  void read_way(Way& way, ZeekField packets, ZeekField ip_octets, ZeekField payload) {
    way.packets = reader_.number(told(packets), name(packets));
    way.octets = reader_.number(told(ip_octets), name(ip_octets));
    if (!way.octets) way.octets = reader_.number(told(payload), name(payload));
  }

  /// Each kind of packet is told once, the origin's in capitals.
  void read_history() {
    const Value& history = told(ZeekField::history);
    if (!history.is_told()) {
      read_state();
      return;
    }
    std::uint8_t flags[2] = {};
    for (const char c : history.text) {
      const std::size_t side = c >= 'A' && c <= 'Z' ? kOrigin : kResponder;
      switch (side == kOrigin ? c - 'A' + 'a' : c) {
        case 's':
          flags[side] |= kTcpSyn;
          break;
        case 'h':
          flags[side] |= kTcpSyn | kTcpAck;
          break;
        case 'a':
        case 'd':
        case 't':
          flags[side] |= kTcpAck;
          break;
        case 'f':
          flags[side] |= kTcpFin | kTcpAck;
          break;
        case 'r':
          flags[side] |= kTcpRst;
          break;
        case '^':
          is_turned_ = true;
          break;
        default:
          break;
      }
    }
    has_handshake_ = ((flags[kOrigin] | flags[kResponder]) & kTcpSyn) != 0;
    c_.there.tcp_flags = flags[kOrigin];
    c_.back.tcp_flags = flags[kResponder];
  }

  /// Without a history: what the state alone says for sure.
  void read_state() {
    const std::string_view state = told(ZeekField::conn_state).text;
    has_handshake_ = !state.empty() && state != "OTH";
    if (state == "S0") c_.there.tcp_flags = kTcpSyn;
    if (state == "REJ") {
      c_.there.tcp_flags = kTcpSyn;
      c_.back.tcp_flags = kTcpRst | kTcpAck;
    }
  }

  /// Zeek turns a connection round if its ports look so, and of one that it met half-way it takes the
  /// first sender for the origin.
  [[nodiscard]] bool is_origin_sure() const {
    if (flow_.protocol == kTcp) return has_handshake_ && !is_turned_;
    return told(ZeekField::history).text.find('^') == std::string_view::npos;
  }

  const ZeekValues& values_;
  LogOutput& out_;
  RecordReader reader_;
  Conversation c_;
  FlowRecord& flow_ = c_.both;
  bool has_handshake_ = false;
  bool is_turned_ = false;
};

/// `\x09` of the header line `#separator \x09`.
std::optional<char> escaped_octet(std::string_view text) noexcept {
  if (text.size() == 1) return text.front();
  if (text.size() != 4 || !text.starts_with("\\x")) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + 4, value, 16);
  if (error != std::errc{} || end != text.data() + 4) return std::nullopt;
  return static_cast<char>(value);
}

template <std::size_t N>
void keep(std::string_view text, std::array<char, N>& to) noexcept {
  to.fill('\0');
  std::copy_n(text.begin(), std::min(text.size(), N - 1), to.begin());
}

}  // namespace

void give_zeek(const ZeekValues& values, LogOutput& out) { ZeekConnection(values, out).give(); }

void ZeekLines::read(std::string_view line, LogOutput& out) {
  if (line.empty()) return;
  if (line.front() == '#') {
    read_header(line, out);
    return;
  }
  ++out.counters.records;
  const std::size_t count = split(line, separator_, fields_);
  if (count != columns_) {
    out.refuse(
        nullptr,
        columns_ == 0
            ? std::string("no #fields line with the columns of conn.log stands before it")
            : std::to_string(count) + " columns, where #fields has " + std::to_string(columns_));
    return;
  }
  ZeekValues values;
  const std::string_view unset(unset_.data()), empty(empty_.data());
  for (std::size_t i = 0; i < kZeekFields; ++i) {
    if (positions_[i] == kNowhere) continue;
    const std::string_view text = fields_[positions_[i]];
    if (text != unset && text != empty) values[i] = {text, text.data()};
  }
  give_zeek(values, out);
}

std::string_view ZeekLines::value_of_header(std::string_view line) const noexcept {
  const std::size_t at = line.find(separator_);
  return at == std::string_view::npos ? std::string_view{} : line.substr(at + 1);
}

void ZeekLines::read_header(std::string_view line, LogOutput& out) {
  if (line.starts_with("#separator ")) {
    const auto octet = escaped_octet(line.substr(11));
    if (octet) {
      separator_ = *octet;
    } else {
      ++out.counters.records;
      out.refuse(line.data() + 11,
                 "#separator: " + quoted(line.substr(11)) + " is no single octet, such as \\x09");
    }
  } else if (line.starts_with("#unset_field")) {
    keep(value_of_header(line), unset_);
  } else if (line.starts_with("#empty_field")) {
    keep(value_of_header(line), empty_);
  } else if (line.starts_with("#fields")) {
    read_names(value_of_header(line), out);
  }
}

void ZeekLines::read_names(std::string_view names, LogOutput& out) {
  positions_.fill(kNowhere);
  columns_ = split(names, separator_, fields_);
  if (columns_ > kMostColumns) columns_ = 0;
  for (std::size_t column = 0; column < columns_; ++column) {
    const auto known = std::find(kZeekNames.begin(), kZeekNames.end(), fields_[column]);
    if (known == kZeekNames.end()) continue;
    positions_[static_cast<std::size_t>(known - kZeekNames.begin())] =
        static_cast<std::uint8_t>(column);
  }
  for (const ZeekField field : {ZeekField::ts, ZeekField::orig_h, ZeekField::resp_h,
                                ZeekField::proto, ZeekField::orig_bytes}) {
    if (columns_ > 0 && positions_[static_cast<std::size_t>(field)] != kNowhere) continue;
    ++out.counters.records;
    out.refuse(nullptr, "#fields has no " +
                            std::string(kZeekNames[static_cast<std::size_t>(field)]) +
                            ": this is not Zeek's conn.log");
    columns_ = 0;
    return;
  }
}

}  // namespace flowlens::collect
