#include "truth/score.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace truth {
namespace {

constexpr std::uint16_t kFirstEphemeral = 32768;

double share(std::uint64_t part, std::uint64_t whole, double of_nothing) noexcept {
  return whole == 0 ? of_nothing : static_cast<double>(part) / static_cast<double>(whole);
}

std::uint64_t apart(std::uint64_t a, std::uint64_t b) noexcept { return a > b ? a - b : b - a; }

std::string text(const DependencyKey& key) {
  return key.client.address.to_string() + " -> " + key.server.address.to_string() + ' ' +
         std::string(flowlens::protocol_name(key.protocol)) + '/' + std::to_string(key.port);
}

/// What the flows show of the truth, whoever looks at them.
struct Visible {
  std::set<DependencyKey> edges;   ///< true ones of which a record came
  std::set<DependencyKey> turned;  ///< the same, the wrong way round: on the client's port
  std::set<DependencyKey> pairs;   ///< their ends alone
};

/// Both ends, whoever serves, on whatever port.
DependencyKey pair_of(DependencyKey key) {
  if (key.server < key.client) std::swap(key.client, key.server);
  key.port = 0;
  return key;
}

Visible visible_part(const TrueMap& truth, const Conversations& all) {
  Visible visible;
  for (const auto& [key, c] : all.all()) {
    const TrueAnswer answer = true_answer(truth, key);
    if (answer.kind == TrueAnswer::Kind::none) continue;
    const DependencyKey edge = key.dependency(answer.client_side);
    visible.pairs.insert(pair_of(edge));
    if (!truth.at(edge).is_wire_only) visible.edges.insert(edge);
    if (answer.kind == TrueAnswer::Kind::either) {
      visible.edges.insert(key.dependency(1 - answer.client_side));
    } else if (answer.kind == TrueAnswer::Kind::client_server) {
      visible.turned.insert(key.dependency(1 - answer.client_side));
    }
  }
  return visible;
}

/// A true peer edge is found whichever end stands first.
TrueMap::const_iterator find_true(const TrueMap& truth, const DependencyKey& key) {
  const auto found = truth.find(key);
  if (found != truth.end()) return found;
  DependencyKey turned = key;
  std::swap(turned.client, turned.server);
  const auto peer = truth.find(turned);
  return peer != truth.end() && peer->second.is_peer ? peer : truth.end();
}

class Scoring {
 public:
  Scoring(const Contender& tool, const TrueMap& truth, const Conversations& all,
          const ScoreOptions& options)
      : tool_(tool), truth_(truth), all_(all), options_(options) {
    score_.name = tool.name();
  }

  Score run() {
    const Visible visible = visible_part(truth_, all_);
    score_.edges_true = visible.edges.size();
    for (const auto& [key, edge] : tool_.map()) take_edge(key, edge, visible);
    score_.edges_right = right_.size();
    for (const DependencyKey& key : visible.edges) {
      if (!right_.contains(key)) example("missing " + text(key));
    }
    for (const auto& [key, c] : all_.all()) take_conversation(key, c);
    return std::move(score_);
  }

 private:
  void example(std::string what) {
    if (score_.examples.size() < options_.max_examples) score_.examples.push_back(std::move(what));
  }

  void take_edge(const DependencyKey& key, const FoundDependency& edge, const Visible& visible) {
    const auto real = find_true(truth_, key);
    const bool is_right = real != truth_.end();
    if (is_right && real->second.is_wire_only) return;
    // Both ends on one port may look alike where one serves: said so, that is no false service.
    const bool is_shy = edge.is_undecided || (edge.is_peer && !(is_right && real->second.is_peer));
    if (is_shy && visible.pairs.contains(pair_of(key))) {
      ++score_.edges_undecided;
      return;
    }
    ++score_.edges_found;
    if (edge.confidence) {
      const auto at = std::min<std::size_t>(9, static_cast<std::size_t>(*edge.confidence * 10));
      ConfidenceBucket& bucket = score_.buckets[at];
      ++bucket.edges;
      bucket.right += is_right ? 1 : 0;
      bucket.confidence += static_cast<double>(*edge.confidence);
    }
    if (!is_right) return take_false_edge(key, visible);
    right_.insert(real->first);
    if (real->second.has_octets) take_octets(key, edge, real->first, real->second);
  }

  void take_false_edge(const DependencyKey& key, const Visible& visible) {
    const bool is_turned = visible.turned.contains(key);
    score_.edges_turned += is_turned ? 1 : 0;
    if (is_turned || key.port >= kFirstEphemeral) ++score_.false_ephemeral;
    example((is_turned ? "turned " : "false ") + text(key));
  }

  void take_octets(const DependencyKey& key, const FoundDependency& edge,
                   const DependencyKey& real_key, const TrueDependency& real) {
    const bool same_way = key == real_key;
    const auto up = same_way ? edge.octets_to_server : edge.octets_to_client;
    const auto down = same_way ? edge.octets_to_client : edge.octets_to_server;
    score_.octets_true += real.octets_to_server + real.octets_to_client;
    score_.octets_found += up + down;
    score_.octets_apart += apart(up, real.octets_to_server) + apart(down, real.octets_to_client);
  }

