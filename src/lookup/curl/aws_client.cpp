#include "flowlens/aws_client.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "flowlens/error.hpp"
#include "lookup/curl/aws_answer.hpp"
#include "lookup/curl/http.hpp"
#include "lookup/curl/server.hpp"
#include "lookup/listing.hpp"

namespace flowlens {

namespace {

using Clock = std::chrono::steady_clock;
using lookup::HttpAnswer;

constexpr std::chrono::milliseconds kLongestPause{20'000};

/// Codes by which EC2 says that it was asked too much, or that it was its own fault.
bool is_worth_repeating(const HttpAnswer& answer, std::string_view code) {
  constexpr std::array<std::string_view, 6> kPassing = {
      "RequestLimitExceeded", "Throttling",  "ThrottlingException",
      "InternalError",        "Unavailable", "ServiceUnavailable"};
  if (answer.status == 0 || answer.status == 429 || answer.status >= 500) return true;
  return std::find(kPassing.begin(), kPassing.end(), code) != kPassing.end();
}

bool is_region(std::string_view region) noexcept {
  constexpr std::size_t kLongest = 40;
  return !region.empty() && region.size() <= kLongest &&
         std::all_of(region.begin(), region.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

std::string endpoint_of(const std::string& region) {
  const bool is_of_china = region.starts_with("cn-");
  return "https://ec2." + region + ".amazonaws.com" + (is_of_china ? ".cn" : "") + "/";
}

}  // namespace

struct AwsClient::Impl {
  explicit Impl(AwsClientOptions o) : options(std::move(o)), origin("aws:" + options.region) {}

  AwsClientOptions options;
  std::string origin;
  lookup::Http http;
  std::uint64_t repeated = 0;
  std::uint64_t refused = 0;

  std::string call(const std::string& form, const std::string& what, const AwsCredentials& with,
                   Clock::time_point end);
  void list(const std::string& action, const AwsCredentials& with, Clock::time_point end,
            void (*read)(const lookup::Json&, lookup::Listing&), lookup::Listing& out);
};

/// One call, as often as it takes. \return the answer.
std::string AwsClient::Impl::call(const std::string& form, const std::string& what,
                                  const AwsCredentials& with, Clock::time_point end) {
  lookup::HttpRequest request;
  request.url = options.endpoint;
  request.form = form;
  request.headers = {"Content-Type: application/x-www-form-urlencoded; charset=utf-8"};
  if (!with.session_token.empty()) {
    request.headers.push_back("X-Amz-Security-Token: " + with.session_token);
  }
  request.ca_file = options.ca_file;
  request.sign_for = "aws:amz:" + options.region + ":ec2";
  request.user = with.access_key_id;
  request.secret = with.secret_access_key;
  request.max_octets = options.max_octets;
  request.stop = options.stop;
  std::chrono::milliseconds pause = options.first_pause;
  for (unsigned attempt = 1;; ++attempt) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    request.timeout = std::clamp(left, std::chrono::milliseconds{1}, options.timeout);
    HttpAnswer answer = http.send(request);
    if (answer.is_good()) return std::move(answer.body);
    const std::string code = lookup::aws_error_code(answer.body);
    std::string trouble = what + ": ";
    if (answer.status != 0) trouble += "HTTP " + std::to_string(answer.status) + " ";
    trouble += answer.error.empty() ? code : answer.error;
    if (options.stop.stop_requested()) throw IoError(what + ": asked to stop");
    if (!is_worth_repeating(answer, code)) throw IoError(trouble);
    if (attempt >= options.max_attempts || Clock::now() + pause > end) {
      throw IoError(trouble + " (tried " + std::to_string(attempt) + " times)");
    }
    if (!lookup::wait_for(pause, options.stop)) throw IoError(what + ": asked to stop");
    pause = std::min(pause * 2, kLongestPause);
    ++repeated;
  }
}

/// All pages of one list.
void AwsClient::Impl::list(const std::string& action, const AwsCredentials& with,
                           Clock::time_point end,
                           void (*read)(const lookup::Json&, lookup::Listing&),
                           lookup::Listing& out) {
  const std::string what = origin + ": " + action;
  std::string token;
  for (std::size_t page = 0;; ++page) {
    if (page == options.max_pages) {
      throw IoError(what + ": has more than " + std::to_string(page) + " pages");
    }
    std::string form =
        "Action=" + action + "&Version=2016-11-15&MaxResults=" + std::to_string(options.page_size);
    if (!token.empty()) form += "&NextToken=" + lookup::url_encoded(token);
    const lookup::Json answer = lookup::read_aws_answer(call(form, what, with, end), what);
    read(answer, out);
    const std::string next(lookup::text_of(answer, "NextToken"));
    if (next.empty()) return;
    if (next == token) throw IoError(what + ": goes on in circles");
    token = next;
  }
}

AwsClient::AwsClient(AwsClientOptions options) {
  if (!is_region(options.region)) {
    throw ConfigError("'" + options.region + "' is no AWS region such as eu-west-1");
  }
  if (options.page_size < 5 || options.page_size > 1'000 || options.max_attempts == 0) {
    throw ConfigError("pages of EC2 have 5 to 1,000 entries, and a call is tried once at least");
  }
  if (options.endpoint.empty()) options.endpoint = endpoint_of(options.region);
  lookup::require_tls(options.endpoint, "an endpoint of AWS");
  impl_ = std::make_unique<Impl>(std::move(options));
}
AwsClient::~AwsClient() = default;

const std::string& AwsClient::origin() const noexcept { return impl_->origin; }
std::uint64_t AwsClient::repeated() const noexcept { return impl_->repeated; }
std::uint64_t AwsClient::refused() const noexcept { return impl_->refused; }

std::vector<Fact> AwsClient::list(Timestamp now) {
  const auto end = Clock::now() + impl_->options.patience;
  const AwsCredentials credentials = find_aws_credentials(impl_->options);
  lookup::Listing listing;
  // What instances say of themselves comes after what their interfaces say, and stands.
  impl_->list("DescribeNetworkInterfaces", credentials, end, lookup::read_aws_interfaces, listing);
  impl_->list("DescribeInstances", credentials, end, lookup::read_aws_instances, listing);
  impl_->refused += listing.refused;
  const lookup::Speaker speaker{impl_->options.site, FactSource::cloud, impl_->origin, now};
  std::vector<Fact> facts;
  for (const lookup::Machine& machine : listing.machines) lookup::say(speaker, machine, facts);
  return facts;
}

}  // namespace flowlens
