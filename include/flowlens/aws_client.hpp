/// \file
/// lookup/curl: machines of AWS, from EC2 itself. Of flowlens::lookup, built with FLOWLENS_WITH_CURL.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "flowlens/fact_lister.hpp"

namespace flowlens {

struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  ///< of temporary ones
};

struct AwsClientOptions {
  std::string region;  ///< `eu-west-1`
  /// Empty: those of the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), or
  /// else of the shared file.
  AwsCredentials credentials;
  /// Empty: AWS_SHARED_CREDENTIALS_FILE, or else ~/.aws/credentials.
  std::filesystem::path credentials_file;
  std::string profile;            ///< of that file; empty: AWS_PROFILE, or else `default`
  std::string endpoint;           ///< empty: https://ec2.REGION.amazonaws.com/
  std::filesystem::path ca_file;  ///< empty: whom the system trusts
  SiteId site;
  std::chrono::milliseconds timeout{30'000};    ///< of each call
  std::chrono::milliseconds patience{120'000};  ///< of list() as a whole
  std::chrono::milliseconds first_pause{500};   ///< before a call is repeated; doubled each time
  unsigned max_attempts = 5;                    ///< of each call
  std::size_t page_size = 1'000;                ///< asked for, 5 to 1,000
  std::size_t max_pages = 1'000;                ///< of each of the two lists; more are an error
  std::size_t max_octets = 32u << 20;           ///< of one answer
  std::stop_token stop{};                       ///< list() gives up within a second once asked to
};

/// What the options say, or else the environment, or else the shared file; read anew each time, as they
/// are renewed there. \throws IoError if there are none; the message never has any.
[[nodiscard]] AwsCredentials find_aws_credentials(const AwsClientOptions& options);

/// Calls DescribeNetworkInterfaces and DescribeInstances of one region. The facts are those of
/// CloudInstances, with origin `aws:` and the region. What was throttled or failed at the server is
/// tried again after a pause. Needs the permissions of the two calls and no other.
///
/// Thread-compatible.
class AwsClient : public FactLister {
 public:
  /// \throws ConfigError for a region or limit that is none, or an endpoint without TLS that is not
  ///   on this machine.
  explicit AwsClient(AwsClientOptions options);
  ~AwsClient() override;

  [[nodiscard]] const std::string& origin() const noexcept override;
  /// \throws IoError with call, status and AWS' code of the error.
  [[nodiscard]] std::vector<Fact> list(Timestamp now) override;
  /// Calls that were repeated, since this was made.
  [[nodiscard]] std::uint64_t repeated() const noexcept;
  /// Addresses that are none, since this was made.
  [[nodiscard]] std::uint64_t refused() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
