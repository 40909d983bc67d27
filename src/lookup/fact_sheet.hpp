/// \file
/// lookup: what is written down while a file of facts is read, within its limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/fact.hpp"
#include "flowlens/fact_file.hpp"
#include "flowlens/time.hpp"

namespace flowlens::lookup {

/// `text` for a message: short, printable ASCII, in backticks.
[[nodiscard]] std::string shown(std::string_view text);
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
/// ASCII only.
[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] bool is_equal_word(std::string_view a, std::string_view lower_case) noexcept;
[[nodiscard]] std::optional<std::int64_t> number(std::string_view text) noexcept;
/// Seconds since 1970 that a Timestamp can hold.
[[nodiscard]] std::optional<Timestamp> unix_time(std::string_view seconds) noexcept;
/// `52:54:00:12:34:56` of `52:54:0:12:34:56`, `52-54-00-12-34-56` or `5254.0012.3456`; nothing for what is
/// no MAC address, or that of nobody (all zeros, all ones).
[[nodiscard]] std::string mac_text(std::string_view text);
/// Letters, digits, `-`, `_` and points: what stands in the DNS for a host. A point at the end is dropped.
/// \return empty for anything else.
[[nodiscard]] std::string_view host_name(std::string_view text) noexcept;
/// UTF-8 without control characters, 1 to kLongestFactValue octets.
[[nodiscard]] bool is_value(std::string_view text) noexcept;
/// Not one that many machines have, nor one that is nobody's.
[[nodiscard]] bool is_of_one_machine(const IpAddress& address) noexcept;
/// Of names that belong together, as one value: `a, b`. Those that no longer fit are left out.
[[nodiscard]] std::string joined(const std::vector<std::string>& names, std::size_t first = 0);

/// Lines of a text, with numbers, without their ends (LF or CR LF).
class Lines {
 public:
  explicit Lines(std::string_view text, std::size_t line = 0) : rest_(text), line_(line) {}
  bool next(std::string_view& line) noexcept;
  [[nodiscard]] std::size_t number() const noexcept { return line_; }

 private:
  std::string_view rest_;
  std::size_t line_;
};

class FactSheet {
 public:
  FactSheet(const FactFileOptions& options, const std::string& origin, Timestamp now,
            FactFileReport& report)
      : options_(options), origin_(origin), now_(now), report_(report) {}

  /// A fact as it begins: of `address` at the file's site, said now.
  [[nodiscard]] Fact about(const IpAddress& address, FactSource source) const;
  /// Takes a fact; `line` is where it stands, 0 for nowhere in particular.
  void add(Fact fact, std::string_view attribute, std::string_view value, std::size_t line);
  void broken(std::size_t line, const std::string& what) { broken(options_.path, line, what); }
  void broken(const std::filesystem::path& file, std::size_t line, const std::string& what);
  void pass_over() noexcept { ++report_.passed_over; }
  void leave_out() noexcept { ++report_.beyond; }

  [[nodiscard]] const FactFileOptions& options() const noexcept { return options_; }
  [[nodiscard]] Timestamp now() const noexcept { return now_; }
  [[nodiscard]] std::vector<Fact> take() noexcept { return std::move(facts_); }

 private:
  const FactFileOptions& options_;
  const std::string& origin_;
  Timestamp now_;
  FactFileReport& report_;
  std::vector<Fact> facts_;
};

}  // namespace flowlens::lookup
