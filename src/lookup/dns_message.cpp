#include "lookup/dns_message.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "wire/byte_reader.hpp"

namespace flowlens::lookup {

namespace {

constexpr std::size_t kLongestName = 255;  // octets on the wire, RFC 1035 §2.3.4
constexpr std::uint16_t kInternet = 1;
// RFC 2181 §8: a TTL with the first bit set counts as 0.
constexpr std::uint32_t kLongestTtl = 0x7fff'ffff;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Labels as they are on the wire, each after its length, lower case, without the root: whatever
/// octets labels hold, two names are the same where these are.
using WireName = std::string;

WireName wire_name(std::string_view text) {
  WireName name;
  while (!text.empty()) {
    const std::string_view label = text.substr(0, text.find('.'));
    name += static_cast<char>(label.size());
    for (const char c : label) name += lower(c);
    text.remove_prefix(std::min(text.size(), label.size() + 1));
  }
  return name;
}

/// Nothing if a label holds a point: it would read as two.
std::optional<std::string> text_of(const WireName& name) {
  std::string text;
  for (std::size_t at = 0; at < name.size();) {
    const auto length = static_cast<std::uint8_t>(name[at]);
    const std::string_view label = std::string_view(name).substr(at + 1, length);
    if (label.find('.') != std::string_view::npos) return std::nullopt;
    if (!text.empty()) text += '.';
    text += label;
    at += 1u + length;
  }
  return text;
}

/// Reads a name at the reader, which stands behind it then. \return nothing if it is damaged.
std::optional<WireName> read_name(wire::ByteReader& in, std::span<const std::byte> message) {
  WireName name;
  // Each jump leads to before the last one, so there is an end to them.
  std::size_t before = message.size();
  std::optional<wire::ByteReader> there;
  for (;;) {
    wire::ByteReader& at = there ? *there : in;
    const std::size_t limit = there ? before : at.offset();
    const std::uint8_t length = at.u8();
    if (!at.ok()) return std::nullopt;
    if (length == 0) return name;
    if ((length & 0xc0) == 0xc0) {
      const std::size_t target = (length & 0x3fu) << 8 | at.u8();
      if (!at.ok() || target >= limit) return std::nullopt;
      before = target;
      there.emplace(message.subspan(target));
      continue;
    }
    if ((length & 0xc0) != 0) return std::nullopt;
    const auto label = at.take(length);
    if (!at.ok() || name.size() + length + 2 > kLongestName) return std::nullopt;
    name += static_cast<char>(length);
    for (const std::byte b : label) name += lower(static_cast<char>(b));
  }
}

struct Record {
  WireName owner;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::size_t data = 0;  ///< offset
  std::size_t length = 0;
};

std::optional<Record> read_record(wire::ByteReader& in, std::span<const std::byte> message) {
  auto owner = read_name(in, message);
  if (!owner) return std::nullopt;
  Record record;
  record.owner = std::move(*owner);
  record.type = in.u16();
  const std::uint16_t record_class = in.u16();
  record.ttl = in.u32();
  if (record.ttl > kLongestTtl) record.ttl = 0;
  record.length = in.u16();
  record.data = in.offset();
  in.skip(record.length);
  if (!in.ok()) return std::nullopt;
  if (record_class != kInternet) record.type = 0;
  return record;
}

/// A name that is all of a record's data.
std::optional<WireName> name_in(const Record& record, std::span<const std::byte> message) {
  wire::ByteReader in{message.first(record.data + record.length)};
  in.skip(record.data);
  auto name = read_name(in, message);
  if (!name || in.remaining() != 0) return std::nullopt;
  return name;
}

std::optional<std::uint32_t> negative_ttl(const Record& soa, std::span<const std::byte> message) {
  wire::ByteReader in{message.first(soa.data + soa.length)};
  in.skip(soa.data);
  if (!read_name(in, message) || !read_name(in, message)) return std::nullopt;
  in.skip(4 * 4);  // serial, refresh, retry, expire
  const std::uint32_t minimum = in.u32();
  if (!in.ok()) return std::nullopt;
  return std::min(soa.ttl, minimum);
}

/// Takes what belongs to the question out of the answer's records.
class Picker {
 public:
  Picker(std::span<const std::byte> message, const std::vector<Record>& records, DnsReply& reply)
      : message_(message), records_(records), reply_(reply) {}

