#include "lookup/dns_channel.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "flowlens/error.hpp"
#include "flowlens/ip_address.hpp"

namespace flowlens::lookup {

namespace {

constexpr int kInternet = 1;
// A hundred answers of 512 octets come at once, and a socket's accounts count more than the octets.
constexpr int kReceiveBuffer = 1 << 20;

std::string server_text(const IpAddress& address, std::uint16_t port) {
  const std::string text = address.to_string();
  return (address.is_v4() ? text : '[' + text + ']') + ':' + std::to_string(port);
}

std::string checked_server(std::string_view text) {
  const auto refuse = [&]() -> ConfigError {
    return ConfigError("`" + std::string(text) +
                       "` is no DNS server; give an address such as 192.0.2.1, 192.0.2.1:5353 or "
                       "[2001:db8::1]:5353");
  };
  std::string_view address = text;
  std::string_view port = "53";
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) throw refuse();
    address = text.substr(1, end - 1);
    if (end + 1 != text.size()) {
      if (text[end + 1] != ':') throw refuse();
      port = text.substr(end + 2);
    }
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    address = text.substr(0, text.find(':'));
    port = text.substr(text.find(':') + 1);
  }
  const auto parsed = IpAddress::parse(address);
  std::uint16_t number = 0;
  const auto [at, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (!parsed || error != std::errc{} || at != port.data() + port.size() || number == 0) {
    throw refuse();
  }
  return server_text(*parsed, number);
}

std::string servers_of(ares_channel channel) {
  ares_addr_port_node* list = nullptr;
  if (ares_get_servers_ports(channel, &list) != ARES_SUCCESS) return {};
  std::string text;
  for (const ares_addr_port_node* node = list; node != nullptr; node = node->next) {
    std::array<char, INET6_ADDRSTRLEN> address{};
    if (inet_ntop(node->family, &node->addr, address.data(), address.size()) == nullptr) continue;
    const auto parsed = IpAddress::parse(address.data());
    if (!parsed) continue;
    if (!text.empty()) text += ',';
    text +=
        server_text(*parsed, static_cast<std::uint16_t>(node->udp_port == 0 ? 53 : node->udp_port));
  }
  ares_free_data(list);
  return text;
}

}  // namespace

std::string dns_server_list(const std::vector<std::string>& servers) {
  std::string list;
  for (const std::string& server : servers) {
    if (!list.empty()) list += ',';
    list += checked_server(server);
  }
  return list;
}

/// One of c-ares' sockets, as long as it is watched. c-ares closes it.
struct DnsChannel::Socket {
  Socket(asio::io_context& io, ares_socket_t fd_) : fd(fd_), descriptor(io, fd_) {}
  ~Socket() { let_go(); }
  void let_go() {
    reads = writes = false;
    if (descriptor.is_open()) static_cast<void>(descriptor.release());
  }

  const ares_socket_t fd;
  asio::posix::stream_descriptor descriptor;
  bool reads = false, writes = false;                   ///< what c-ares waits for
  bool awaits_reading = false, awaits_writing = false;  ///< what we wait for
};

struct DnsChannel::Waiting {
  DnsChannel& channel;
  Done done;
};

DnsChannel::DnsChannel(asio::io_context& io, const DnsOptions& options, const std::string& servers,
                       OnFailure on_failure)
    : io_(io),
      timer_(io),
      tick_(std::clamp(options.timeout / 8, std::chrono::milliseconds{5},
                       std::chrono::milliseconds{100})) {
  ares_options o{};
  // Names are asked as they are, and of servers alone: no search list, no /etc/hosts.
  o.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  if (on_failure == OnFailure::tell) o.flags |= ARES_FLAG_NOCHECKRESP;
  char servers_only[] = "b";
  o.lookups = servers_only;
  o.timeout = static_cast<int>(options.timeout.count());
  o.tries = options.tries;
  o.socket_receive_buffer_size = kReceiveBuffer;
  o.sock_state_cb = &DnsChannel::on_socket;
  o.sock_state_cb_data = this;
  int status =
      ares_init_options(&channel_, &o,
                        ARES_OPT_FLAGS | ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                            ARES_OPT_SOCK_RCVBUF | ARES_OPT_SOCK_STATE_CB);
  if (status == ARES_SUCCESS && !servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, servers.c_str());
    if (status != ARES_SUCCESS) ares_destroy(channel_);
  }
  if (status != ARES_SUCCESS) {
    throw IoError(std::string("DNS look-ups cannot begin: ") + ares_strerror(status));
  }
  servers_ = servers_of(channel_);
}

