/// \file
/// collect: flows to one collector over a connection that is made again whenever it breaks.
#pragma once

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl/context.hpp>
#include <asio/ssl/stream.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flowlens/ipfix_exporter.hpp"

namespace flowlens::collect {

/// Thread-compatible.
class ExportStream {
 public:
  ExportStream(const IpAddress& collector, std::uint16_t port, const IpfixExporterOptions& options,
               IpfixEncoder& encoder);
  ~ExportStream();
  ExportStream(const ExportStream&) = delete;
  ExportStream& operator=(const ExportStream&) = delete;

  void offer(std::span<const FlowRecord> flows);
  /// Works for `timeout` at the most. \return whether nothing waits any more.
  bool work(std::chrono::milliseconds timeout, Timestamp now);
  [[nodiscard]] IpfixExporterStatus status() const;

 private:
  using Clock = std::chrono::steady_clock;
  using Tls = asio::ssl::stream<asio::ip::tcp::socket&>;
  /// One attempt and what became of it. Handlers of an earlier one find that it is not the present one.
  struct Connection;

  void connect();
  void shake_hands(const std::shared_ptr<Connection>& c);
  void begin(const std::shared_ptr<Connection>& c);
  void listen(const std::shared_ptr<Connection>& c);
  void write(const std::shared_ptr<Connection>& c);
  void fail(const std::shared_ptr<Connection>& c, const std::string& why);
  bool encode();
  void keep_unsent(std::size_t octets);
  void step();
  [[nodiscard]] bool is_empty() const noexcept { return queue_.empty() && chunk_.empty(); }

  const asio::ip::tcp::endpoint collector_;
  const IpfixExporterOptions options_;
  IpfixEncoder& encoder_;
  Timestamp now_;

  asio::io_context io_{1};
  std::unique_ptr<asio::ssl::context> tls_;
  std::shared_ptr<Connection> connection_;  ///< null: none, until retry_at_
  Clock::time_point retry_at_{};
  Clock::time_point give_up_at_{};  ///< of the attempt to connect
  std::chrono::milliseconds pause_;

  /// Octets and flows up to the end of each message of the chunk.
  struct MessageEnd {
    std::size_t octets = 0;
    std::size_t flows = 0;
  };
  std::deque<FlowRecord> queue_;
  std::vector<FlowRecord> chunk_;  ///< what is being written
  std::vector<std::byte> octets_;  ///< the same, encoded
  std::vector<MessageEnd> ends_;
  IpfixExporterStatus status_;
};

}  // namespace flowlens::collect
