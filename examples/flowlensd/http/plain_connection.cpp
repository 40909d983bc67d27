#include "http/connection.hpp"

namespace flowlensd::http {

void serve_plain(tcp::socket socket, ServerShared& shared, bool is_full) {
  std::make_shared<Connection<PlainStream>>(PlainStream(std::move(socket)), shared, nullptr)
      ->begin(is_full);
}

}  // namespace flowlensd::http
