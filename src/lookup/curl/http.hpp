/// \file
/// lookup/curl: one HTTP exchange after another with one server, bounded in time and size.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace flowlens::lookup {

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  ///< `Name: value`; may hold secrets, and no message ever does
  std::string form;                  ///< posted if not empty
  std::filesystem::path ca_file;     ///< empty: those that the system trusts
  std::filesystem::path certificate_file, key_file;
  /// Signed by AWS' version 4: `aws:amz:eu-west-1:ec2`, with key and secret.
  std::string sign_for, user, secret;
  std::chrono::milliseconds connect_timeout{5'000}, timeout{30'000};
  std::size_t max_octets = 64u << 20;
  /// Takes the body of a good answer as it comes; false ends it. None: it is kept in HttpAnswer::body.
  std::function<bool(std::string_view)> on_data{};
  std::stop_token stop{};
};

struct HttpAnswer {
  long status = 0;  ///< 0: there was no answer
  std::string body;
  std::string error;           ///< why there was none, or why it ended early
  bool is_ended_here = false;  ///< by on_data
  [[nodiscard]] bool is_good() const noexcept { return error.empty() && status == 200; }
};

/// Follows no redirection, so that nothing secret goes where it was not meant to; checks certificates.
/// Thread-compatible.
class Http {
 public:
  Http();
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  /// Waits at most `timeout`, or a second from when it is asked to stop. \throws std::bad_alloc
  [[nodiscard]] HttpAnswer send(const HttpRequest& request);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

/// Of what may stand in a form or a query.
[[nodiscard]] std::string url_encoded(std::string_view text);

/// \return false if asked to stop meanwhile.
bool wait_for(std::chrono::milliseconds time, const std::stop_token& stop);

}  // namespace flowlens::lookup
