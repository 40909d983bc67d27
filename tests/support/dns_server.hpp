/// \file
/// A DNS server for tests, on a port of 127.0.0.1, that says what a test tells it to: also what no
/// server should say.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace flowlens::test::dns {

constexpr std::uint16_t kA = 1, kCname = 5, kSoa = 6, kPtr = 12, kAaaa = 28;
constexpr int kNoError = 0, kServFail = 2, kNxDomain = 3, kRefused = 5;

inline std::string u16(unsigned n) { return {static_cast<char>(n >> 8), static_cast<char>(n)}; }
inline std::string u32(std::uint32_t n) { return u16(n >> 16) + u16(n & 0xffff); }

/// From text with points between labels.
inline std::string wire_name(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view label = text.substr(0, text.find('.'));
    out += static_cast<char>(label.size());
    out += label;
    text.remove_prefix(std::min(text.size(), label.size() + 1));
  }
  return out + '\0';
}

inline std::string record(std::string_view owner, std::uint16_t type, std::uint32_t ttl,
                          const std::string& data) {
  return wire_name(owner) + u16(type) + u16(1) + u32(ttl) +
         u16(static_cast<unsigned>(data.size())) + data;
}
inline std::string ptr(std::string_view owner, std::string_view name, std::uint32_t ttl = 600) {
  return record(owner, kPtr, ttl, wire_name(name));
}
inline std::string cname(std::string_view owner, std::string_view name, std::uint32_t ttl = 600) {
  return record(owner, kCname, ttl, wire_name(name));
}
inline std::string a(std::string_view owner, const char* address, std::uint32_t ttl = 600) {
  std::string octets(4, '\0');
  inet_pton(AF_INET, address, octets.data());
  return record(owner, kA, ttl, octets);
}
inline std::string aaaa(std::string_view owner, const char* address, std::uint32_t ttl = 600) {
  std::string octets(16, '\0');
  inet_pton(AF_INET6, address, octets.data());
  return record(owner, kAaaa, ttl, octets);
}
inline std::string soa(std::string_view owner, std::uint32_t ttl, std::uint32_t minimum) {
  return record(owner, kSoa, ttl,
                wire_name("ns.example") + wire_name("root.example") + u32(1) + u32(2) + u32(3) +
                    u32(4) + u32(minimum));
}

struct Query {
  std::uint16_t id = 0;
  std::string name;
  std::uint16_t type = 0;
};

struct Sections {
  std::vector<std::string> answer;
  std::vector<std::string> authority{};
  std::vector<std::string> additional{};
};

inline std::string message(const Query& query, int rcode, const Sections& sections) {
  std::string out = u16(query.id) + u16(0x8180u | static_cast<unsigned>(rcode)) + u16(1) +
                    u16(static_cast<unsigned>(sections.answer.size())) +
                    u16(static_cast<unsigned>(sections.authority.size())) +
                    u16(static_cast<unsigned>(sections.additional.size())) + wire_name(query.name) +
                    u16(query.type) + u16(1);
  for (const auto* section : {&sections.answer, &sections.authority, &sections.additional}) {
    for (const std::string& r : *section) out += r;
  }
  return out;
}

class Server {
 public:
  /// What to send back, one datagram each.
  using Answer = std::function<std::vector<std::string>(const Query&)>;

  explicit Server(Answer answer) : answer_(std::move(answer)) {
    socket_ = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
      throw std::runtime_error("no port for a DNS server");
    }
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    is_ending_ = true;
    thread_.join();
    ::close(socket_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::vector<Query> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void serve() {
    std::array<char, 1'500> in{};
    while (!is_ending_) {
      pollfd wait{socket_, POLLIN, 0};
      if (::poll(&wait, 1, 20) <= 0) continue;
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto got =
          ::recvfrom(socket_, in.data(), in.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 17) continue;
      const Query query = parse(std::string_view(in.data(), static_cast<std::size_t>(got)));
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back(query);
      }
      for (const std::string& out : answer_(query)) {
        static_cast<void>(::sendto(socket_, out.data(), out.size(), 0,
                                   reinterpret_cast<const sockaddr*>(&from), size));
      }
    }
  }
  static Query parse(std::string_view in) {
    const auto octet = [&](std::size_t at) { return static_cast<std::uint8_t>(in[at]); };
    Query query;
    query.id = static_cast<std::uint16_t>(octet(0) << 8 | octet(1));
    std::size_t at = 12;
    for (std::size_t n = octet(at); n != 0 && at + n + 5 < in.size(); n = octet(at)) {
      if (!query.name.empty()) query.name += '.';
      query.name += in.substr(at + 1, n);
      at += n + 1;
    }
    query.type = static_cast<std::uint16_t>(octet(at + 1) << 8 | octet(at + 2));
    return query;
  }

  const Answer answer_;
  int socket_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> is_ending_{false};
  mutable std::mutex mutex_;
  std::vector<Query> asked_;
  std::thread thread_;
};

}  // namespace flowlens::test::dns
