// flowlensd doctor: whether somebody answers who is asked for names.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "commands/checks.hpp"
#include "flowlens/error.hpp"
#include "lookups/dns_asking.hpp"

namespace flowlensd {
namespace {

using Result = Check::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPatience{1'000};  // for each server
constexpr milliseconds kWait{5'000};

struct Asked {
  std::optional<DnsAnswer> answer;
  std::string problem;
  double seconds = 0;
};

/// Every resolver answers for 127.0.0.1 by itself (RFC 6303), with a name or without.
Asked ask(DnsOptions options) {
  options.timeout = std::min(options.timeout, kPatience);
  options.tries = 1;
  std::mutex mutex;
  std::condition_variable came;
  Asked asked;
  const auto begun = steady_clock::now();
  DnsLookup lookup{options, [&](const DnsAnswer& answer) {
                     const std::lock_guard lock(mutex);
                     asked.answer = answer;
                     came.notify_all();
                   }};
  lookup.ask({{}, IpAddress::v4(0x7f000001)});
  {
    std::unique_lock lock(mutex);
    came.wait_for(lock, kWait, [&] { return asked.answer.has_value(); });
  }
  lookup.stop();
  asked.seconds = std::chrono::duration<double>(steady_clock::now() - begun).count();
  asked.problem = lookup.last_problem();
  return asked;
}

}  // namespace

void check_dns(const Settings& settings, std::vector<Check>& checks) {
  if (!settings.dns_enabled) {
    checks.push_back({"dns", Result::good, "nobody is asked for names", ""});
    return;
  }
  const std::string advice =
      "name servers that answer (enrichment.dns.resolver), or switch it off "
      "(enrichment.dns.enabled); all else works without";
  try {
    const Asked asked = ask(dns_asking_options(settings).dns);
    if (asked.answer && !is_failure(asked.answer->result)) {
      const auto ms = static_cast<int>(asked.seconds * 1'000);
      checks.push_back(
          {"dns", Result::good, "answers within " + std::to_string(ms + 1) + " ms", ""});
      return;
    }
    const std::string why = asked.problem.empty() ? "no answer within 5 s" : asked.problem;
    checks.push_back({"dns", Result::warning, "there will be no names: " + why, advice});
  } catch (const Error& e) {
    checks.push_back({"dns", Result::bad, e.what(), advice});
  }
}

}  // namespace flowlensd
