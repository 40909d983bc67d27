// Decodes every case of the conformance corpus, or of any directory of its format, and compares it
// with what independent decoders saw. Ends with 0 if every case passes, 1 if one does not, 2 if the
// directory or the command line makes no sense, 77 if there are no cases.
#include <algorithm>
#include <exception>
#include <iostream>

#include "conformance/arguments.hpp"
#include "conformance/case_file.hpp"
#include "conformance/report.hpp"
#include "conformance/run.hpp"

namespace {

using namespace flowlens::conformance;

int run(const Arguments& arguments) {
  const auto names = list_cases(arguments.corpus, arguments.cases);
  if (names.empty()) {
    std::cout << "no cases in " << arguments.corpus << ": nothing to check\n";
    return kSkipped;
  }
  std::vector<Report> reports;
  for (const std::string& name : names) {
    reports.push_back(run_case(load_case(arguments.corpus / name)));
  }
  (arguments.json ? print_json : print_text)(std::cout, reports);
  const Totals totals = total(reports);
  return totals.passed == totals.cases ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = read_arguments(argc, argv, "corpus");
  if (!arguments) return 2;
  try {
    return run(*arguments);
  } catch (const std::exception& e) {
    std::cerr << "conformance: " << e.what() << '\n';
    return 2;
  }
}
