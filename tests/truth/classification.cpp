#include "truth/classification.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iomanip>
#include <ostream>
#include <sstream>

#include "flowlens/error.hpp"
#include "world.hpp"

namespace truth {

using flowlens::Timestamp;
using std::chrono::hours;

namespace {

constexpr std::chrono::seconds kFlushEvery{300};
constexpr hours kLookEvery{6};

std::size_t index(AssetType t) noexcept { return static_cast<std::size_t>(t); }
constexpr std::size_t kUnknown = 0;

double share(double part, double whole) noexcept { return whole > 0 ? part / whole : 1.0; }

AssetType type_of(const flowlens::AssetRow& row) {
  return flowlens::parse_asset_type(row.asset_type).value_or(AssetType::unknown);
}

}  // namespace

TrueTypes true_types(const simnet::Options& scenario) {
  TrueTypes types;
  const simnet::World world = simnet::build_world(scenario.world);
  for (const simnet::Host& host : world.hosts) {
    const auto type = flowlens::parse_asset_type(host.type);
    if (!type) continue;
    for (const simnet::Address* a : {&host.ipv4, &host.ipv6}) {
      types[*flowlens::IpAddress::parse(a->text())] = *type;
    }
  }
  return types;
}

void TypeScore::add(AssetType truth, AssetType said, double confidence) {
  ++answers[index(truth)][index(said)];
  if (said == AssetType::unknown) return;
  Bin& bin = bins[std::min(bins.size() - 1, static_cast<std::size_t>(confidence * 10))];
  bin.confidence += confidence;
  ++bin.count;
  bin.right += truth == said ? 1 : 0;
  ++sides;
  right_sides += flowlens::is_client_type(truth) == flowlens::is_client_type(said) ? 1 : 0;
}

double TypeScore::f1(AssetType type) const {
  std::uint32_t said = 0, real = 0;
  for (std::size_t i = 0; i < kAssetTypeCount; ++i) {
    said += answers[i][index(type)];
    real += answers[index(type)][i];
  }
  return share(2.0 * answers[index(type)][index(type)], said + real);
}

double TypeScore::macro_f1() const {
  double sum = 0;
  int types = 0;
  for (std::size_t t = 0; t < kAssetTypeCount; ++t) {
    const bool is_there =
        std::any_of(answers[t].begin(), answers[t].end(), [](std::uint32_t n) { return n > 0; });
    if (!is_there || t == kUnknown) continue;
    sum += f1(static_cast<AssetType>(t));
    ++types;
  }
  return share(sum, types);
}

double TypeScore::client_server() const { return share(right_sides, sides); }

double TypeScore::calibration_error() const {
  double off = 0, count = 0;
  for (const Bin& bin : bins) {
    off += std::abs(bin.confidence - bin.right);
    count += bin.count;
  }
  return count > 0 ? off / count : 0.0;
}

double TypeScore::changes_per_day() const {
  return asset_days > 0 ? static_cast<double>(changes) / asset_days : 0.0;
}

TypeScore& TypeScore::operator+=(const TypeScore& o) {
  for (std::size_t i = 0; i < kAssetTypeCount; ++i) {
    for (std::size_t j = 0; j < kAssetTypeCount; ++j) answers[i][j] += o.answers[i][j];
  }
  for (std::size_t i = 0; i < bins.size(); ++i) {
    bins[i].confidence += o.bins[i].confidence;
    bins[i].right += o.bins[i].right;
    bins[i].count += o.bins[i].count;
  }
  sides += o.sides;
  right_sides += o.right_sides;
  changes += o.changes;
  asset_days += o.asset_days;
  return *this;
}

TypeRun::TypeRun(flowlens::ClassifierOptions options) : classifier_(std::move(options)) {
  resolver_.begin({1}, 0);
}

void TypeRun::add(const flowlens::FlowBatch& batch, Timestamp now) {
  resolver_.add(batch, now);
  flush(now);
}

void TypeRun::add(std::span<const flowlens::ConnectionSummary> rows, Timestamp now) {
  resolver_.graph().apply(rows);
  flush(now);
}

void TypeRun::flush(Timestamp now) {
  now_ = now;
  if (now >= next_flush_) {
    next_flush_ = now + kFlushEvery;
    static_cast<void>(resolver_.flush(now));
  }
  if (now < next_look_) return;
  next_look_ = now + kLookEvery;
  look(now);
}

void TypeRun::look(Timestamp now) {
  const std::vector<flowlens::Fact> facts = classifier_.look(resolver_.graph(), now);
  resolver_.add(facts);
  const double days = std::chrono::duration<double>(now - last_look_).count() / 86'400;
  score_.asset_days += days * static_cast<double>(said_.size());
  last_look_ = now;
  for (const flowlens::Fact& fact : facts) {
    const AssetType type = type_of(*resolver_.graph().asset_of(fact.subject));
    const auto [found, is_new] = said_.try_emplace(fact.subject.address, type);
    if (!is_new && found->second != type) ++score_.changes;
    found->second = type;
  }
}

TypeScore TypeRun::finish(const TrueTypes& truth) {
  static_cast<void>(resolver_.finish(now_));
  look(now_ + hours{25});
  TypeScore score = score_;
  for (const flowlens::AssetRow& row : resolver_.graph().copy().assets) {
    const auto found = truth.find(row.endpoints.front().endpoint.address);
    const auto known = classifier_.classification(row.id);
    if (found == truth.end() || !known || known->looked_at == Timestamp::min()) continue;
    score.add(found->second, type_of(row), double{row.type_confidence});
  }
  return score;
}

void TypeRun::explain(const TrueTypes& truth, std::ostream& out) const {
  for (const flowlens::AssetRow& row : resolver_.graph().copy().assets) {
    const auto found = truth.find(row.endpoints.front().endpoint.address);
    if (found == truth.end() || found->second == type_of(row)) continue;
    const auto known = classifier_.classification(row.id);
    if (!known || known->looked_at == Timestamp::min()) continue;
    const auto verdict = classifier_.judge_now(resolver_.graph(), row.id, now_ + hours{25});
    out << found->first.to_string() << " is " << to_string(found->second) << ", said "
        << row.asset_type << '\n';
    for (const flowlens::Contribution& c : verdict->contributions) {
      out << "    " << to_string(c.type) << ' ' << std::showpos << c.weight << std::noshowpos
          << "  " << c.reason << '\n';
    }
  }
}

TypeScore score_types(const simnet::Options& scenario, std::ostream* wrong) {
  TypeRun run;
  static_cast<void>(simulate(
      scenario, [&](const flowlens::FlowBatch& batch, Timestamp now) { run.add(batch, now); }));
  const TrueTypes truth = true_types(scenario);
  const TypeScore score = run.finish(truth);
  if (wrong != nullptr) run.explain(truth, *wrong);
  return score;
}

void write_types(const TypeScore& score, std::ostream& out) {
  out << std::fixed << std::setprecision(3) << "macro-F1 " << score.macro_f1()
      << ", client versus server " << score.client_server() << ", calibration error "
      << score.calibration_error() << ", answers that change per day " << score.changes_per_day()
      << "\n\n| truth | assets | right | F1 | said otherwise |\n|---|---|---|---|---|\n";
  for (std::size_t t = 0; t < kAssetTypeCount; ++t) {
    std::uint32_t all = 0;
    std::string others;
    for (std::size_t s = 0; s < kAssetTypeCount; ++s) {
      const std::uint32_t n = score.answers[t][s];
      all += n;
      if (n == 0 || s == t) continue;
      others += (others.empty() ? "" : ", ") + std::string(to_string(static_cast<AssetType>(s))) +
                " " + std::to_string(n);
    }
    if (all == 0) continue;
    const auto type = static_cast<AssetType>(t);
    out << "| " << to_string(type) << " | " << all << " | " << score.answers[t][t] << " | "
        << score.f1(type) << " | " << others << " |\n";
  }
  out << "\n| confidence | answers | right | mean confidence |\n|---|---|---|---|\n";
  for (std::size_t i = 0; i < score.bins.size(); ++i) {
    const TypeScore::Bin& bin = score.bins[i];
    if (bin.count == 0) continue;
    out << "| " << std::setprecision(1) << static_cast<double>(i) / 10 << " to "
        << static_cast<double>(i + 1) / 10 << " | " << bin.count << " | " << std::setprecision(3)
        << share(bin.right, bin.count) << " | " << share(bin.confidence, bin.count) << " |\n";
  }
}

namespace {

/// Lines `type,ADDRESS,TYPE` and `use,CLIENT,SERVER,PROTOCOL,PORT,FLOWS,TO_SERVER,TO_CLIENT`; an address
/// may end in `x-y`, a range of its last number.
class NetworkFile {
 public:
  explicit NetworkFile(const std::string& path) : path_(path) {
    std::ifstream in(path);
    if (!in) throw flowlens::IoError("cannot open " + path);
    for (std::string line; std::getline(in, line);) {
      ++line_;
      if (line.empty() || line.front() == '#') continue;
      take(line);
    }
  }

