#include "http/connection.hpp"

namespace flowlensd::http {

void serve_tls(tcp::socket socket, std::shared_ptr<asio::ssl::context> context,
               ServerShared& shared, bool is_full) {
  TlsStream stream(PlainStream(std::move(socket)), *context);
  std::make_shared<Connection<TlsStream>>(std::move(stream), shared, std::move(context))
      ->begin(is_full);
}

}  // namespace flowlensd::http
