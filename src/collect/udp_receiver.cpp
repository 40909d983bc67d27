#include "flowlens/udp_receiver.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <system_error>

#include "collect/udp_socket.hpp"
#include "flowlens/error.hpp"

namespace flowlens {
namespace {

using collect::FileDescriptor;
using collect::UdpSocket;

constexpr std::size_t kBatch = 64;
constexpr std::size_t kMaxDatagram = 65'535;
// Not a multiple of 4096: the beginnings of all buffers would fall into the same few cache sets.
constexpr std::size_t kBufferStride = 65'536 + 23 * 64;

/// Room for one recvmmsg(). Belongs to one worker; the messages point into it, so it stays put.
class Batch {
 public:
  Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  /// \return messages received, 0 if there were none. \throws IoError if the socket failed.
  std::size_t receive(int fd);
  [[nodiscard]] std::span<const std::byte> octets(std::size_t i) const noexcept {
    return {buffers_.get() + i * kBufferStride, messages_[i].msg_len};
  }
  [[nodiscard]] bool is_truncated(std::size_t i) const noexcept {
    return (messages_[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
  }
  /// Who sent message `i`.
  void read_source(std::size_t i, TransportSession& session) const noexcept;
  /// The kernel's count of drops as of message `i`, where it tells one: it does after the first drop.
  [[nodiscard]] std::optional<std::uint32_t> drops(std::size_t i) const noexcept;

 private:
  struct alignas(cmsghdr) Control {
    std::array<std::byte, CMSG_SPACE(sizeof(std::uint32_t))> octets;
  };
  std::unique_ptr<std::byte[]> buffers_;
  std::array<mmsghdr, kBatch> messages_{};
  std::array<iovec, kBatch> parts_{};
  std::array<sockaddr_storage, kBatch> sources_{};
  std::array<Control, kBatch> controls_{};
};

Batch::Batch() : buffers_(new std::byte[kBatch * kBufferStride]) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    parts_[i] = {buffers_.get() + i * kBufferStride, kMaxDatagram};
    msghdr& header = messages_[i].msg_hdr;
    header.msg_iov = &parts_[i];
    header.msg_iovlen = 1;
    header.msg_name = &sources_[i];
    header.msg_control = &controls_[i];
  }
}

std::size_t Batch::receive(int fd) {
  for (mmsghdr& message : messages_) {
    message.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    message.msg_hdr.msg_controllen = sizeof(Control);
  }
  const int count = ::recvmmsg(fd, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (count >= 0) return static_cast<std::size_t>(count);
  const bool passing = errno == EAGAIN || errno == EINTR || errno == ENOMEM || errno == ENOBUFS;
  if (passing) return 0;
  throw IoError("cannot receive from a UDP socket: " + std::generic_category().message(errno));
}

void Batch::read_source(std::size_t i, TransportSession& session) const noexcept {
  if (sources_[i].ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &sources_[i], sizeof v4);
    session.exporter = IpAddress::v4(ntohl(v4.sin_addr.s_addr));
    session.exporter_port = ntohs(v4.sin_port);
    return;
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, &sources_[i], sizeof v6);
  std::array<std::uint8_t, 16> octets;
  std::memcpy(octets.data(), &v6.sin6_addr, octets.size());
  session.exporter = IpAddress::v6(octets);  // a v4-mapped one is that IPv4 address already
  session.exporter_port = ntohs(v6.sin6_port);
}

std::optional<std::uint32_t> Batch::drops(std::size_t i) const noexcept {
  msghdr header = messages_[i].msg_hdr;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL) continue;
    std::uint32_t count;
    std::memcpy(&count, CMSG_DATA(c), sizeof count);
    return count;
  }
  return std::nullopt;
}

/// The sockets of one worker, one for each port, and its buffers.
struct Worker {
  std::vector<UdpSocket*> sockets;
  std::vector<pollfd> waited_for;  ///< the sockets, then the stop event
  Batch batch;
};

void check(const UdpReceiverOptions& options) {
  if (options.workers == 0 || options.workers > 64) {
    throw ConfigError("UDP workers: " + std::to_string(options.workers) + "; give 1 to 64");
  }
  if (options.ports.empty()) throw ConfigError("UDP ports: none given; give at least one");
}

/// `::` where there is IPv6, else 0.0.0.0.
IpAddress usable(const IpAddress& address) {
  if (address != IpAddress{}) return address;
  const FileDescriptor probe{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  return probe.get() < 0 && errno == EAFNOSUPPORT ? IpAddress::v4(0) : address;
}

int poll_timeout(std::chrono::milliseconds timeout) noexcept {
  const auto most = std::chrono::milliseconds{std::numeric_limits<int>::max()};
  return static_cast<int>(std::clamp(timeout, std::chrono::milliseconds{0}, most).count());
}

}  // namespace

