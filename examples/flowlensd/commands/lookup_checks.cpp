// Whether the sources of facts answer, and what they know.
#include <chrono>

#include "commands/checks.hpp"
#include "lookups/listers.hpp"

namespace flowlensd {
namespace {

using Result = Check::Result;

Check check_of(LookupSource& source) {
  try {
    const auto facts = source.lister->list(std::chrono::system_clock::now());
    const std::string remark = source.remarks ? source.remarks().words() : "";
    std::string says = source.lister->origin() + ": " + std::to_string(facts.size()) + " facts";
    if (!remark.empty()) says += "; not all can be used: " + remark;
    const bool is_good = remark.empty() && !facts.empty();
    return {"lookup", is_good ? Result::good : Result::warning, std::move(says),
            facts.empty() ? "it says nothing of any address: is it the right one?" : ""};
  } catch (const std::exception& e) {
    return {"lookup", Result::bad, source.lister->origin() + " does not answer: " + e.what(),
            "until it does, what it said last stands"};
  }
}

}  // namespace

void check_lookups(const Settings& settings, std::vector<Check>& checks) {
  try {
    for (LookupSource& source : make_lookup_sources(settings, SiteTable{})) {
      checks.push_back(check_of(source));
    }
  } catch (const std::exception& e) {
    checks.push_back({"lookup", Result::bad, e.what(), ""});
  }
}

}  // namespace flowlensd