  TrueTypes types;
  std::vector<flowlens::ConnectionSummary> rows;

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw flowlens::IoError(path_ + ":" + std::to_string(line_) + ": " + what);
  }

  std::uint64_t number(const std::string& text) const {
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size())
      fail("'" + text + "' is no number");
    return n;
  }

  std::vector<flowlens::IpAddress> addresses(const std::string& text) const {
    const std::size_t dash = text.find('-'), dot = text.rfind('.');
    const bool is_range = dash != std::string::npos;
    const std::string prefix = is_range ? text.substr(0, dot + 1) : "";
    const std::uint64_t first = is_range ? number(text.substr(dot + 1, dash - dot - 1)) : 0;
    const std::uint64_t last = is_range ? number(text.substr(dash + 1)) : 0;
    std::vector<flowlens::IpAddress> all;
    for (std::uint64_t i = first; i <= last; ++i) {
      const auto a = flowlens::IpAddress::parse(is_range ? prefix + std::to_string(i) : text);
      if (!a) fail("'" + text + "' is no address");
      all.push_back(*a);
    }
    return all;
  }

  void take(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
    if (cells.size() == 3 && cells[0] == "type") {
      const auto type = flowlens::parse_asset_type(cells[2]);
      if (!type) fail("'" + cells[2] + "' is no type");
      for (const auto& a : addresses(cells[1])) types[a] = *type;
    } else if (cells.size() == 8 && cells[0] == "use") {
      for (const auto& client : addresses(cells[1])) {
        for (const auto& server : addresses(cells[2])) add_use(client, server, cells);
      }
    } else {
      fail("give type,ADDRESS,TYPE or use,CLIENT,SERVER,PROTOCOL,PORT,FLOWS,TO_SERVER,TO_CLIENT");
    }
  }