  void take_conversation(const ConversationKey& key, const Conversation& c) {
    const flowlens::Timestamp start{Conversations::kWindow * key.window};
    if (start < options_.measure_from) return;
    const TrueAnswer real = true_answer(truth_, key);
    using Kind = TrueAnswer::Kind;
    if (real.kind == Kind::none || real.kind == Kind::either) return;
    const auto said = tool_.answer(key, c, 1 - real.client_side);
    Tally tally;
    // A leg that is left out has no direction; others of its ends may be undecided.
    const bool is_left_out = truth_.at(key.dependency(real.client_side)).is_wire_only && said &&
                             said->kind != Answer::Kind::client_server;
    if (!said || is_left_out) {
      ++tally.missing;
    } else if (real.kind == Kind::peer) {
      ++(said->kind == Answer::Kind::peer ? tally.right : tally.wrong);
    } else if (said->kind != Answer::Kind::client_server) {
      ++tally.undecided;
    } else {
      ++(said->client_side == real.client_side ? tally.right : tally.wrong);
    }
    if (real.kind == Kind::peer) {
      score_.peers += tally;
      return;
    }
    score_.by_kind[static_cast<std::size_t>(c.evidence(key.protocol))] += tally;
    if (said && !is_left_out) score_.by_evidence[std::string(said->evidence)] += tally;
  }

  const Contender& tool_;
  const TrueMap& truth_;
  const Conversations& all_;
  ScoreOptions options_;
  Score score_;
  std::set<DependencyKey> right_;  ///< true edges that were found
};

}  // namespace

double Tally::accuracy() const noexcept { return share(right, decided(), 1); }

Tally& Tally::operator+=(const Tally& other) noexcept {
  right += other.right;
  wrong += other.wrong;
  undecided += other.undecided;
  missing += other.missing;
  return *this;
}

double Score::precision() const noexcept {
  return share(std::min(edges_right, edges_found), edges_found, 1);
}
double Score::recall() const noexcept { return share(edges_right, edges_true, 1); }
Tally Score::direction() const noexcept {
  Tally sum;
  for (const Tally& tally : by_kind) sum += tally;
  return sum;
}
double Score::false_ephemeral_share() const noexcept {
  return share(false_ephemeral, edges_found, 0);
}
double Score::octet_error() const noexcept {
  return share(apart(octets_found, octets_true), octets_true, 0);
}
double Score::octet_error_by_edge() const noexcept { return share(octets_apart, octets_true, 0); }

double Score::calibration_error() const noexcept {
  double error = 0;
  std::uint64_t edges = 0;
  for (const ConfidenceBucket& b : buckets) {
    error += std::abs(b.confidence - static_cast<double>(b.right));
    edges += b.edges;
  }
  return edges == 0 ? 0 : error / static_cast<double>(edges);
}

double ApplicationScore::precision() const noexcept { return share(edges_right, edges_found, 1); }
double ApplicationScore::recall() const noexcept { return share(edges_right, edges_true, 1); }
double ApplicationScore::octet_error_by_edge() const noexcept {
  return share(octets_apart, octets_true, 0);
}

ApplicationScore score_application(const std::map<DependencyKey, FoundDependency>& found,
                                   const TrueMap& truth, const Conversations& all,
                                   const ScoreOptions& options) {
  ApplicationScore score;
  const auto example = [&](const char* what, const DependencyKey& key) {
    if (score.examples.size() < options.max_examples) score.examples.push_back(what + text(key));
  };
  TrueMap wanted = application_view(truth);
  const Visible visible = visible_part(network_view(truth), all);
  // No record bears both ends of what is balanced; of the rest at least one must have come.
  std::erase_if(wanted, [&](const auto& entry) {
    return !entry.second.is_application_only && !visible.edges.contains(entry.first);
  });
  score.edges_true = wanted.size();
  for (const auto& [key, edge] : found) {
    if (edge.is_undecided) continue;
    const auto real = find_true(wanted, key);
    if (real == wanted.end()) {
      // An attempt that looks like peers, say, is the network view's business.
      if (edge.is_peer) continue;
      ++score.edges_found;
      example("application: false ", key);
      continue;
    }
    ++score.edges_found;
    ++score.edges_right;
    if (key != real->first) continue;
    score.octets_true += real->second.octets_to_server + real->second.octets_to_client;
    score.octets_apart += apart(edge.octets_to_server, real->second.octets_to_server) +
                          apart(edge.octets_to_client, real->second.octets_to_client);
  }
  for (const auto& [key, real] : wanted) {
    if (!found.contains(key)) example("application: missing ", key);
  }
  return score;
}

Score score(const Contender& tool, const TrueMap& truth, const Conversations& all,
            const ScoreOptions& options) {
  return Scoring(tool, truth, all, options).run();
}

}  // namespace truth
