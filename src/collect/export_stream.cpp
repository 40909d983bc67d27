#include "collect/export_stream.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/write.hpp>
#include <thread>
#include <utility>

#include "collect/tls_server.hpp"
#include "flowlens/error.hpp"

namespace flowlens::collect {
namespace {

using asio::error_code;
using std::chrono::milliseconds;

constexpr std::size_t kChunkFlows = 512;

asio::ip::tcp::endpoint endpoint_of(const IpAddress& address, std::uint16_t port) {
  if (address.is_v4()) return {asio::ip::address_v4(address.to_v4()), port};
  asio::ip::address_v6::bytes_type octets;
  std::copy(address.octets().begin(), address.octets().end(), octets.begin());
  return {asio::ip::address_v6(octets), port};
}

void expect(bool is_good, const char* what, const std::string& file) {
  if (is_good) return;
  throw ConfigError("IPFIX export over TLS: " + std::string(what) + ' ' + file + ": " +
                    tls_error() + "; give a PEM file that can be read");
}

std::unique_ptr<asio::ssl::context> make_tls_client(const IpfixExporterTls& files) {
  if (files.ca_file.empty()) {
    throw ConfigError("IPFIX export over TLS needs a CA file, to know the collector by");
  }
  if (files.certificate_file.empty() != files.key_file.empty()) {
    throw ConfigError("IPFIX export over TLS: certificate and key go together; only one is given");
  }
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX* ctx = context->native_handle();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_default_passwd_cb(ctx, [](char*, int, int, void*) { return 0; });
  expect(SSL_CTX_load_verify_locations(ctx, files.ca_file.c_str(), nullptr) == 1, "CA file",
         files.ca_file);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  if (files.certificate_file.empty()) return context;
  expect(SSL_CTX_use_certificate_chain_file(ctx, files.certificate_file.c_str()) == 1,
         "certificate file", files.certificate_file);
  expect(SSL_CTX_use_PrivateKey_file(ctx, files.key_file.c_str(), SSL_FILETYPE_PEM) == 1,
         "key file", files.key_file);
  return context;
}

}  // namespace

struct ExportStream::Connection {
  explicit Connection(asio::io_context& io) : socket(io) {}
  asio::ip::tcp::socket socket;
  std::unique_ptr<Tls> tls;
  std::array<std::byte, 512> heard{};  ///< collectors say nothing, but how TLS goes on
  bool is_ready = false;
  bool is_writing = false;
  std::string why;  ///< it has failed, and its last write is waited for
};

ExportStream::ExportStream(const IpAddress& collector, std::uint16_t port,
                           const IpfixExporterOptions& options, IpfixEncoder& encoder)
    : collector_(endpoint_of(collector, port)),
      options_(options),
      encoder_(encoder),
      pause_(options.first_pause) {
  if (options.max_waiting_flows == 0) {
    throw ConfigError("IpfixExporterOptions::max_waiting_flows must be 1 or more");
  }
  if (options.transport == Transport::tls) tls_ = make_tls_client(options.tls);
}

ExportStream::~ExportStream() {
  if (!connection_ || !connection_->is_ready) return;
  error_code ignored;  // what the kernel has still goes out
  connection_->socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void ExportStream::offer(std::span<const FlowRecord> flows) {
  const std::size_t waiting = queue_.size() + chunk_.size();
  const std::size_t room =
      options_.max_waiting_flows - std::min(options_.max_waiting_flows, waiting);
  const std::size_t taken = std::min(room, flows.size());
  queue_.insert(queue_.end(), flows.begin(), flows.begin() + static_cast<std::ptrdiff_t>(taken));
  status_.dropped_flows += flows.size() - taken;
}

IpfixExporterStatus ExportStream::status() const {
  IpfixExporterStatus status = status_;
  status.waiting_flows = queue_.size() + chunk_.size();
  status.is_connected = connection_ && connection_->is_ready;
  return status;
}

void ExportStream::connect() {
  connection_ = std::make_shared<Connection>(io_);
  give_up_at_ = Clock::now() + options_.connect_timeout;
  const auto c = connection_;
  c->socket.async_connect(collector_, [this, c](const error_code& error) {
    if (c != connection_) return;
    if (error) return fail(c, error.message());
    error_code ignored;
    c->socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    c->socket.set_option(asio::socket_base::keep_alive(true), ignored);
    if (tls_) return shake_hands(c);
    begin(c);
  });
}

void ExportStream::shake_hands(const std::shared_ptr<Connection>& c) {
  c->tls = std::make_unique<Tls>(c->socket, *tls_);
  SSL* ssl = c->tls->native_handle();
  const std::string& name = options_.tls.name;
  if (name.empty()) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), collector_.address().to_string().c_str());
  } else {
    SSL_set1_host(ssl, name.c_str());
    SSL_set_tlsext_host_name(ssl, name.c_str());
  }
  c->tls->async_handshake(Tls::client, [this, c](const error_code& error) {
    if (c != connection_) return;
    if (!error) return begin(c);
    const long verified = SSL_get_verify_result(c->tls->native_handle());
    fail(c,
         "TLS handshake: " + error.message() +
             (verified == X509_V_OK ? std::string()
                                    : std::string(": ") + X509_verify_cert_error_string(verified)));
  });
}

