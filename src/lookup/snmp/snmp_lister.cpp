#include "flowlens/snmp_lister.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "flowlens/error.hpp"
#include "lookup/fact_sheet.hpp"
#include "lookup/snmp/tables.hpp"

namespace flowlens {

namespace {

using lookup::SnmpColumn;
using lookup::SnmpSession;

const lookup::Oid kSystemName = {1, 3, 6, 1, 2, 1, 1, 5, 0};
const lookup::Oid kSystemDescription = {1, 3, 6, 1, 2, 1, 1, 1, 0};

void check(const SnmpOptions& options) {
  if (options.version == SnmpVersion::v2c && options.community.empty()) {
    throw ConfigError("snmp: v2c wants a community");
  }
  if (options.version == SnmpVersion::v3 && options.user.empty()) {
    throw ConfigError("snmp: v3 wants a user");
  }
  if (options.community.size() > 255 || options.user.size() > 32) {
    throw ConfigError("snmp: a community has at most 255 octets, a user 32");
  }
  if (options.port == 0 || options.timeout.count() <= 0 ||
      options.timeout > std::chrono::minutes{1} || options.retries > 10 || options.max_rows == 0 ||
      options.max_facts == 0) {
    throw ConfigError(
        "snmp: port and limits are at least 1, timeout at most 60 s, retries at most 10");
  }
}

/// What an exporter said last, and when.
struct Said {
  std::vector<Fact> facts;
  Timestamp at;
};

}  // namespace

struct SnmpLister::Impl {
  explicit Impl(const SnmpOptions& o) : options(o), keys(lookup::make_snmp_keys(o)) {}

  std::vector<Endpoint> to_ask() {
    const std::lock_guard lock{mutex};
    return exporters;
  }

  /// Asks for everything. \throws IoError if there is no answer.
  std::vector<Fact> ask(const Endpoint& exporter, Timestamp now) {
    SnmpSession session{exporter.address, options, keys, is_over};
    lookup::SnmpTables tables;
    const auto system = session.get({kSystemName, kSystemDescription});
    tables.take_system(system[0].octets, system[1].octets);
    for (std::size_t i = 0; i < lookup::kSnmpColumns; ++i) {
      if (!walk(session, exporter, static_cast<SnmpColumn>(i), tables)) break;
    }
    return tables.tell(exporter, now, options.max_facts, report.beyond);
  }

  /// \return false if there is no time for more.
  bool walk(SnmpSession& session, const Endpoint& exporter, SnmpColumn column,
            lookup::SnmpTables& tables) {
    const auto walk =
        session.walk(oid_of(column), options.max_rows, [&](const lookup::SnmpValue& value) {
          if (!tables.take(column, value)) broken(exporter, "says a row of a table that cannot be");
        });
    if (walk == SnmpSession::Walk::too_many) ++report.beyond;
    if (walk == SnmpSession::Walk::astray) broken(exporter, "says rows of a table in no order");
    if (walk != SnmpSession::Walk::late) return true;
    broken(exporter, "takes too long; what it said until then is used");
    return false;
  }

  void broken(const Endpoint& exporter, const std::string& what) {
    ++report.broken;
    complain(exporter, what);
  }
  void complain(const Endpoint& exporter, const std::string& what) {
    if (report.first_error.empty()) {
      report.first_error = "snmp: " + exporter.address.to_string() + ": " + what;
    }
  }

  void ask_one(const Endpoint& exporter, Timestamp now) {
    try {
      said[exporter] = {ask(exporter, now), now};
      ++report.answered;
    } catch (const IoError& error) {
      ++report.silent;
      complain(exporter, error.what());
      if (silence.empty()) silence = "snmp: " + exporter.address.to_string() + ": " + error.what();
    }
  }

  /// Drops what was said by those no longer asked, and what is too old.
  void forget(const std::vector<Endpoint>& wanted, Timestamp now) {
    std::erase_if(said, [&](const auto& entry) {
      return now - entry.second.at > options.keep ||
             !std::binary_search(wanted.begin(), wanted.end(), entry.first);
    });
  }

  SnmpOptions options;
  lookup::SnmpKeys keys;
  std::string origin = "snmp";
  std::atomic<bool> is_over = false;
  std::mutex mutex;
  std::vector<Endpoint> exporters;  ///< ascending; under the mutex
  std::map<Endpoint, Said> said;
  std::size_t next = 0;  ///< of the exporters, where a list() that ran out of time stopped
  std::string silence;   ///< why the first that did not answer in the last list() did not
  SnmpReport report;
};

SnmpLister::SnmpLister(const SnmpOptions& options)
    : impl_((check(options), std::make_unique<Impl>(options))) {}
SnmpLister::~SnmpLister() = default;

void SnmpLister::ask(std::vector<Endpoint> exporters) {
  std::sort(exporters.begin(), exporters.end());
  exporters.erase(std::unique(exporters.begin(), exporters.end()), exporters.end());
  const std::lock_guard lock{impl_->mutex};
  impl_->exporters = std::move(exporters);
}

void SnmpLister::stop() noexcept { impl_->is_over = true; }

const std::string& SnmpLister::origin() const noexcept { return impl_->origin; }
const SnmpReport& SnmpLister::report() const noexcept { return impl_->report; }

std::vector<Fact> SnmpLister::list(Timestamp now) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + impl_->options.list_limit;
  const std::vector<Endpoint> exporters = impl_->to_ask();
  impl_->report = {};
  impl_->silence.clear();
  impl_->report.exporters = exporters.size();
  std::size_t asked = 0;
  for (; asked < exporters.size() && Clock::now() < deadline && !impl_->is_over; ++asked) {
    impl_->ask_one(exporters[(impl_->next + asked) % exporters.size()], now);
  }
  if (impl_->is_over) throw IoError("snmp: exporters are not asked any more");
  impl_->report.not_asked = exporters.size() - asked;
  if (!exporters.empty()) impl_->next = (impl_->next + asked) % exporters.size();
  impl_->forget(exporters, now);
  if (asked > 0 && impl_->report.answered == 0) {
    throw IoError(impl_->silence + " (nor does any other of " + std::to_string(exporters.size()) +
                  ")");
  }
  std::vector<Fact> facts;
  for (const auto& [exporter, said] : impl_->said) {
    facts.insert(facts.end(), said.facts.begin(), said.facts.end());
  }
  return facts;
}

}  // namespace flowlens