struct UdpReceiver::Impl {
  std::vector<std::unique_ptr<UdpSocket>> sockets;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::uint16_t> ports;
  FileDescriptor stop_event;
  std::atomic<bool> stopped{false};

  explicit Impl(const UdpReceiverOptions& options);
  static std::size_t take_batch(UdpSocket& socket, Batch& batch,
                                const std::function<void(const ReceivedDatagram&)>& take);
};

UdpReceiver::Impl::Impl(const UdpReceiverOptions& options)
    : stop_event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  check(options);
  if (stop_event.get() < 0) {
    throw IoError("cannot make an event: " + std::generic_category().message(errno));
  }
  for (std::size_t i = 0; i < options.workers; ++i) workers.push_back(std::make_unique<Worker>());
  const IpAddress address = usable(options.bind_address);
  for (const std::uint16_t port : options.ports) {
    if (port != 0 && std::find(ports.begin(), ports.end(), port) != ports.end()) continue;
    auto opened = collect::open_port(address, port, options.workers, options.receive_buffer_octets);
    ports.push_back(opened.front()->port);
    for (std::size_t i = 0; i < options.workers; ++i) {
      workers[i]->sockets.push_back(opened[i].get());
      workers[i]->waited_for.push_back({opened[i]->fd.get(), POLLIN, 0});
      sockets.push_back(std::move(opened[i]));
    }
  }
  for (auto& worker : workers) worker->waited_for.push_back({stop_event.get(), POLLIN, 0});
}

/// The clock is read once a batch: its datagrams waited together, for less than a millisecond of work.
std::size_t UdpReceiver::Impl::take_batch(
    UdpSocket& socket, Batch& batch, const std::function<void(const ReceivedDatagram&)>& take) {
  const std::size_t count = batch.receive(socket.fd.get());
  if (count == 0) return 0;
  if (const auto drops = batch.drops(count - 1)) socket.note_drops(*drops);

  ReceivedDatagram datagram;
  datagram.session.collector_port = socket.port;
  datagram.session.transport = Transport::udp;
  datagram.received =
      std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  socket.datagrams.fetch_add(count, std::memory_order_relaxed);
  for (std::size_t i = 0; i < count; ++i) {
    datagram.octets = batch.octets(i);
    socket.octets.fetch_add(datagram.octets.size(), std::memory_order_relaxed);
    if (batch.is_truncated(i)) {
      socket.truncated.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    batch.read_source(i, datagram.session);
    take(datagram);
  }
  return count;
}

UdpReceiver::UdpReceiver(const UdpReceiverOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
UdpReceiver::~UdpReceiver() = default;

std::size_t UdpReceiver::receive(std::size_t worker, std::chrono::milliseconds timeout,
                                 const std::function<void(const ReceivedDatagram&)>& take) {
  Worker& own = *impl_->workers.at(worker);
  if (impl_->stopped.load(std::memory_order_acquire)) return 0;
  const int ready = ::poll(own.waited_for.data(), own.waited_for.size(), poll_timeout(timeout));
  if (ready < 0 && errno != EINTR) {
    throw IoError("cannot wait for UDP datagrams: " + std::generic_category().message(errno));
  }
  if (ready <= 0 || impl_->stopped.load(std::memory_order_acquire)) return 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < own.sockets.size(); ++i) {
    if (own.waited_for[i].revents == 0) continue;
    count += Impl::take_batch(*own.sockets[i], own.batch, take);
  }
  return count;
}

void UdpReceiver::stop() noexcept {
  impl_->stopped.store(true, std::memory_order_release);
  // Never read, so it wakes every worker, now and later.
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(impl_->stop_event.get(), &one, sizeof one);
}

UdpReceiverCounters UdpReceiver::counters() const noexcept {
  UdpReceiverCounters sum;
  for (const auto& socket : impl_->sockets) {
    socket->refresh_drops();
    sum.datagrams += socket->datagrams.load(std::memory_order_relaxed);
    sum.octets += socket->octets.load(std::memory_order_relaxed);
    sum.truncated += socket->truncated.load(std::memory_order_relaxed);
    sum.kernel_dropped += socket->dropped.load(std::memory_order_relaxed);
  }
  return sum;
}

const std::vector<std::uint16_t>& UdpReceiver::ports() const noexcept { return impl_->ports; }

std::size_t UdpReceiver::granted_buffer_octets() const noexcept {
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const auto& socket : impl_->sockets) least = std::min(least, socket->granted_octets);
  return least;
}

}  // namespace flowlens
