// Feeds every hostile datagram of the corpus to the library and checks what becomes of it.
#include <algorithm>
#include <exception>
#include <iomanip>
#include <iostream>

#include "conformance/arguments.hpp"
#include "conformance/case_file.hpp"
#include "conformance/hostile_run.hpp"

namespace {

using namespace flowlens::conformance;

std::vector<std::filesystem::path> list_files(const Arguments& arguments) {
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::is_directory(arguments.corpus)) return files;
  for (const auto& entry : std::filesystem::directory_iterator{arguments.corpus}) {
    const auto& path = entry.path();
    const auto wanted = [&path](const std::string& glob) {
      return matches_glob(path.stem().string(), glob);
    };
    if (path.extension() != ".json") continue;
    if (arguments.cases.empty() || std::ranges::any_of(arguments.cases, wanted)) {
      files.push_back(path);
    }
  }
  std::ranges::sort(files);
  return files;
}

struct Sums {
  std::size_t datagrams = 0, right = 0, reported = 0, silent = 0, good = 0, failed = 0;
  std::map<std::string, std::size_t> verdicts;
};

Sums sum_up(const std::vector<HostileReport>& reports) {
  Sums sums;
  for (const HostileReport& r : reports) {
    sums.datagrams += r.datagrams;
    sums.right += r.right;
    sums.reported += r.reported;
    sums.silent += r.silent;
    sums.good += r.good_datagrams;
    sums.failed += !r.passed();
    for (const auto& [verdict, count] : r.verdicts) sums.verdicts[verdict] += count;
  }
  return sums;
}

void print_text(const std::vector<HostileReport>& reports) {
  for (const HostileReport& r : reports) {
    std::cout << std::left << std::setw(8) << (r.passed() ? "ok" : "FAILED") << std::setw(44)
              << r.name << std::right << std::setw(4) << r.right << " of " << std::setw(3)
              << r.datagrams << " right, " << std::setw(3) << r.reported << " reported"
              << (r.silent != 0 ? ", " + std::to_string(r.silent) + " silent" : "") << '\n';
    for (const std::string& problem : r.problems) std::cout << "          " << problem << '\n';
  }
  const Sums sums = sum_up(reports);
  std::cout << reports.size() - sums.failed << " of " << reports.size() << " cases pass; "
            << sums.right << " of " << sums.datagrams << " datagrams as they should be, "
            << sums.reported << " with a diagnostic, " << sums.silent
            << " silent where only an alternative verdict allows it; " << sums.good
            << " good datagrams decoded afterwards.\n";
  for (const auto& [verdict, count] : sums.verdicts) {
    std::cout << "  " << std::left << std::setw(20) << verdict << std::right << std::setw(4)
              << count << '\n';
  }
}

void print_json(const std::vector<HostileReport>& reports) {
  Json cases = Json::array();
  for (const HostileReport& r : reports) {
    cases.push_back({{"name", r.name},
                     {"passed", r.passed()},
                     {"datagrams", r.datagrams},
                     {"right", r.right},
                     {"reported", r.reported},
                     {"silent", r.silent},
                     {"goodDatagrams", r.good_datagrams},
                     {"problems", r.problems}});
  }
  const Sums sums = sum_up(reports);
  const Json all = {{"cases", cases},
                    {"totals",
                     {{"cases", reports.size()},
                      {"failed", sums.failed},
                      {"datagrams", sums.datagrams},
                      {"right", sums.right},
                      {"reported", sums.reported},
                      {"silent", sums.silent},
                      {"goodDatagrams", sums.good},
                      {"verdicts", sums.verdicts}}}};
  std::cout << all.dump(2) << '\n';
}

int run(const Arguments& arguments) {
  const auto files = list_files(arguments);
  if (files.empty()) {
    std::cout << "no cases in " << arguments.corpus << ": nothing to check\n";
    return kSkipped;
  }
  std::vector<HostileReport> reports;
  for (const auto& file : files) reports.push_back(run_hostile(file));
  (arguments.json ? print_json : print_text)(reports);
  return sum_up(reports).failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = read_arguments(argc, argv, "corpus/malformed");
  if (!arguments) return 2;
  try {
    return run(*arguments);
  } catch (const std::exception& e) {
    std::cerr << "malformed: " << e.what() << '\n';
    return 2;
  }
}
