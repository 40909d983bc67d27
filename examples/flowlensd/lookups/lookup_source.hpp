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

struct LookupSource {
  std::string source;  ///< which kind, as metrics name it: `hosts`
  std::unique_ptr<FactLister> lister;
  std::chrono::milliseconds interval{};
  std::filesystem::path file{};  ///< read again when it changes; empty: there is none
  /// What is to be said of its last list, such as lines that are broken; empty: nothing.
  std::function<std::string()> remark{};
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
  std::string remark;                    ///< on the last success
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