void ExportStream::begin(const std::shared_ptr<Connection>& c) {
  c->is_ready = true;
  ++status_.connections;
  status_.problem.clear();
  pause_ = options_.first_pause;
  encoder_.begin_session();
  octets_.clear();
  ends_.clear();
  listen(c);
  write(c);
}

/// Only so is it seen that the collector closes: a write would still succeed, once.
void ExportStream::listen(const std::shared_ptr<Connection>& c) {
  const auto done = [this, c](const error_code& error, std::size_t) {
    if (c != connection_) return;
    if (error) return fail(c, "the collector closed the connection: " + error.message());
    listen(c);
  };
  const auto buffer = asio::buffer(c->heard);
  if (c->tls) {
    c->tls->async_read_some(buffer, done);
  } else {
    c->socket.async_read_some(buffer, done);
  }
}

/// \return whether there is something to write.
bool ExportStream::encode() {
  if (chunk_.empty()) {
    const std::size_t count = std::min(queue_.size(), kChunkFlows);
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
    chunk_.assign(queue_.begin(), end);
    queue_.erase(queue_.begin(), end);
  }
  octets_.clear();
  ends_.clear();
  const auto seen = [this] { return encoder_.counters().flows + encoder_.counters().refused; };
  const std::uint64_t before = seen();
  const auto take = [&](std::span<const std::byte> message) {
    octets_.insert(octets_.end(), message.begin(), message.end());
    ends_.push_back({octets_.size(), static_cast<std::size_t>(seen() - before)});
  };
  encoder_.add(chunk_, now_, take);
  encoder_.flush(now_, take);
  if (octets_.empty()) chunk_.clear();  // all were refused
  return !octets_.empty();
}

void ExportStream::write(const std::shared_ptr<Connection>& c) {
  if (!c->is_ready || c->is_writing || is_empty() || !encode()) return;
  c->is_writing = true;
  const auto done = [this, c](const error_code& error, std::size_t octets) {
    if (c != connection_) return;
    c->is_writing = false;
    keep_unsent(octets);
    if (error || !c->why.empty()) return fail(c, c->why.empty() ? error.message() : c->why);
    write(c);
  };
  const auto buffer = asio::buffer(octets_.data(), octets_.size());
  if (c->tls) {
    asio::async_write(*c->tls, buffer, done);
  } else {
    asio::async_write(c->socket, buffer, done);
  }
}

/// A message that did not go out whole cannot have been read: its flows are sent again.
void ExportStream::keep_unsent(std::size_t octets) {
  std::size_t sent = 0;
  for (const MessageEnd& end : ends_) {
    if (end.octets <= octets) sent = end.flows;
  }
  if (octets == octets_.size()) sent = chunk_.size();
  chunk_.erase(chunk_.begin(), chunk_.begin() + static_cast<std::ptrdiff_t>(sent));
  status_.sent_flows += sent;
}

void ExportStream::fail(const std::shared_ptr<Connection>& c, const std::string& why) {
  error_code ignored;
  c->socket.close(ignored);
  if (c->is_writing) {  // how far it came is told to its handler
    c->why = why;
    return;
  }
  status_.problem = why;
  connection_.reset();
  retry_at_ = Clock::now() + pause_;
  pause_ = std::min(pause_ * 2, options_.longest_pause);
}

/// What time brings about.
void ExportStream::step() {
  const auto now = Clock::now();
  if (!connection_) {
    if (now >= retry_at_) connect();
    return;
  }
  if (!connection_->is_ready && now >= give_up_at_) {
    const auto c = connection_;
    return fail(c, "no connection within the time-out");
  }
  write(connection_);
}

bool ExportStream::work(milliseconds timeout, Timestamp now) {
  constexpr milliseconds kStep{50};
  now_ = now;
  const auto until = Clock::now() + timeout;
  while (true) {
    step();
    if (io_.stopped()) io_.restart();
    io_.poll();
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
    if (is_empty() || left <= milliseconds{0}) return is_empty();
    if (connection_) {
      if (io_.stopped()) io_.restart();
      io_.run_one_for(std::min(left, kStep));
    } else {
      std::this_thread::sleep_for(std::min(left, kStep));
    }
  }
}

}  // namespace flowlens::collect
