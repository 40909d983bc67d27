#include "conformance/report.hpp"

#include <iomanip>
#include <ostream>

namespace flowlens::conformance {
namespace {

constexpr std::size_t kProblemsShown = 8;

const char* verdict(const Report& r) {
  if (r.passed()) return "ok";
  return r.required ? "FAILED" : "not yet";
}

void print_problems(std::ostream& out, const Report& r) {
  for (std::size_t i = 0; i < r.problems.size() && i < kProblemsShown; ++i) {
    out << "          " << r.problems[i] << '\n';
  }
  if (r.problems.size() > kProblemsShown) {
    out << "          and " << r.problems.size() - kProblemsShown << " more\n";
  }
}

}  // namespace

Totals total(const std::vector<Report>& reports) {
  Totals t;
  for (const Report& r : reports) {
    ++t.cases;
    t.passed += r.passed();
    t.required += r.required;
    t.required_failed += r.required && !r.passed();
    t.records_wanted += r.records_wanted;
    t.records_right += r.records_right;
    t.records_wrong += r.records_wrong;
    t.fields_right += r.fields_right;
    t.fields_wrong += r.fields_wrong;
    t.unconfirmed += r.unconfirmed;
    t.templates_right += r.templates_right;
    t.flow_values += r.flow_values;
  }
  return t;
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
  out << t.passed << " of " << t.cases << " cases pass; of the " << t.required << " required ones "
      << t.required_failed << " fail.\n"
      << t.records_right << " of " << t.records_wanted << " records, " << t.records_wrong
      << " wrong or not wanted; " << t.fields_right << " field values right, " << t.fields_wrong
      << " wrong, " << t.unconfirmed << " differ where the corpus is unconfirmed; "
      << t.templates_right << " templates, " << t.flow_values << " values of flow records agree.\n";
  for (const Report& r : reports) {
    if (!r.passed() && !r.required) out << "not required yet: " << r.name << '\n';
  }
}

void print_json(std::ostream& out, const std::vector<Report>& reports) {
  Json cases = Json::array();
  for (const Report& r : reports) {
    cases.push_back({{"name", r.name},
                     {"protocol", r.protocol},
                     {"vendor", r.vendor},
                     {"required", r.required},
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
  const Json all = {{"cases", cases},
                    {"totals",
                     {{"cases", t.cases},
                      {"passed", t.passed},
                      {"required", t.required},
                      {"requiredFailed", t.required_failed},
                      {"recordsWanted", t.records_wanted},
                      {"recordsRight", t.records_right},
                      {"fieldsRight", t.fields_right},
                      {"fieldsWrong", t.fields_wrong},
                      {"templatesRight", t.templates_right},
                      {"flowValues", t.flow_values}}}};
  out << all.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace flowlens::conformance
