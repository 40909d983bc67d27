/// \file
/// http: certificate and key of the API, and how TLS is spoken. Only files of the server include it.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "http/server.hpp"

namespace flowlensd::http {

/// TLS 1.2 with forward secrecy and authenticated encryption, or 1.3.
///
/// Thread-safe.
class TlsContext {
 public:
  /// \throws flowlens::ConfigError naming the file that does not fit, and why.
  explicit TlsContext(TlsFiles files);

  /// Reads the files again. \return why what was read before stays in use; empty if it does not.
  std::string reload();
  /// shared_ptr: connections keep the one that they began with.
  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> current() const;

 private:
  const TlsFiles files_;
  mutable std::mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> current_;
};

}  // namespace flowlensd::http
