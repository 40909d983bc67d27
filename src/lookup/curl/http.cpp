#include "lookup/curl/http.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>

namespace flowlens::lookup {

namespace {

/// What is said about a refused request is short.
constexpr std::size_t kMostOfError = 64u << 10;

struct Exchange {
  const HttpRequest& request;
  HttpAnswer& answer;
  CURL* curl;
  std::exception_ptr thrown{};
  std::size_t taken = 0;
};

std::size_t take(char* data, std::size_t, std::size_t octets, void* to) noexcept {
  auto& exchange = *static_cast<Exchange*>(to);
  try {
    ::curl_easy_getinfo(exchange.curl, CURLINFO_RESPONSE_CODE, &exchange.answer.status);
    const bool is_good = exchange.answer.status == 200;
    const std::string_view piece(data, octets);
    exchange.taken += octets;
    if (is_good && exchange.request.on_data) {
      exchange.answer.is_ended_here = !exchange.request.on_data(piece);
      return exchange.answer.is_ended_here ? 0 : octets;
    }
    const std::size_t most = is_good ? exchange.request.max_octets : kMostOfError;
    if (exchange.taken > most) {
      exchange.answer.error = "answers more than " + std::to_string(most) + " octets";
      return 0;
    }
    exchange.answer.body += piece;
    return octets;
  } catch (...) {
    exchange.thrown = std::current_exception();
    return 0;
  }
}

int watch(void* to, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<Exchange*>(to)->request.stop.stop_requested() ? 1 : 0;
}

struct Headers {
  explicit Headers(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
      curl_slist* const longer = ::curl_slist_append(list, line.c_str());
      if (longer == nullptr) {
        ::curl_slist_free_all(list);
        throw std::bad_alloc();
      }
      list = longer;
    }
  }
  ~Headers() { ::curl_slist_free_all(list); }
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  curl_slist* list = nullptr;
};

void set_files(CURL* curl, const HttpRequest& request) {
  const auto set = [&](CURLoption option, const std::filesystem::path& path) {
    if (!path.empty()) ::curl_easy_setopt(curl, option, path.c_str());
  };
  set(CURLOPT_CAINFO, request.ca_file);
  set(CURLOPT_SSLCERT, request.certificate_file);
  set(CURLOPT_SSLKEY, request.key_file);
}

}  // namespace

struct Http::Handle {
  CURL* curl = ::curl_easy_init();
  std::array<char, CURL_ERROR_SIZE> reason{};
};

Http::Http() : handle_(std::make_unique<Handle>()) {
  if (handle_->curl == nullptr) throw std::bad_alloc();
}
Http::~Http() { ::curl_easy_cleanup(handle_->curl); }

HttpAnswer Http::send(const HttpRequest& request) {
  CURL* const curl = handle_->curl;
  HttpAnswer answer;
  Exchange exchange{request, answer, curl};
  const Headers headers(request.headers);
  ::curl_easy_reset(curl);  // keeps the connection
  ::curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, handle_->reason.data());
  ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.list);
  ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(request.connect_timeout.count()));
  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  ::curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &watch);
  ::curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  set_files(curl, request);
  if (!request.form.empty()) {
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.form.size()));
    ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.form.data());
  }
  if (!request.sign_for.empty()) {
    ::curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, request.sign_for.c_str());
    ::curl_easy_setopt(curl, CURLOPT_USERNAME, request.user.c_str());
    ::curl_easy_setopt(curl, CURLOPT_PASSWORD, request.secret.c_str());
  }
  handle_->reason[0] = '\0';
  const CURLcode result = ::curl_easy_perform(curl);
  if (exchange.thrown) std::rethrow_exception(exchange.thrown);
  ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  if (result != CURLE_OK && !answer.is_ended_here && answer.error.empty()) {
    answer.error =
        handle_->reason[0] != '\0' ? handle_->reason.data() : ::curl_easy_strerror(result);
  }
  return answer;
}

std::string url_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (is_plain) {
      out += c;
    } else {
      out += {'%', kHex[octet >> 4], kHex[octet & 15]};
    }
  }
  return out;
}

bool wait_for(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace flowlens::lookup
