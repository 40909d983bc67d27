#include "http/any_stream.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <chrono>
#include <optional>
#include <span>
#include <vector>

namespace flowlensd::http {
namespace {

using TlsStream = asio::ssl::stream<TcpStream&>;

constexpr std::chrono::seconds kShutdownTime{2};
constexpr std::size_t kRecordOctets = 16'384;  // of TLS; small parts are put together first

}  // namespace

struct AnyStream::Impl {
  TcpStream tcp;
  std::shared_ptr<asio::ssl::context> context;
  std::optional<TlsStream> tls;
  std::vector<char> record;  ///< being written over TLS

  Impl(tcp::socket socket, std::shared_ptr<asio::ssl::context> c)
      : tcp(std::move(socket)), context(std::move(c)) {
    if (context) tls.emplace(tcp, *context);
  }
};

AnyStream::AnyStream(tcp::socket socket, std::shared_ptr<asio::ssl::context> context)
    : impl_(std::make_unique<Impl>(std::move(socket), std::move(context))) {}
AnyStream::AnyStream(AnyStream&&) noexcept = default;
AnyStream& AnyStream::operator=(AnyStream&&) noexcept = default;
AnyStream::~AnyStream() = default;

AnyStream::executor_type AnyStream::get_executor() noexcept { return impl_->tcp.get_executor(); }
TcpStream& AnyStream::next_layer() noexcept { return impl_->tcp; }
const TcpStream& AnyStream::next_layer() const noexcept { return impl_->tcp; }
bool AnyStream::is_tls() const noexcept { return impl_->tls.has_value(); }

void AnyStream::handshake(std::function<void(beast::error_code)> done) {
  if (impl_->tls) return impl_->tls->async_handshake(TlsStream::server, std::move(done));
  done({});
}

void AnyStream::shutdown(std::function<void(beast::error_code)> done) {
  if (impl_->tls) {
    impl_->tcp.expires_after(kShutdownTime);
    return impl_->tls->async_shutdown(std::move(done));
  }
  beast::error_code error;
  impl_->tcp.socket().shutdown(tcp::socket::shutdown_send, error);
  asio::post(impl_->tcp.get_executor(), [done = std::move(done), error] { done(error); });
}

void AnyStream::read(asio::mutable_buffer buffer, Done done) {
  if (impl_->tls) return impl_->tls->async_read_some(buffer, std::move(done));
  impl_->tcp.async_read_some(buffer, std::move(done));
}

void AnyStream::write(const Gathered& buffers, Done done) {
  const std::span<const asio::const_buffer> parts(buffers.buffers, buffers.count);
  if (!impl_->tls) {
    return impl_->tcp.async_write_some(std::vector<asio::const_buffer>(parts.begin(), parts.end()),
                                       std::move(done));
  }
  if (parts.size() == 1) return impl_->tls->async_write_some(parts[0], std::move(done));
  impl_->record.resize(std::min(kRecordOctets, asio::buffer_size(parts)));
  asio::buffer_copy(asio::buffer(impl_->record), parts);
  impl_->tls->async_write_some(asio::buffer(impl_->record), std::move(done));
}

void teardown(beast::role_type, AnyStream& stream, beast::error_code& error) {
  stream.next_layer().socket().shutdown(tcp::socket::shutdown_both, error);
}

}  // namespace flowlensd::http
