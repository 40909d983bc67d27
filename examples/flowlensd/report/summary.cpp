#include "report/summary.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iomanip>
#include <string>
#include <vector>

namespace flowlensd {
namespace {

constexpr std::size_t kTop = 10;

/// 1,234,567
std::string grouped(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

/// 1.2 GB
std::string octets_text(std::uint64_t n) {
  constexpr std::array<const char*, 6> kUnits{"B", "kB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(n);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text.data();
}

void line(std::ostream& out, const char* name, const std::string& value) {
  out << "  " << std::left << std::setw(24) << name << value << '\n';
}

void print_reasons(std::ostream& out, const DiagnosticCounts& counts, const char* unit) {
  for (std::size_t i = 1; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const auto code = static_cast<DiagnosticCode>(i);
    const std::string where(clause(code));
    out << "    " << grouped(counts[i]) << ' ' << unit << ": " << reason(code)
        << (where.empty() ? "" : " (" + where + ")") << '\n';
  }
}

void print_capture(std::ostream& out, const InputFile& f) {
  line(out, "capture",
       f.path.string() + ": " + grouped(f.capture.packets) + " packets, of them " +
           grouped(f.capture.datagrams) + " exporters' datagrams and " +
           grouped(f.capture.traffic) + " of traffic itself");
  if (f.capture.fragments > 0) {
    line(out, "", grouped(f.capture.fragments) + " IP fragments passed over");
  }
}

void print_ipfix_file(std::ostream& out, const InputFile& f) {
  line(out, "IPFIX file", f.path.string() + ": " + grouped(f.ipfix.messages) + " messages");
  if (f.ipfix.damaged > 0) {
    line(out, "",
         grouped(f.ipfix.skipped_octets) + " octets skipped in " + grouped(f.ipfix.damaged) +
             " places where no message stands, the first at octet " +
             std::to_string(f.ipfix.first_damage));
  }
}

void print_log(std::ostream& out, const InputFile& f) {
  const FlowLogCounters& c = f.log;
  line(out, "flow log",
       f.path.string() + ": " + std::string(to_string(f.log_format)) + ", " + grouped(c.records) +
           " records, of them " + grouped(c.conversations) + " with " + grouped(c.flows) +
           " flows");
  const std::pair<std::uint64_t, const char*> without[] = {
      {c.no_data, "intervals without traffic"},
      {c.skipped_data, "intervals that the log itself could not record"},
      {c.beginnings, "beginnings, without counts"},
      {c.others, "records of other kinds"},
      {c.refused, "records refused"}};
  for (const auto& [count, what] : without) {
    if (count > 0) line(out, "", grouped(count) + ' ' + what);
  }
  for (const FlowLogProblem& p : f.log_problems) {
    out << "    " << f.path.string() << ':' << to_string(p) << '\n';
  }
}

void print_files(std::ostream& out, const CaptureReport& report) {
  for (const InputFile& f : report.files) {
    switch (f.kind) {
      case InputKind::capture:
        print_capture(out, f);
        break;
      case InputKind::ipfix_file:
        print_ipfix_file(out, f);
        break;
      case InputKind::flow_log:
        print_log(out, f);
        break;
    }
    if (!f.problem.empty()) line(out, "", "ended early: " + f.problem);
  }
}

void print_ledgers(std::ostream& out, const DecoderAccount& d, const FlowLedger& flows) {
  line(out, "datagrams",
       grouped(d.datagrams.received) + ", of them accepted " + grouped(d.datagrams.accepted));
  print_reasons(out, d.datagrams.refused, "refused");
  line(out, "octets",
       grouped(d.octets.accepted) + ": decoded " + grouped(d.octets.decoded) + ", header " +
           grouped(d.octets.header) + ", templates " + grouped(d.octets.templates) + ", options " +
           grouped(d.octets.options) + ", padding " + grouped(d.octets.padding) + ", waiting " +
           grouped(d.octets.waiting) + ", skipped " + grouped(sum(d.octets.skipped)));
  print_reasons(out, d.octets.skipped, "octets skipped");
  line(out, "flows",
       grouped(flows.normalized) + ": applied " + grouped(flows.applied) + ", duplicate " +
           grouped(flows.duplicate) + ", attempt " + grouped(flows.attempt) + ", control " +
           grouped(flows.control) + ", late " + grouped(flows.late_carried));
  for (std::size_t i = 0; i < flows.dropped.size(); ++i) {
    if (flows.dropped[i] == 0) continue;
    out << "    " << grouped(flows.dropped[i])
        << " dropped: " << reason(static_cast<FlowDropReason>(i)) << '\n';
  }
}

std::uint64_t octets_of(const DependencyRow& d) {
  return d.totals.estimated_octets_to_server + d.totals.estimated_octets_to_client;
}

std::vector<DependencyRow> top_dependencies(const DependencyGraph& graph) {
  std::vector<DependencyRow> rows;
  DependencyQuery query;
  query.limit = 1'000;
  while (true) {
    auto page = graph.dependencies(query);
    rows.insert(rows.end(), page.rows.begin(), page.rows.end());
    std::sort(rows.begin(), rows.end(), [](const DependencyRow& a, const DependencyRow& b) {
      return octets_of(a) != octets_of(b) ? octets_of(a) > octets_of(b) : a.id < b.id;
    });
    rows.resize(std::min(rows.size(), kTop));
    if (!page.has_more) return rows;
    query.after = page.next;
  }
}

void print_top(std::ostream& out, const DependencyGraph& graph) {
  const auto rows = top_dependencies(graph);
  if (rows.empty()) return;
  out << "\nThe dependencies with the most octets\n";
  for (const DependencyRow& d : rows) {
    const std::string_view service = service_name(d.service);
    const std::string_view protocol = protocol_name(d.key.protocol);
    const std::string name =
        (protocol.empty() ? std::to_string(d.key.protocol) : std::string(protocol)) + "/" +
        std::to_string(d.key.port) + (service.empty() ? "" : " " + std::string(service));
    out << "  " << std::left << std::setw(24) << d.key.client.address.to_string() << " -> "
        << std::setw(24) << d.key.server.address.to_string() << ' ' << std::setw(22) << name << ' '
        << std::right << std::setw(10) << octets_text(octets_of(d)) << std::setw(12)
        << grouped(d.totals.flows) << " flows\n";
  }
}

void print_warnings(std::ostream& out, const CaptureReport& report, const DecoderAccount& d) {
  if (d.parser.sets_waiting + d.parser.sets_given_up > 0) {
    out << "\nwarning: " << grouped(d.parser.sets_waiting + d.parser.sets_given_up)
        << " data sets came without a template. Exporters repeat templates every few minutes: a "
           "longer capture, or one that begins at the exporter's start, holds them.\n";
  }
  if (report.was_stopped) out << "\nwarning: stopped before the end of the input\n";
  if (report.datagrams + report.traffic + report.logged == 0) {
    out << "\nwarning: no packet of the input could be used. Captures of exporters hold UDP; with "
           "--input-kind traffic every packet counts.\n";
  } else if (report.datagrams > 0 && report.traffic > 0) {
    out << "\nwarning: the input holds exporters' datagrams and other traffic, and the map shows "
           "both; --input-kind exporters or traffic takes one of them alone.\n";
  }
}

}  // namespace

void print_summary(std::ostream& out, const CaptureReport& report, const Service& service,
                   double seconds) {
  const DecoderAccount decoders = service.accounts.total();
  const MapView map = service.writer.view();
  print_files(out, report);
  if (report.datagrams + report.traffic + report.logged > 0) {
    line(out, "captured", to_string(report.first) + " to " + to_string(report.last));
  }
  print_ledgers(out, decoders, map.flows);
  line(out, "exporters", grouped(service.accounts.exporters().size()));
  line(out, "assets", grouped(map.graph.assets));
  line(out, "dependencies", grouped(map.graph.dependencies));
  std::array<char, 96> took{};
  std::snprintf(took.data(), took.size(), "%.2f s, %s flows/s", seconds,
                grouped(static_cast<std::uint64_t>(static_cast<double>(report.flows) /
                                                   std::max(seconds, 1e-9)))
                    .c_str());
  line(out, "took", took.data());
  print_top(out, service.graph);
  print_warnings(out, report, decoders);
  out.flush();
}

void print_progress(const CaptureReport& report, double seconds) {
  static const bool is_terminal = isatty(STDERR_FILENO) != 0;
  if (!is_terminal || seconds < 1) return;
  std::fprintf(stderr, "\r%s packets, %s flows, at %s ",
               grouped(report.datagrams + report.traffic).c_str(), grouped(report.flows).c_str(),
               to_string(report.last).c_str());
}

}  // namespace flowlensd
