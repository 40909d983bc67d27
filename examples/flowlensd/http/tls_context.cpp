#include "http/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string_view>
#include <utility>

#include "flowlens/error.hpp"
#include "log.hpp"

namespace flowlensd::http {
namespace {

namespace ssl = boost::asio::ssl;
using flowlens::ConfigError;

constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";  // of TLS 1.2; all of 1.3 are good

std::string last_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "it cannot be read" : reason;
}

[[noreturn]] void fail(const char* key, const std::string& file, const std::string& why) {
  throw ConfigError(std::string(key) + ": " + file + ": " + why);
}

void expect(bool is_good, const char* key, const std::string& file) {
  if (!is_good) fail(key, file, last_error() + "; give a PEM file that the daemon may read");
}

/// HTTP/1.1, or no protocol named.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* in, unsigned in_length, void*) {
  static constexpr unsigned char kOurs[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, kOurs, sizeof kOurs, in, in_length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

void ask_for_certificates(SSL_CTX* ctx, const std::string& file) {
  constexpr const char* kKey = "api.tls.client_ca_file";
  expect(SSL_CTX_load_verify_locations(ctx, file.c_str(), nullptr) == 1, kKey, file);
  SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(file.c_str()));
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

void load_certificate(SSL_CTX* ctx, const TlsFiles& files) {
  ERR_clear_error();
  expect(SSL_CTX_use_certificate_chain_file(ctx, files.certificate.c_str()) == 1,
         "api.tls.certificate_file", files.certificate);
  expect(SSL_CTX_use_PrivateKey_file(ctx, files.key.c_str(), SSL_FILETYPE_PEM) == 1,
         "api.tls.key_file", files.key);
  if (SSL_CTX_check_private_key(ctx) != 1) {
    fail("api.tls.key_file", files.key, "it is not the key of " + files.certificate);
  }
}

void warn_of_expiry(SSL_CTX* ctx, const std::string& file) {
  const X509* certificate = SSL_CTX_get0_certificate(ctx);
  if (certificate == nullptr) return;
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0) return;
  log::warning("api", "the certificate has expired; clients will refuse it", {{"file", file}});
}

std::shared_ptr<ssl::context> make_context(const TlsFiles& files) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* ctx = context->native_handle();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_cipher_list(ctx, kCiphers);
  SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, nullptr);
  constexpr std::string_view kSession = "flowlensd";
  SSL_CTX_set_session_id_context(ctx, reinterpret_cast<const unsigned char*>(kSession.data()),
                                 static_cast<unsigned>(kSession.size()));
  load_certificate(ctx, files);
  if (!files.client_ca.empty()) ask_for_certificates(ctx, files.client_ca);
  warn_of_expiry(ctx, files.certificate);
  return context;
}

}  // namespace

TlsContext::TlsContext(TlsFiles files) : files_(std::move(files)), current_(make_context(files_)) {}

std::string TlsContext::reload() {
  std::shared_ptr<ssl::context> fresh;
  try {
    fresh = make_context(files_);
  } catch (const ConfigError& e) {
    return e.what();
  }
  const std::lock_guard lock(mutex_);
  current_ = std::move(fresh);
  return {};
}

std::shared_ptr<ssl::context> TlsContext::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace flowlensd::http
