#include "collect/tls_server.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>
#include <string_view>

#include "flowlens/error.hpp"

namespace flowlens::collect {
namespace {

constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";  // of TLS 1.2; all of 1.3 are good

void expect(bool is_good, const char* what, const std::string& file) {
  if (is_good) return;
  throw ConfigError("IPFIX over TLS: " + std::string(what) + ' ' + file + ": " + tls_error() +
                    "; give a PEM file that can be read");
}

/// A key with a pass phrase is refused; OpenSSL would ask the terminal for it.
int no_pass_phrase(char*, int, int, void*) { return 0; }

void load_certificate(SSL_CTX* ctx, const IpfixTlsFiles& files) {
  if (files.certificate_file.empty() || files.key_file.empty()) {
    throw ConfigError("IPFIX over TLS needs a certificate file and a key file");
  }
  SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
  expect(SSL_CTX_use_certificate_chain_file(ctx, files.certificate_file.c_str()) == 1,
         "certificate file", files.certificate_file);
  expect(SSL_CTX_use_PrivateKey_file(ctx, files.key_file.c_str(), SSL_FILETYPE_PEM) == 1,
         "key file", files.key_file);
  if (SSL_CTX_check_private_key(ctx) == 1) return;
  ERR_clear_error();
  throw ConfigError("IPFIX over TLS: key file " + files.key_file + " is not the key of " +
                    files.certificate_file);
}

void ask_for_certificates(SSL_CTX* ctx, const IpfixTlsFiles& files) {
  if (files.client_certificates == ClientCertificates::not_asked) return;
  if (files.client_ca_file.empty()) {
    throw ConfigError("IPFIX over TLS: to ask exporters for certificates needs a client CA file");
  }
  expect(SSL_CTX_load_verify_locations(ctx, files.client_ca_file.c_str(), nullptr) == 1,
         "client CA file", files.client_ca_file);
  SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(files.client_ca_file.c_str()));
  const bool is_required = files.client_certificates == ClientCertificates::required;
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
}

}  // namespace

std::string tls_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "it cannot be read" : reason;
}

std::shared_ptr<asio::ssl::context> make_tls_server(const IpfixTlsFiles& files) {
  ERR_clear_error();
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* ctx = context->native_handle();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_cipher_list(ctx, kCiphers);
  // A session taken up again would bring no certificate to look at; connections are few and long.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, 0);
  SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  load_certificate(ctx, files);
  ask_for_certificates(ctx, files);
  return context;
}

}  // namespace flowlens::collect
