/// \file
/// collect: how the listener speaks TLS.
#pragma once

#include <asio/ssl/context.hpp>
#include <memory>

#include "flowlens/ipfix_listener.hpp"

namespace flowlens::collect {

/// TLS 1.2 with forward secrecy and authenticated encryption, or 1.3.
/// \throws ConfigError naming the file that does not fit, and why.
std::shared_ptr<asio::ssl::context> make_tls_server(const IpfixTlsFiles& files);

/// What OpenSSL last complained of on this thread, for people.
std::string tls_error();

}  // namespace flowlens::collect
