/// \file
/// lookups: a source of facts that is asked from time to time, and how it does.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "flowlens/fact_lister.hpp"
#include "library.hpp"

namespace flowlensd {

/// What of a list could not be used.
struct LookupRemarks {
  std::uint64_t broken = 0;       ///< entries that are not as they should be
  std::uint64_t passed_over = 0;  ///< sound ones that say nothing of one machine, such as 127.0.0.1
  std::uint64_t beyond = 0;       ///< past a limit
  std::string first_error{};      ///< of `broken`, where the source says it in words

  /// What people should know of it; empty: nothing.
  [[nodiscard]] std::string words() const;
};

struct LookupSource {
  std::string source;  ///< which kind, as metrics name it: `hosts`
  std::unique_ptr<FactLister> lister;
  std::chrono::milliseconds interval{};
  std::filesystem::path file{};  ///< read again when it changes; empty: there is none
  /// On its last list. By the thread that asked.
  std::function<LookupRemarks()> remarks{};
  /// For one that hears of changes by itself: whether it should be asked now. Any thread.
  std::function<bool()> has_news{};
  /// At the end of the program: makes a list() that is under way come back soon. Any thread.
  std::function<void()> stop{};
};

struct LookupStatus {
  std::string source;
  std::string origin;  ///< as its facts name it
  std::chrono::milliseconds interval{};
  std::optional<Timestamp> last_success;
  std::string last_error;  ///< empty: the last try went well, or there was none
  std::optional<Timestamp> last_error_at;
  LookupRemarks remarks;                 ///< on the last success
  std::optional<Timestamp> asked_since;  ///< it has not answered yet
  std::uint64_t successes = 0;
  std::uint64_t failures = 0;
  std::size_t facts = 0;      ///< that it says now
  std::uint64_t refused = 0;  ///< in all

  /// `waiting`, `ok` or `failing`
  [[nodiscard]] const char* state() const noexcept {
    if (!last_error.empty()) return "failing";
    return last_success ? "ok" : "waiting";
  }
};

}  // namespace flowlensd
