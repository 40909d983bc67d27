/// \file
/// lookup: c-ares on an io_context.
#pragma once

#include <ares.h>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

#include "flowlens/dns_lookup.hpp"
#include "lookup/dns_message.hpp"

namespace flowlens::lookup {

/// Sockets to the servers, and the questions that wait for them. Of the io_context's thread; made and
/// destroyed by any while that does not run.
class DnsChannel {
 public:
  /// \param status  of c-ares; `reply` is empty unless ARES_SUCCESS, ARES_ENODATA or ARES_ENOTFOUND.
  using Done = std::function<void(int status, std::span<const std::byte> reply)>;
  /// What SERVFAIL, REFUSED and the like lead to.
  enum class OnFailure {
    tell,       ///< that is the answer
    ask_others  ///< the next server is asked; ARES_ECONNREFUSED if there is none
  };

  /// \param servers  as dns_server_list() gives them; empty: the system's.
  /// \throws IoError if c-ares cannot begin.
  DnsChannel(asio::io_context& io, const DnsOptions& options, const std::string& servers,
             OnFailure on_failure);
  /// Whoever waits is told ARES_EDESTRUCTION.
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  /// `done` may be called before this returns.
  void ask(const std::string& name, DnsType type, Done done);
  [[nodiscard]] const std::string& servers() const noexcept { return servers_; }

 private:
  struct Socket;
  struct Waiting;

  static void on_socket(void* self, ares_socket_t fd, int reads, int writes);
  static void on_answer(void* waiting, int status, int timeouts, unsigned char* reply, int octets);
  void watch(ares_socket_t fd, bool reads, bool writes);
  void wait_to_read(const std::shared_ptr<Socket>& socket);
  void wait_to_write(const std::shared_ptr<Socket>& socket);
  void process(ares_socket_t readable, ares_socket_t writable);
  void tick();

  asio::io_context& io_;
  asio::steady_timer timer_;  ///< looks for time-outs while somebody waits
  const std::chrono::milliseconds tick_;
  bool is_ticking_ = false;
  std::shared_ptr<const bool> life_ = std::make_shared<bool>(true);  ///< ends with this
  std::size_t waiting_ = 0;
  std::unordered_map<ares_socket_t, std::shared_ptr<Socket>> sockets_;
  ares_channel channel_ = nullptr;
  std::string servers_;
};

/// The servers as c-ares takes them. \throws ConfigError if one is no address.
[[nodiscard]] std::string dns_server_list(const std::vector<std::string>& servers);

}  // namespace flowlens::lookup
