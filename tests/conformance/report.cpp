#include "conformance/report.hpp"

#include <iomanip>
#include <ostream>

namespace flowlens::conformance {
namespace {

constexpr std::size_t kProblemsShown = 8;

const char* verdict(const Report& r) { return r.passed() ? "ok" : "FAILED"; }

void print_problems(std::ostream& out, const Report& r) {
  for (std::size_t i = 0; i < r.problems.size() && i < kProblemsShown; ++i) {
    out << "          " << r.problems[i] << '\n';
  }
  if (r.problems.size() > kProblemsShown) {
    out << "          and " << r.problems.size() - kProblemsShown << " more\n";
  }
}

void add(Totals& t, const Report& r) {
  ++t.cases;
  t.passed += r.passed();
  t.records_wanted += r.records_wanted;
  t.records_right += r.records_right;
  t.records_wrong += r.records_wrong;
  t.fields_right += r.fields_right;
  t.fields_wrong += r.fields_wrong;
  t.unconfirmed += r.unconfirmed;
  t.templates_right += r.templates_right;
  t.flow_values += r.flow_values;
  for (const auto& [element, count] : r.elements) t.elements[element] += count;
}

Json describe(const Totals& t) {
  return {{"cases", t.cases},
          {"passed", t.passed},
          {"recordsWanted", t.records_wanted},
          {"recordsRight", t.records_right},
          {"recordsWrong", t.records_wrong},
          {"fieldsRight", t.fields_right},
          {"fieldsWrong", t.fields_wrong},
          {"unconfirmed", t.unconfirmed},
          {"templatesRight", t.templates_right},
          {"flowValues", t.flow_values},
          {"differentElements", t.elements.size()}};
}

}  // namespace

Totals total(const std::vector<Report>& reports) {
  Totals t;
  for (const Report& r : reports) add(t, r);
  return t;
}

std::map<std::string, Totals> total_by_vendor(const std::vector<Report>& reports) {
  std::map<std::string, Totals> vendors;
  for (const Report& r : reports) add(vendors[r.vendor], r);
  return vendors;
}

void print_text(std::ostream& out, const std::vector<Report>& reports) {
  out << std::left << std::setw(8) << "" << std::setw(40) << "case" << std::setw(12) << "protocol"
      << std::setw(14) << "vendor" << std::right << std::setw(11) << "records" << std::setw(13)
      << "fields right" << std::setw(7) << "wrong" << '\n';
  for (const Report& r : reports) {
    const std::string records =
        std::to_string(r.records_right) + "/" + std::to_string(r.records_wanted);
    out << std::left << std::setw(8) << verdict(r) << std::setw(40) << r.name << std::setw(12)
        << r.protocol << std::setw(14) << r.vendor << std::right << std::setw(11) << records
        << std::setw(13) << r.fields_right << std::setw(7) << r.fields_wrong << '\n';
    print_problems(out, r);
  }
  const Totals t = total(reports);
  for (const auto& [vendor, v] : total_by_vendor(reports)) {
    out << vendor << ": " << v.passed << " of " << v.cases << " cases, " << v.records_right
        << " records, " << v.fields_right << " field values of " << v.elements.size()
        << " elements\n";
  }
  out << t.passed << " of " << t.cases << " cases pass.\n"
      << t.records_right << " of " << t.records_wanted << " records, " << t.records_wrong
      << " wrong or not wanted; " << t.fields_right << " field values right, " << t.fields_wrong
      << " wrong, " << t.unconfirmed << " differ where the corpus is unconfirmed; "
      << t.templates_right << " templates, " << t.flow_values << " values of flow records agree.\n";
  out << t.elements.size() << " different elements and members were right.\n";
}

void print_json(std::ostream& out, const std::vector<Report>& reports) {
  Json cases = Json::array();
  for (const Report& r : reports) {
    cases.push_back({{"name", r.name},
                     {"protocol", r.protocol},
                     {"vendor", r.vendor},
                     {"passed", r.passed()},
                     {"recordsWanted", r.records_wanted},
                     {"recordsRight", r.records_right},
                     {"recordsWrong", r.records_wrong},
                     {"fieldsRight", r.fields_right},
                     {"fieldsWrong", r.fields_wrong},
                     {"unconfirmed", r.unconfirmed},
                     {"templatesRight", r.templates_right},
                     {"flowValues", r.flow_values},
                     {"problems", r.problems}});
  }
  const Totals t = total(reports);
  Json vendors = Json::object();
  for (const auto& [vendor, v] : total_by_vendor(reports)) vendors[vendor] = describe(v);
  const Json all = {
      {"cases", cases}, {"vendors", vendors}, {"elements", t.elements}, {"totals", describe(t)}};
  out << all.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace flowlens::conformance
