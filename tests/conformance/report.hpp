/// \file
/// What came out of running the corpus, and how it is shown.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "conformance/case_file.hpp"

namespace flowlens::conformance {

/// The outcome of one case.
struct Report {
  std::string name;
  std::string protocol;
  std::string vendor;
  std::size_t records_wanted = 0;  ///< for sFlow: samples
  std::size_t records_right = 0;
  std::size_t records_wrong = 0;  ///< with a wrong field, or not wanted at all
  std::size_t fields_right = 0;
  std::size_t fields_wrong = 0;
  std::size_t unconfirmed = 0;  ///< differ where the corpus is not sure itself: no fault
  std::size_t templates_right = 0;
  std::size_t flow_values = 0;  ///< values of FlowRecords that were compared, and agreed
  std::map<std::string, std::size_t> elements;  ///< fields that were right, by their key
  std::vector<std::string> problems;

  [[nodiscard]] bool passed() const { return problems.empty(); }
  void right(const std::string& element) {
    ++fields_right;
    ++elements[element];
  }
  void problem(std::string text) { problems.push_back(std::move(text)); }
};

struct Totals {
  std::size_t cases = 0, passed = 0;
  std::size_t records_wanted = 0, records_right = 0, records_wrong = 0;
  std::size_t fields_right = 0, fields_wrong = 0, unconfirmed = 0;
  std::size_t templates_right = 0, flow_values = 0;
  std::map<std::string, std::size_t> elements;
};

[[nodiscard]] Totals total(const std::vector<Report>& reports);
/// The same by vendor.
[[nodiscard]] std::map<std::string, Totals> total_by_vendor(const std::vector<Report>& reports);
void print_text(std::ostream& out, const std::vector<Report>& reports);
void print_json(std::ostream& out, const std::vector<Report>& reports);

}  // namespace flowlens::conformance
