// Decodes every case of the conformance corpus and compares it with what independent decoders saw.
#include <algorithm>
#include <exception>
#include <iostream>

#include "conformance/arguments.hpp"
#include "conformance/case_file.hpp"
#include "conformance/report.hpp"
#include "conformance/run.hpp"

namespace {

using namespace flowlens::conformance;

/// The cases that issue 2 asks for (line S3): these exporters, and every case whose datagrams hold
/// nothing the issue leaves to later ones.
constexpr const char* kRequired[] = {"softflowd-*", "pmacctd-*", "ovs-*",
                                     "nfreplay-*",  "fprobe-*",  "two-exporters-*"};

/// Quirks of datagrams that are broken, or of cases a later issue is about.
constexpr const char* kNotPlain[] = {"message-length-lies"};

bool is_required(const Case& c) {
  const bool named =
      std::ranges::any_of(kRequired, [&c](const char* glob) { return matches_glob(c.name, glob); });
  if (named) return true;
  const Json quirks = c.json.value("quirks", Json::array());
  return std::ranges::none_of(kNotPlain, [&quirks](const char* quirk) {
    return std::ranges::find(quirks, Json(quirk)) != quirks.end();
  });
}

int run(const Arguments& arguments) {
  const auto names = list_cases(arguments.corpus, arguments.cases);
  if (names.empty()) {
    std::cout << "no cases in " << arguments.corpus << ": nothing to check\n";
    return kSkipped;
  }
  std::vector<Report> reports;
  for (const std::string& name : names) {
    const Case c = load_case(arguments.corpus / name);
    reports.push_back(run_case(c));
    reports.back().required = is_required(c);
  }
  (arguments.json ? print_json : print_text)(std::cout, reports);
  return total(reports).required_failed == 0 ? 0 : 1;
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
