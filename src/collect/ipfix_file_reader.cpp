#include "flowlens/ipfix_file_reader.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "collect/log_source.hpp"
#include "flowlens/error.hpp"
#include "parse/recognise.hpp"
#include "wire/byte_reader.hpp"

namespace flowlens {
namespace {

using collect::LogSource;

constexpr std::size_t kHeader = 16;
constexpr std::size_t kLongest = 65'535;
constexpr std::uint16_t kVersion = 10;

std::span<const std::byte> octets_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// What stands at the beginning of a message (RFC 7011 §3.1).
struct Header {
  std::uint16_t length = 0;  ///< 0: no header stands there
  Timestamp export_time;
};
Header header_at(std::string_view octets) noexcept {
  wire::ByteReader in{octets_of(octets)};
  Header header;
  const std::uint16_t version = in.u16();
  const std::uint16_t length = in.u16();
  header.export_time = Timestamp{std::chrono::seconds{in.u32()}};
  in.skip(8);
  if (in.ok() && version == kVersion && length >= kHeader) header.length = length;
  return header;
}

/// Whether a whole message stands there, its sets right to the last octet.
bool is_whole_message(std::string_view octets) noexcept {
  const Header header = header_at(octets);
  return header.length != 0 && header.length <= octets.size() &&
         parse::is_export_message(octets_of(octets.substr(0, header.length)));
}

}  // namespace

struct IpfixFileReader::Impl {
  std::string path;
  LogSource source;
  IpfixFileCounters counters;
  std::size_t taken = 0;  ///< octets of the message given out last

  explicit Impl(const std::filesystem::path& file)
      : path(file.string()), source(file, 2 * kLongest) {
    if (is_whole_message(source.peek(kLongest))) return;
    throw IoError(path + " does not begin with an IPFIX message (RFC 5655)");
  }

  /// Whether the message that begins `octets` ends where another begins, or the file ends.
  [[nodiscard]] static bool leads_on(std::string_view octets, std::size_t length) noexcept {
    if (length == octets.size()) return true;
    if (length > octets.size()) return false;
    const std::string_view behind = octets.substr(length);
    return behind.size() < kHeader || header_at(behind).length != 0;
  }

  /// Goes to the next whole message. \return whether there is one.
  bool find_again() {
    ++counters.damaged;
    if (counters.damaged == 1) counters.first_damage = source.offset();
    while (true) {
      const std::string_view octets = source.peek(2 * kLongest);
      const std::size_t from = octets.empty() ? 0 : octets.find(std::string_view("\0\x0a", 2), 1);
      const std::size_t skipped = std::min(from, octets.size());
      source.skip(skipped);
      counters.skipped_octets += skipped;
      if (from >= octets.size()) {
        if (octets.size() < 2 * kLongest) return false;
        continue;
      }
      if (is_whole_message(octets.substr(from))) return true;
    }
  }

  bool next(ReceivedDatagram& message) {
    source.skip(taken);
    taken = 0;
    std::string_view octets = source.peek(2 * kLongest);
    if (octets.empty()) {
      source.check_end();
      return false;
    }
    Header header = header_at(octets);
    const bool is_good =
        header.length != 0 && (is_whole_message(octets) || leads_on(octets, header.length));
    if (!is_good) {
      const std::uint64_t at = source.offset();
      if (!find_again()) {
        source.check_end();
        throw IoError(path + ": no IPFIX message follows from octet " + std::to_string(at) +
                      " on; the file is damaged or cut short");
      }
      octets = source.peek(2 * kLongest);
      header = header_at(octets);
    }
    taken = header.length;
    ++counters.messages;
    counters.octets += taken;
    message.octets = octets_of(octets.substr(0, taken));
    message.session = {};
    message.session.transport = Transport::file;
    message.received = header.export_time;
    return true;
  }
};

IpfixFileReader::IpfixFileReader(const std::filesystem::path& path)
    : impl_(std::make_unique<Impl>(path)) {}
IpfixFileReader::~IpfixFileReader() = default;

bool IpfixFileReader::recognise(const std::filesystem::path& path) {
  LogSource source(path, kLongest);
  return is_whole_message(source.peek(kLongest));
}

bool IpfixFileReader::next(ReceivedDatagram& message) { return impl_->next(message); }
const IpfixFileCounters& IpfixFileReader::counters() const noexcept { return impl_->counters; }
std::uint64_t IpfixFileReader::octets_read() const noexcept { return impl_->source.octets_read(); }

}  // namespace flowlens
