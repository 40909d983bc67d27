// The files of TLS: what is taken, what is refused, and what reading them again changes.
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "flowlens/error.hpp"
#include "http/tls_context.hpp"

using namespace flowlensd::http;

namespace {

namespace fs = std::filesystem;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

/// A folder of its own, gone at the end.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("flowlens-tls-" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  [[nodiscard]] std::string file(const char* name) const { return (path / name).string(); }
};

void write_pem(const std::string& file, EVP_PKEY* key, X509* certificate) {
  std::FILE* out = std::fopen(file.c_str(), "w");
  REQUIRE(out != nullptr);
  if (certificate != nullptr)
    PEM_write_X509(out, certificate);
  else
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
}

/// A certificate that signs itself, and its key.
void make_certificate(const std::string& certificate, const std::string& key) {
  const Key pair{EVP_EC_gen("P-256"), EVP_PKEY_free};
  X509* x = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), 0);
  X509_gmtime_adj(X509_getm_notAfter(x), 3'600);
  X509_set_pubkey(x, pair.get());
  X509_sign(x, pair.get(), EVP_sha256());
  write_pem(certificate, nullptr, x);
  write_pem(key, pair.get(), nullptr);
  X509_free(x);
}

void write_text(const std::string& file, const char* text) { std::ofstream(file) << text; }

}  // namespace

TEST_CASE("TLS: files that do not fit are named, with why") {
  const Folder f;
  make_certificate(f.file("a.crt"), f.file("a.key"));
  make_certificate(f.file("b.crt"), f.file("b.key"));
  write_text(f.file("bad"), "-----BEGIN CERTIFICATE-----\nxx\n");
  struct Case {
    const char* name;
    const char* certificate;
    const char* key;
    const char* ca;
    const char* says;
  };
  const Case cases[] = {
      {"no certificate", "none", "a.key", "", "api.tls.certificate_file"},
      {"a damaged one", "bad", "a.key", "", "api.tls.certificate_file"},
      {"no key", "a.crt", "none", "", "api.tls.key_file"},
      {"another one's key", "a.crt", "b.key", "", "api.tls.key_file"},
      {"a key for a certificate", "a.key", "a.key", "", "api.tls.certificate_file"},
      {"no authorities", "a.crt", "a.key", "none", "api.tls.client_ca_file"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const TlsFiles files{f.file(c.certificate), f.file(c.key), *c.ca ? f.file(c.ca) : ""};
    try {
      const TlsContext context(files);
      FAIL("taken");
    } catch (const flowlens::ConfigError& e) {
      CHECK(std::string(e.what()).find(c.says) != std::string::npos);
    }
  }
  CHECK_NOTHROW(TlsContext({f.file("a.crt"), f.file("a.key"), f.file("b.crt")}));
}

TEST_CASE("TLS: reading the files again takes good ones and keeps what it has of bad ones") {
  const Folder f;
  make_certificate(f.file("a.crt"), f.file("a.key"));
  TlsContext context({f.file("a.crt"), f.file("a.key"), ""});
  const auto first = context.current();
  make_certificate(f.file("a.crt"), f.file("b.key"));  // the key has not come yet
  const std::string why = context.reload();
  CHECK(why.find("api.tls.key_file") != std::string::npos);
  CHECK(context.current() == first);
  fs::rename(f.file("b.key"), f.file("a.key"));
  CHECK(context.reload().empty());
  CHECK(context.current() != first);
}