DnsChannel::~DnsChannel() {
  ares_destroy(channel_);
  for (const auto& [fd, socket] : sockets_) socket->let_go();
}

void DnsChannel::ask(const std::string& name, DnsType type, Done done) {
  ++waiting_;
  auto waiting = std::make_unique<Waiting>(Waiting{*this, std::move(done)});
  ares_query(channel_, name.c_str(), kInternet, static_cast<int>(type), &DnsChannel::on_answer,
             waiting.release());
  if (!is_ticking_ && waiting_ > 0) tick();
}

void DnsChannel::on_answer(void* waiting, int status, int, unsigned char* reply, int octets) {
  const std::unique_ptr<Waiting> owned(static_cast<Waiting*>(waiting));
  --owned->channel.waiting_;
  const bool is_told = status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
  std::span<const std::byte> message;
  if (is_told && reply != nullptr && octets > 0) {
    message = std::as_bytes(std::span(reply, static_cast<std::size_t>(octets)));
  }
  owned->done(status, message);
}

void DnsChannel::on_socket(void* self, ares_socket_t fd, int reads, int writes) {
  static_cast<DnsChannel*>(self)->watch(fd, reads != 0, writes != 0);
}

void DnsChannel::watch(ares_socket_t fd, bool reads, bool writes) {
  const auto found = sockets_.find(fd);
  if (!reads && !writes) {
    if (found == sockets_.end()) return;
    found->second->let_go();
    sockets_.erase(found);
    return;
  }
  auto& socket = found == sockets_.end() ? sockets_[fd] : found->second;
  if (!socket) socket = std::make_shared<Socket>(io_, fd);
  socket->reads = reads;
  socket->writes = writes;
  if (reads && !socket->awaits_reading) wait_to_read(socket);
  if (writes && !socket->awaits_writing) wait_to_write(socket);
}

// A handler that comes after its socket was let go finds nothing to wait for, and no channel perhaps.
void DnsChannel::wait_to_read(const std::shared_ptr<Socket>& socket) {
  socket->awaits_reading = true;
  socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                [this, socket](const asio::error_code& error) {
                                  socket->awaits_reading = false;
                                  if (error || !socket->reads) return;
                                  process(socket->fd, ARES_SOCKET_BAD);
                                  if (socket->reads && !socket->awaits_reading)
                                    wait_to_read(socket);
                                });
}

void DnsChannel::wait_to_write(const std::shared_ptr<Socket>& socket) {
  socket->awaits_writing = true;
  socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                [this, socket](const asio::error_code& error) {
                                  socket->awaits_writing = false;
                                  if (error || !socket->writes) return;
                                  process(ARES_SOCKET_BAD, socket->fd);
                                  if (socket->writes && !socket->awaits_writing)
                                    wait_to_write(socket);
                                });
}

void DnsChannel::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
}

void DnsChannel::tick() {
  is_ticking_ = true;
  timer_.expires_after(tick_);
  timer_.async_wait([this, life = std::weak_ptr(life_)](const asio::error_code& error) {
    if (error || life.expired()) return;
    is_ticking_ = false;
    process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    if (!is_ticking_ && waiting_ > 0) tick();
  });
}

}  // namespace flowlens::lookup