  /// \return false if a record that counts is damaged, or CNAMEs lead on and on.
  bool pick(WireName owner, DnsType type) {
    for (std::size_t step = 0; step <= kMostSteps; ++step) {
      const Record* alias = find(owner, DnsType::cname);
      if (alias == nullptr) return take(owner, type);
      const auto target = name_in(*alias, message_);
      if (!target) return false;
      saw(*alias);
      owner = *target;
    }
    return false;
  }

 private:
  const Record* find(const WireName& owner, DnsType type) const {
    const auto at = std::find_if(records_.begin(), records_.end(), [&](const Record& r) {
      return r.type == static_cast<std::uint16_t>(type) && r.owner == owner;
    });
    return at == records_.end() ? nullptr : &*at;
  }
  void saw(const Record& record) {
    reply_.ttl = is_first_ ? record.ttl : std::min(reply_.ttl, record.ttl);
    is_first_ = false;
  }
  bool take(const WireName& owner, DnsType type) {
    for (const Record& record : records_) {
      if (record.type != static_cast<std::uint16_t>(type) || record.owner != owner) continue;
      if (!(type == DnsType::ptr ? take_name(record) : take_address(record, type))) return false;
      saw(record);
    }
    return true;
  }
  bool take_name(const Record& record) {
    const auto name = name_in(record, message_);
    if (!name) return false;
    if (auto text = text_of(*name)) {
      reply_.names.push_back(std::move(*text));
    } else {
      ++reply_.refused_names;
    }
    return true;
  }
  bool take_address(const Record& record, DnsType type) {
    if (record.length != (type == DnsType::a ? 4u : 16u)) return false;
    reply_.addresses.push_back(
        *IpAddress::from_octets(message_.subspan(record.data, record.length)));
    return true;
  }

  std::span<const std::byte> message_;
  const std::vector<Record>& records_;
  DnsReply& reply_;
  bool is_first_ = true;
};

}  // namespace

std::string reverse_name(const IpAddress& address) {
  const auto& octets = address.octets();
  std::string name;
  if (address.is_v4()) {
    for (std::size_t i = 16; i-- > 12;) name += std::to_string(octets[i]) + '.';
    return name + "in-addr.arpa";
  }
  constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = 16; i-- > 0;) {
    for (const int digit : {octets[i] & 15, octets[i] >> 4}) {
      name += kDigits[digit];
      name += '.';
    }
  }
  return name + "ip6.arpa";
}

std::optional<DnsReply> read_dns_reply(std::span<const std::byte> message, std::string_view asked,
                                       DnsType type) {
  wire::ByteReader in{message};
  in.skip(4);
  const std::uint16_t questions = in.u16();
  const std::uint16_t answers = in.u16();
  const std::uint16_t authorities = in.u16();
  in.skip(2);
  if (!in.ok() || questions != 1) return std::nullopt;

  const WireName wanted = wire_name(asked);
  const auto question = read_name(in, message);
  if (!question || *question != wanted || in.u16() != static_cast<std::uint16_t>(type) ||
      in.u16() != kInternet || !in.ok()) {
    return std::nullopt;
  }

  std::vector<Record> records;
  for (std::size_t i = 0; i < answers; ++i) {
    auto record = read_record(in, message);
    if (!record) return std::nullopt;
    if (records.size() < kMostRecords) records.push_back(std::move(*record));
  }
  DnsReply reply;
  if (!Picker{message, records, reply}.pick(wanted, type)) return std::nullopt;

  for (std::size_t i = 0; i < authorities; ++i) {
    const auto record = read_record(in, message);
    if (!record) break;  // nothing that was asked for
    if (record->type == static_cast<std::uint16_t>(DnsType::soa)) {
      reply.negative_ttl = negative_ttl(*record, message);
      break;
    }
  }
  return reply;
}

}  // namespace flowlens::lookup