  void add_use(const flowlens::IpAddress& client, const flowlens::IpAddress& server,
               const std::vector<std::string>& cells) {
    if (client == server) return;
    flowlens::ConnectionSummary s;
    s.key.client.address = client;
    s.key.server.address = server;
    s.key.protocol = static_cast<std::uint8_t>(cells[3] == "tcp"   ? 6
                                               : cells[3] == "udp" ? 17
                                                                   : number(cells[3]));
    s.key.port = static_cast<std::uint16_t>(number(cells[4]));
    s.service = flowlens::find_service(s.key.protocol, s.key.port);
    s.counts.flows = number(cells[5]);
    s.counts.estimated_octets_to_server = s.counts.octets_to_server = number(cells[6]);
    s.counts.estimated_octets_to_client = s.counts.octets_to_client = number(cells[7]);
    s.added = s.counts;
    s.client_internal = client.is_private();
    s.server_internal = server.is_private();
    s.provisional = false;
    s.rung = flowlens::DirectionRung::tcp_flags;
    s.reasons.add(flowlens::DirectionRung::tcp_flags, true);
    rows.push_back(s);
  }

  std::string path_;
  std::size_t line_ = 0;
};

}  // namespace

TypeScore score_network(const std::string& path, std::ostream* wrong) {
  NetworkFile network(path);
  TypeRun run;
  constexpr Timestamp kBegin{hours{480'000}};
  for (int h = 0; h < 72; ++h) {
    const Timestamp at = kBegin + hours{h};
    for (flowlens::ConnectionSummary& s : network.rows) {
      s.window_start = s.first = at;
      s.last = at + std::chrono::minutes{4};
    }
    run.add(network.rows, at + std::chrono::minutes{10});
  }
  const TypeScore score = run.finish(network.types);
  if (wrong != nullptr) run.explain(network.types, *wrong);
  return score;
}

}  // namespace truth
