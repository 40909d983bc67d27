#include "truth/report.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>

namespace truth {
namespace {

using nlohmann::json;

std::string percent(double share, int digits = 2) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, share * 100);
  return text.data();
}

void write_row(std::ostream& out, const std::vector<std::string>& cells) {
  for (const std::string& cell : cells) out << "| " << cell << ' ';
  out << "|\n";
}

void write_head(std::ostream& out, const std::vector<std::string>& cells) {
  write_row(out, cells);
  for (std::size_t i = 0; i < cells.size(); ++i) out << (i == 0 ? "|---" : "|--:");
  out << "|\n";
}

std::string accuracy(const Tally& tally) {
  return tally.decided() == 0 ? "" : percent(tally.accuracy(), 3);
}

void write_overview(const std::vector<ScenarioScores>& all, std::ostream& out) {
  write_head(out,
             {"scenario", "tool", "precision", "recall", "undecided", "direction", "handshake",
              "flags", "sampled", "other", "peers", "false ephemeral", "octet error", "by edge"});
  for (const ScenarioScores& scenario : all) {
    for (const Score& s : scenario.tools) {
      std::vector<std::string> cells = {scenario.scenario,
                                        s.name,
                                        percent(s.precision()),
                                        percent(s.recall()),
                                        std::to_string(s.edges_undecided),
                                        accuracy(s.direction())};
      for (const Tally& tally : s.by_kind) cells.push_back(accuracy(tally));
      cells.push_back(accuracy(s.peers));
      cells.push_back(percent(s.false_ephemeral_share(), 3));
      cells.push_back(percent(s.octet_error(), 3));
      cells.push_back(percent(s.octet_error_by_edge(), 3));
      write_row(out, cells);
    }
  }
}

void write_applications(const std::vector<ScenarioScores>& all, std::ostream& out) {
  write_head(out, {"scenario", "precision", "recall", "edges", "octet error by edge"});
  for (const ScenarioScores& scenario : all) {
    const ApplicationScore& s = scenario.application;
    write_row(out, {scenario.scenario, percent(s.precision()), percent(s.recall()),
                    std::to_string(s.edges_true), percent(s.octet_error_by_edge(), 3)});
  }
}

void write_rungs(const std::vector<ScenarioScores>& all, std::ostream& out) {
  write_head(out, {"scenario", "rung", "right", "wrong", "undecided", "accuracy"});
  for (const ScenarioScores& scenario : all) {
    for (const auto& [rung, tally] : scenario.tools.front().by_evidence) {
      write_row(out,
                {scenario.scenario, rung, std::to_string(tally.right), std::to_string(tally.wrong),
                 std::to_string(tally.undecided), accuracy(tally)});
    }
  }
}

void write_calibration(const std::vector<ScenarioScores>& all, std::ostream& out) {
  write_head(out, {"scenario", "mean confidence", "edges", "right"});
  for (const ScenarioScores& scenario : all) {
    for (const ConfidenceBucket& b : scenario.tools.front().buckets) {
      if (b.edges == 0) continue;
      const auto edges = static_cast<double>(b.edges);
      write_row(out, {scenario.scenario, percent(b.confidence / edges, 1), std::to_string(b.edges),
                      percent(static_cast<double>(b.right) / edges, 1)});
    }
  }
}

json to_json(const Tally& t) {
  return {{"right", t.right},
          {"wrong", t.wrong},
          {"undecided", t.undecided},
          {"missing", t.missing},
          {"accuracy", t.accuracy()}};
}

json to_json(const ApplicationScore& s) {
  return {{"edges_true", s.edges_true},   {"edges_found", s.edges_found},
          {"edges_right", s.edges_right}, {"precision", s.precision()},
          {"recall", s.recall()},         {"octet_error_by_edge", s.octet_error_by_edge()},
          {"examples", s.examples}};
}

json to_json(const Score& s) {
  json j = {{"tool", s.name},
            {"edges_true", s.edges_true},
            {"edges_found", s.edges_found},
            {"edges_right", s.edges_right},
            {"edges_undecided", s.edges_undecided},
            {"edges_turned", s.edges_turned},
            {"false_ephemeral", s.false_ephemeral},
            {"precision", s.precision()},
            {"recall", s.recall()},
            {"direction", to_json(s.direction())},
            {"peers", to_json(s.peers)},
            {"false_ephemeral_share", s.false_ephemeral_share()},
            {"octets_true", s.octets_true},
            {"octets_found", s.octets_found},
            {"octet_error", s.octet_error()},
            {"octet_error_by_edge", s.octet_error_by_edge()},
            {"calibration_error", s.calibration_error()},
            {"examples", s.examples}};
  for (std::size_t i = 0; i < kEvidenceKindCount; ++i) {
    j["by_kind"][std::string(to_string(static_cast<EvidenceKind>(i)))] = to_json(s.by_kind[i]);
  }
  for (const auto& [name, tally] : s.by_evidence) j["by_evidence"][name] = to_json(tally);
  for (const ConfidenceBucket& b : s.buckets) {
    if (b.edges == 0) continue;
    j["calibration"].push_back({{"edges", b.edges},
                                {"right", b.right},
                                {"confidence", b.confidence / static_cast<double>(b.edges)}});
  }
  return j;
}

}  // namespace

void write_tables(const std::vector<ScenarioScores>& all, std::ostream& out) {
  out << "In percent, but for undecided edges; direction by conversation and window.\n\n";
  write_overview(all, out);
  out << "\nFlowLens' application view:\n\n";
  write_applications(all, out);
  out << "\nFlowLens by the rung that decided:\n\n";
  write_rungs(all, out);
  out << "\nFlowLens by direction_confidence of the edges:\n\n";
  write_calibration(all, out);
  for (const ScenarioScores& scenario : all) {
    for (const std::string& example : scenario.tools.front().examples) {
      out << scenario.scenario << ": " << example << '\n';
    }
    for (const std::string& example : scenario.application.examples) {
      out << scenario.scenario << ": " << example << '\n';
    }
  }
}

void write_json(const std::vector<ScenarioScores>& all, std::ostream& out) {
  json j = json::array();
  for (const ScenarioScores& scenario : all) {
    json tools = json::array();
    for (const Score& s : scenario.tools) tools.push_back(to_json(s));
    j.push_back({{"scenario", scenario.scenario},
                 {"tools", std::move(tools)},
                 {"application_view", to_json(scenario.application)}});
  }
  out << j.dump(2) << '\n';
}

}  // namespace truth
