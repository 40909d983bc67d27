// IPFIX messages to one collector.
#include "flowlens/ipfix_exporter.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "collect/export_stream.hpp"
#include "collect/udp_socket.hpp"
#include "flowlens/error.hpp"

namespace flowlens {
namespace {

/// An IPv6 socket sends to mapped addresses too, but not where the system has no IPv6.
collect::FileDescriptor udp_socket_to(const IpAddress& collector, std::uint16_t port) {
  const bool is_v4 = collector.is_v4();
  collect::FileDescriptor socket(
      ::socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v4.sin_port = v6.sin6_port = htons(port);
  v4.sin_addr.s_addr = is_v4 ? htonl(collector.to_v4()) : 0;
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, collector.octets().data(), 16);
  const int result =
      is_v4 ? ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&v4), sizeof v4)
            : ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  if (socket.get() < 0 || result != 0) {
    throw IoError("cannot export to " + collector.to_string() + " port " + std::to_string(port) +
                  ": " + std::strerror(errno));
  }
  return socket;
}

IpfixEncoderOptions encoder_options(const IpfixExporterOptions& options) {
  IpfixEncoderOptions encoder = options.encoder;
  // Nothing of a connection is lost, so what was told once is known (RFC 7011 §8.1).
  if (options.transport != Transport::udp) encoder.template_interval = std::chrono::years{100};
  return encoder;
}

}  // namespace

struct IpfixExporter::Impl {
  IpfixEncoder encoder;
  collect::FileDescriptor socket;                 ///< UDP
  std::unique_ptr<collect::ExportStream> stream;  ///< else
  std::uint64_t lost = 0;

  void send(std::span<const std::byte> message) {
    // A refusal (ICMP) of the message before is told with this one, which is not sent then.
    ::ssize_t sent = -1;
    for (int tries = 0; sent < 0 && tries < 2; ++tries) {
      sent = ::send(socket.get(), message.data(), message.size(), 0);
      if (sent < 0 && errno != EINTR && errno != ECONNREFUSED) break;
    }
    if (sent != static_cast<::ssize_t>(message.size())) ++lost;
  }
};

IpfixExporter::IpfixExporter(const IpAddress& collector, std::uint16_t port,
                             const IpfixExporterOptions& options)
    : impl_(new Impl{IpfixEncoder(encoder_options(options)), collect::FileDescriptor{}, {}, 0}) {
  if (options.transport == Transport::udp) {
    impl_->socket = udp_socket_to(collector, port);
  } else if (is_connection(options.transport)) {
    impl_->stream =
        std::make_unique<collect::ExportStream>(collector, port, options, impl_->encoder);
  } else {
    throw ConfigError("IpfixExporterOptions::transport must be udp, tcp or tls");
  }
}
IpfixExporter::~IpfixExporter() = default;

void IpfixExporter::send(std::span<const FlowRecord> flows, Timestamp now) {
  if (impl_->stream) {
    impl_->stream->offer(flows);
    impl_->stream->work(std::chrono::milliseconds{0}, now);
    return;
  }
  const auto take = [this](std::span<const std::byte> message) { impl_->send(message); };
  impl_->encoder.add(flows, now, take);
  impl_->encoder.flush(now, take);
}

bool IpfixExporter::wait(std::chrono::milliseconds timeout, Timestamp now) {
  return !impl_->stream || impl_->stream->work(timeout, now);
}

const IpfixEncoderCounters& IpfixExporter::counters() const noexcept {
  return impl_->encoder.counters();
}

IpfixExporterStatus IpfixExporter::status() const {
  if (impl_->stream) return impl_->stream->status();
  IpfixExporterStatus status;
  status.sent_flows = impl_->encoder.counters().flows;
  status.lost_messages = impl_->lost;
  return status;
}

}  // namespace flowlens
