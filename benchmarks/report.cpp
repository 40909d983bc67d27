#include "report.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace flowlens::bench {
namespace {

using Json = nlohmann::ordered_json;

template <typename... Arguments>
void append(std::string& out, const char* format, Arguments... arguments) {
  char line[512];
  std::snprintf(line, sizeof line, format, arguments...);
  out += line;
}

void append_stages(std::string& out, const WorkloadFigures& figures) {
  for (const StageFigure& stage : figures.stages) {
    const std::string each = std::string(stage.unit) + "s/s";
    char range[48];
    std::snprintf(range, sizeof range, "%.1f to %.1f", stage.ns_least, stage.ns_most);
    char flushing[24] = "";
    if (stage.ns_flushing > 0) std::snprintf(flushing, sizeof flushing, "%.1f", stage.ns_flushing);
    append(out, "%-11s %-16s %8.1f  %-18s %8s  %8.2f M %s\n",
           std::string(name_of(figures.protocol)).c_str(), std::string(stage.name).c_str(),
           stage.ns, range, flushing, stage.per_second() / 1e6, each.c_str());
  }
}

Json stage_json(const StageFigure& stage) {
  return {{"stage", stage.name},
          {"unit", stage.unit},
          {"count", stage.count},
          {"ns", stage.ns},
          {"ns_least", stage.ns_least},
          {"ns_most", stage.ns_most},
          {"ns_flushing", stage.ns_flushing},
          {"per_second", stage.per_second()}};
}

Json workload_json(const WorkloadFigures& figures) {
  Json stages = Json::array();
  for (const StageFigure& stage : figures.stages) stages.push_back(stage_json(stage));
  return {{"protocol", name_of(figures.protocol)},
          {"datagrams", figures.datagrams},
          {"octets", figures.octets},
          {"records", figures.records},
          {"flows", figures.flows},
          {"seconds_of_input", figures.seconds_of_input},
          {"flushes", figures.flushes},
          {"dependencies", figures.dependencies},
          {"ledgers_balanced", figures.ledgers_balanced},
          {"stages", stages}};
}

Json conditions_json(const Conditions& c) {
  return {{"cpu", c.cpu},
          {"cores", c.cores},
          {"pinned_to_core", c.core},
          {"load_average_before", c.load_before},
          {"load_average_after", c.load_after},
          {"system", c.system},
          {"compiler", c.compiler},
          {"flags", c.flags},
          {"flowlens_version", c.version}};
}

}  // namespace

std::string as_table(const Conditions& c, std::span<const WorkloadFigures> workloads,
                     std::size_t repetitions) {
  std::string out;
  append(out, "FlowLens %s, %s, %s\n", std::string(c.version).c_str(), c.compiler.c_str(),
         std::string(c.flags).c_str());
  append(out, "%s, %u cores, pinned to core %d, %s\n", c.cpu.c_str(), c.cores, c.core,
         c.system.c_str());
  append(out, "load average %.2f before, %.2f after; medians of %zu repetitions\n",
         c.load_before[0], c.load_after[0], repetitions);
  for (const WorkloadFigures& w : workloads) {
    append(out,
           "%s: %llu datagrams, %llu octets, %llu records, %llu flows over %.0f s; "
           "%llu flushes; %llu dependencies; ledgers %s\n",
           std::string(name_of(w.protocol)).c_str(), static_cast<unsigned long long>(w.datagrams),
           static_cast<unsigned long long>(w.octets), static_cast<unsigned long long>(w.records),
           static_cast<unsigned long long>(w.flows), w.seconds_of_input,
           static_cast<unsigned long long>(w.flushes),
           static_cast<unsigned long long>(w.dependencies),
           w.ledgers_balanced ? "balance" : "DO NOT BALANCE");
  }
  append(out, "\n%-11s %-16s %8s  %-18s %8s\n", "protocol", "stage", "ns each", "range",
         "flushing");
  for (const WorkloadFigures& figures : workloads) append_stages(out, figures);
  return out;
}

std::string as_json(const Conditions& c, std::span<const WorkloadFigures> workloads,
                    std::size_t repetitions) {
  Json list = Json::array();
  for (const WorkloadFigures& figures : workloads) list.push_back(workload_json(figures));
  const Json document = {
      {"conditions", conditions_json(c)}, {"repetitions", repetitions}, {"workloads", list}};
  return document.dump(2) + "\n";
}

}  // namespace flowlens::bench
