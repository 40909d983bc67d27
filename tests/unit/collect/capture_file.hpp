/// \file
/// Builds frames and capture files, byte by byte.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace flowlens::test {

/// Octets in network order, added piece by piece.
class Octets {
 public:
  Octets& u8(unsigned v) { return number(v, 1); }
  Octets& u16(unsigned v) { return number(v, 2); }
  Octets& u32(std::uint64_t v) { return number(v, 4); }
  Octets& text(std::string_view t) {
    octets_ += t;
    return *this;
  }
  Octets& zeros(std::size_t n) {
    octets_.append(n, '\0');
    return *this;
  }
  [[nodiscard]] const std::string& str() const { return octets_; }

 private:
  Octets& number(std::uint64_t v, int octets) {
    while (octets-- > 0) octets_ += static_cast<char>(v >> (8 * octets));
    return *this;
  }
  std::string octets_;
};

inline std::string udp(std::string_view payload, unsigned from = 40'000, unsigned to = 2055) {
  return Octets{}
      .u16(from)
      .u16(to)
      .u16(static_cast<unsigned>(8 + payload.size()))
      .u16(0)
      .text(payload)
      .str();
}
/// \param fragment  flags and offset field.
inline std::string ipv4(std::string_view body, unsigned protocol = 17, unsigned fragment = 0) {
  return Octets{}
      .u8(0x46)
      .u8(0)
      .u16(static_cast<unsigned>(24 + body.size()))
      .u16(1)
      .u16(fragment)
      .u8(64)
      .u8(protocol)
      .u16(0)
      .u32(0x0a00'0001)
      .u32(0x0a00'0002)
      .u32(0x0101'0100)
      .text(body)
      .str();
}
inline std::string ipv6(std::string_view body, unsigned next = 17) {
  return Octets{}
      .u32(0x6000'0000)
      .u16(static_cast<unsigned>(body.size()))
      .u8(next)
      .u8(64)
      .u32(0x2001'0db8)
      .zeros(11)
      .u8(1)
      .u32(0x2001'0db8)
      .zeros(11)
      .u8(2)
      .text(body)
      .str();
}
inline std::string ethernet(std::string_view packet, unsigned type = 0x0800) {
  return Octets{}.zeros(12).u16(type).text(packet).str();
}

/// A big-endian pcap with nanosecond times; removed at the end.
class CaptureFile {
 public:
  explicit CaptureFile(std::uint32_t link_type) {
    static int number = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("flowlens-capture-" + std::to_string(::getpid()) + "-" + std::to_string(number++));
    octets_.u32(0xa1b2'3c4d).u16(2).u16(4).u32(0).u32(0).u32(262'144).u32(link_type);
    write();
  }
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;
  ~CaptureFile() { std::filesystem::remove(path_); }

  CaptureFile& add(std::string_view frame, std::size_t cut = 0) {
    const std::size_t kept = frame.size() - cut;
    octets_.u32(1'700'000'000)
        .u32(123'456'789)
        .u32(kept)
        .u32(frame.size())
        .text(frame.substr(0, kept));
    write();
    return *this;
  }
  void cut_short(std::size_t octets) const {
    std::filesystem::resize_file(path_, octets_.str().size() - octets);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  void write() const { std::ofstream{path_, std::ios::binary} << octets_.str(); }
  std::filesystem::path path_;
  Octets octets_;
};

}  // namespace flowlens::test
