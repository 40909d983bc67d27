// truth: how far the map is from the truth, for FlowLens and for other tools' rules.
#include <charconv>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "truth/classification.hpp"
#include "truth/comparison.hpp"
#include "truth/report.hpp"
#include "truth/sources.hpp"

namespace {

using namespace truth;

constexpr const char* kHelp =
    "truth: how far the map is from the truth, for FlowLens and for other tools' rules\n\n"
    "  truth [OPTIONS] SCENARIO.yaml...        what flowlens-simnet would send\n"
    "  truth [OPTIONS] --pcap FILE TRUTH.csv   what any other tool made\n"
    "  truth [OPTIONS] --types FILE...         what assets are: scenarios, or networks as in\n"
    "                                          tests/truth/foreign\n\n"
    "  --json        for programs\n"
    "  --seed N      another seed than the scenarios have\n"
    "  --examples N  of what is missing, false or turned round on FlowLens' map\n\n"
    "The capture holds export datagrams, ordinary traffic or both. TRUTH.csv has the columns "
    "client,\n"
    "server, protocol and port; of choice octets_to_server, octets_to_client, direction\n"
    "(client_server or peer) and view (wire, network or balanced).\n";

struct Arguments {
  bool help = false;
  bool json = false;
  bool is_capture = false;
  bool is_of_types = false;
  std::optional<std::uint64_t> seed;
  std::size_t examples = 0;
  std::vector<std::string> files;
};

std::uint64_t number(const std::string& option, const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  throw std::invalid_argument(option + ": '" + text + "' is not a whole number");
}

Arguments read_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] {
      if (i + 1 == argc) throw std::invalid_argument(word + " needs a value");
      return number(word, argv[++i]);
    };
    if (word == "--help") {
      arguments.help = true;
    } else if (word == "--json") {
      arguments.json = true;
    } else if (word == "--pcap") {
      arguments.is_capture = true;
    } else if (word == "--types") {
      arguments.is_of_types = true;
    } else if (word == "--seed") {
      arguments.seed = value();
    } else if (word == "--examples") {
      arguments.examples = value();
    } else if (word.starts_with("--")) {
      throw std::invalid_argument("unknown option '" + word + "'; --help lists all");
    } else {
      arguments.files.push_back(word);
    }
  }
  if (!arguments.help && arguments.files.empty()) {
    throw std::invalid_argument("give scenarios, or --pcap FILE TRUTH.csv; --help says more");
  }
  if (arguments.is_capture && arguments.files.size() != 2) {
    throw std::invalid_argument("--pcap wants two files: the capture and TRUTH.csv");
  }
  return arguments;
}

std::vector<ScenarioScores> run(const Arguments& arguments) {
  ScoreOptions options;
  options.max_examples = arguments.examples;
  if (arguments.is_capture) {
    Comparison comparison;
    read_capture(arguments.files[0], comparison.input());
    const TrueMap real = read_true_map(arguments.files[1]);
    return {comparison.finish(arguments.files[0], real, options)};
  }
  std::vector<ScenarioScores> all;
  for (const std::string& file : arguments.files) {
    simnet::Options scenario = truth::scenario(file);
    if (arguments.seed) set_seed(scenario, *arguments.seed);
    all.push_back(compare(std::filesystem::path(file).stem(), scenario, options));
  }
  return all;
}

/// All files together; wrong answers are explained with `--examples`.
void run_types(const Arguments& arguments) {
  TypeScore all;
  std::ostream* wrong = arguments.examples > 0 ? &std::cerr : nullptr;
  for (const std::string& file : arguments.files) {
    if (std::filesystem::path(file).extension() == ".csv") {
      all += score_network(file, wrong);
      continue;
    }
    simnet::Options scenario = truth::scenario(file);
    if (arguments.seed) set_seed(scenario, *arguments.seed);
    all += score_types(scenario, wrong);
  }
  write_types(all, std::cout);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Arguments arguments = read_arguments(argc, argv);
    if (arguments.help) {
      std::cout << kHelp;
      return 0;
    }
    if (arguments.is_of_types) {
      run_types(arguments);
      return 0;
    }
    const std::vector<ScenarioScores> all = run(arguments);
    arguments.json ? write_json(all, std::cout) : write_tables(all, std::cout);
    return 0;
  } catch (const std::invalid_argument& error) {
    std::cerr << "truth: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "truth: " << error.what() << '\n';
    return 1;
  }
}
