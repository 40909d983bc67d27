// truth: how far the map is from the truth, for FlowLens and for other tools' rules.
#include <exception>
#include <iostream>
#include <stdexcept>

#include "options.hpp"
#include "truth/baselines.hpp"
#include "truth/map_run.hpp"
#include "truth/report.hpp"
#include "truth/sources.hpp"

namespace {

using namespace truth;

constexpr const char* kHelp =
    "truth: how far the map is from the truth, for FlowLens and for other tools' rules\n\n"
    "  truth [--json] [--examples N] --pcap FILE TRUTH.csv      what any tool made\n"
    "  truth [--json] [--examples N] --simnet [SIMNET OPTIONS]  what flowlens-simnet would send\n\n"
    "TRUTH.csv has the columns client, server, protocol and port; octets_to_server,\n"
    "octets_to_client and direction (client_server or peer) if they are known.\n";

struct Arguments {
  bool json = false;
  std::size_t examples = 0;
  std::vector<char*> rest;
};

Arguments read_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json") {
      arguments.json = true;
    } else if (word == "--examples" && i + 1 < argc) {
      arguments.examples = std::stoul(argv[++i]);
    } else {
      arguments.rest.assign(argv + i, argv + argc);
      break;
    }
  }
  return arguments;
}

ScenarioScores run(const Arguments& arguments) {
  MapRun flowlens;
  Conversations conversations;
  const TakeFlows take = [&](std::span<const flowlens::FlowRecord> flows, flowlens::Timestamp now) {
    conversations.add(flows);
    flowlens.add(flows, now);
  };
  ScenarioScores scores;
  TrueMap real;
  const std::string what = arguments.rest.empty() ? "" : arguments.rest[0];
  if (what == "--pcap" && arguments.rest.size() == 3) {
    scores.scenario = arguments.rest[1];
    real = read_true_map(arguments.rest[2]);
    read_capture(arguments.rest[1], take);
  } else if (what == "--simnet") {
    std::vector<char*> words(arguments.rest.begin() + 1, arguments.rest.end());
    std::string list = "--list";
    words.push_back(list.data());
    const simnet::Options options = simnet::parse_options(words);
    scores.scenario = "simnet";
    real = simulate(options.world, options.simulation, take);
  } else {
    throw std::invalid_argument("give --pcap FILE TRUTH.csv or --simnet; --help says more");
  }
  flowlens.finish();

  ScoreOptions options;
  options.max_examples = arguments.examples;
  scores.tools.push_back(score(flowlens, real, conversations, options));
  for (const auto& baseline : make_baselines(conversations)) {
    scores.tools.push_back(score(*baseline, real, conversations));
  }
  return scores;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Arguments arguments = read_arguments(argc, argv);
    if (!arguments.rest.empty() && std::string(arguments.rest[0]) == "--help") {
      std::cout << kHelp;
      return 0;
    }
    const std::vector<ScenarioScores> all = {run(arguments)};
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
