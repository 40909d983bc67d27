// Where the AWS command line and its libraries look for credentials, in their order.
#include <cstdlib>
#include <utility>

#include "flowlens/aws_client.hpp"
#include "flowlens/error.hpp"
#include "lookup/json_file.hpp"
#include "lookup/whole_file.hpp"

namespace flowlens {

namespace {

constexpr std::size_t kMostOctets = 1u << 20;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kBlanks = " \t\r";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

bool is_complete(const AwsCredentials& c) noexcept {
  return !c.access_key_id.empty() && !c.secret_access_key.empty();
}

void take_line(std::string_view line, AwsCredentials& out) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view key = trimmed(line.substr(0, equals));
  const std::string_view value = trimmed(line.substr(equals + 1));
  if (key == "aws_access_key_id") out.access_key_id = value;
  if (key == "aws_secret_access_key") out.secret_access_key = value;
  if (key == "aws_session_token") out.session_token = value;
}

AwsCredentials read_profile(std::string_view content, std::string_view profile) {
  AwsCredentials found;
  bool is_ours = false;
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    const std::string_view line = trimmed(content.substr(0, end));
    content.remove_prefix(std::min(end + 1, content.size()));
    if (line.starts_with('#') || line.starts_with(';')) continue;
    if (line.starts_with('[') && line.ends_with(']')) {
      is_ours = trimmed(line.substr(1, line.size() - 2)) == profile;
    } else if (is_ours) {
      take_line(line, found);
    }
  }
  return found;
}

std::filesystem::path shared_file(const AwsClientOptions& options) {
  if (!options.credentials_file.empty()) return options.credentials_file;
  const std::string named = environment("AWS_SHARED_CREDENTIALS_FILE");
  if (!named.empty()) return named;
  const std::string home = environment("HOME");
  return home.empty() ? std::filesystem::path() : std::filesystem::path(home) / ".aws/credentials";
}

}  // namespace

AwsCredentials find_aws_credentials(const AwsClientOptions& options) {
  if (is_complete(options.credentials)) return options.credentials;
  const bool is_file_named = !options.credentials_file.empty() || !options.profile.empty();
  AwsCredentials found{environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                       environment("AWS_SESSION_TOKEN")};
  if (!is_file_named && is_complete(found)) return found;
  const std::filesystem::path path = shared_file(options);
  std::string profile = options.profile;
  if (profile.empty()) profile = environment("AWS_PROFILE");
  if (profile.empty()) profile = "default";
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) {
    throw IoError(
        "no AWS credentials: neither in the settings, nor as AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, nor in " +
        (path.empty() ? std::string("~/.aws/credentials") : path.string()));
  }
  found = read_profile(lookup::read_file(path, kMostOctets), profile);
  if (!is_complete(found)) {
    throw IoError(path.string() + ": has no aws_access_key_id and aws_secret_access_key under [" +
                  profile + "]");
  }
  return found;
}

}  // namespace flowlens
