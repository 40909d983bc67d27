// An enricher of one's own: whose network an address lies in, from a table of prefixes and teams. It labels flows, and
// tells the map of it by facts, so that whoever reads the map sees the team beside the asset.
//   own_enricher TEAMS.csv CAPTURE.pcap        the table has two columns, `prefix` and `team`
#include <flowlens/capture_reader.hpp>
#include <flowlens/csv_table.hpp>
#include <flowlens/decoder.hpp>
#include <flowlens/error.hpp>
#include <flowlens/resolver.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

/// Small labels instead of texts, as flowlens::Enricher does it: one number beside each end of a flow. 0: nobody's.
class TeamEnricher {
 public:
  /// \throws flowlens::ConfigError that names the line.
  explicit TeamEnricher(const std::string& path) {
    std::ifstream file{path};
    if (!file) throw flowlens::ConfigError(path + ": cannot be read");
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    constexpr std::array<std::string_view, 2> kColumns{"prefix", "team"};
    flowlens::CsvTable table{text, path, kColumns, 2};
    while (table.next()) {
      const auto prefix = flowlens::IpPrefix::parse(table[0]);
      if (!prefix) table.fail('`' + table[0] + "` is no network, such as 10.1.0.0/16");
      rules_.emplace_back(*prefix, id_of(table[1]));
    }
    // The longest first, so that the first that fits is the most specific.
    std::ranges::stable_sort(rules_, std::ranges::greater{},
                             [](const Rule& rule) { return rule.first.length; });
  }

  [[nodiscard]] std::size_t team(const flowlens::IpAddress& address) const noexcept {
    for (const auto& [prefix, team] : rules_) {
      if (prefix.contains(address)) return team;
    }
    return 0;
  }
  [[nodiscard]] const std::string& name(std::size_t team) const { return names_.at(team); }

 private:
  using Rule = std::pair<flowlens::IpPrefix, std::size_t>;

  std::size_t id_of(const std::string& name) {
    const auto found = std::ranges::find(names_, name);
    if (found == names_.end()) names_.push_back(name);
    return static_cast<std::size_t>(std::ranges::find(names_, name) - names_.begin());
  }

  std::vector<Rule> rules_;
  std::vector<std::string> names_{"nobody"};
};

class Run {
 public:
  explicit Run(const std::string& teams) : enricher_(teams) {
    resolver_.begin(flowlens::Epoch{1}, 0);
  }

  void read(const std::string& capture) {
    flowlens::CaptureReader reader{capture};
    flowlens::CaptureItem item;
    while (reader.next(item)) {
      batch_.clear();
      if (item.is_datagram) {
        now_ = std::max(now_, item.datagram.received);
        decoder_.decode(item.datagram.octets, item.datagram.session, item.datagram.received,
                        batch_);
      } else {
        now_ = std::max(now_, item.packet.captured);
        decoder_.decode(item.packet, batch_);
      }
      count();
      resolver_.add(batch_, now_);
    }
    const auto revision = resolver_.finish(now_);
    tell(revision);
  }

  void show() const {
    for (const auto& [pair, octets] : octets_) {
      std::printf("%s -> %s: %llu octets\n", enricher_.name(pair.first).c_str(),
                  enricher_.name(pair.second).c_str(), static_cast<unsigned long long>(octets));
    }
    std::set<std::string> lines;
    for (const flowlens::EndpointFacts& known : resolver_.graph().facts()) {
      for (const flowlens::Fact& fact : known.facts) {
        lines.insert(known.subject.address.to_string() + ' ' + fact.attribute + ' ' + fact.value);
      }
    }
    for (const std::string& line : lines) std::printf("%s\n", line.c_str());
  }

 private:
  void count() {
    for (const flowlens::FlowRecord& flow : batch_.flows) {
      octets_[{enricher_.team(flow.source_address), enricher_.team(flow.destination_address)}] +=
          flow.estimated_octet_count();
    }
  }

  /// A fact for each endpoint that the map has newly found.
  void tell(const flowlens::Revision& revision) {
    std::vector<flowlens::Fact> facts;
    for (const flowlens::AssetRow& asset : revision.assets) {
      for (const flowlens::HeldEndpoint& held : asset.endpoints) {
        const auto team = enricher_.team(held.endpoint.address);
        if (team == 0) continue;
        facts.push_back({.subject = held.endpoint,
                         .attribute = "team",
                         .value = enricher_.name(team),
                         .source = flowlens::FactSource::inventory,
                         .at = now_,
                         .expires = {},
                         .since = {},
                         .origin = "teams"});
      }
    }
    resolver_.add(facts);
  }

  TeamEnricher enricher_;
  flowlens::Decoder decoder_;
  flowlens::FlowBatch batch_;
  flowlens::Resolver resolver_;
  flowlens::Timestamp now_{};
  std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> octets_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: own_enricher TEAMS.csv CAPTURE.pcap\n");
    return 2;
  }
  try {
    Run run{argv[1]};
    run.read(argv[2]);
    run.show();
  } catch (const flowlens::Error& e) {
    std::fprintf(stderr, "own_enricher: %s\n", e.what());
    return 1;
  }
}
