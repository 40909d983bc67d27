#include "truth/baselines.hpp"

#include <array>

#include "flowlens/enricher.hpp"

namespace truth {
namespace {

using Rule = std::size_t (*)(const ConversationKey&, const Conversation&);  ///< the client side

std::size_t lower_port(const ConversationKey& key, const Conversation&) {
  return key.port[1] <= key.port[0] ? 0 : 1;
}

std::size_t range(const ConversationKey& key, const Conversation& c) {
  const std::size_t source = c.first_side;
  const std::uint16_t from = key.port[source], to = key.port[1 - source];
  for (const int border : {1024, 32768, 49152}) {
    if (from < border && to >= border) return 1 - source;
  }
  return source;
}

std::size_t services(const ConversationKey& key, const Conversation& c) {
  const std::array<bool, 2> known = {flowlens::find_service(key.protocol, key.port[0]).value != 0,
                                     flowlens::find_service(key.protocol, key.port[1]).value != 0};
  if (known[0] != known[1]) return known[1] ? 0 : 1;
  const std::array<bool, 2> low = {key.port[0] < 1024, key.port[1] < 1024};
  if (known[0] && low[0] != low[1]) return low[1] ? 0 : 1;
  return lower_port(key, c);
}

std::size_t ephemeral(const ConversationKey& key, const Conversation& c) {
  constexpr std::uint16_t kFirst = 32768;
  const std::array<bool, 2> high = {key.port[0] >= kFirst, key.port[1] >= kFirst};
  if (high[0] != high[1]) return high[0] ? 0 : 1;
  return c.first_side;
}

class Baseline : public Contender {
 public:
  Baseline(const char* name, Rule rule, const Conversations& all) : name_(name), rule_(rule) {
    for (const auto& [key, c] : all.all()) {
      const std::size_t client = rule_(key, c);
      FoundDependency& edge = map_[key.dependency(client)];
      edge.octets_to_server += c.octets[client];
      edge.octets_to_client += c.octets[1 - client];
    }
  }

  std::string name() const override { return name_; }
  const std::map<DependencyKey, FoundDependency>& map() const override { return map_; }
  std::optional<Answer> answer(const ConversationKey& key, const Conversation& c,
                               std::size_t) const override {
    return Answer{Answer::Kind::client_server, rule_(key, c), name_};
  }

 private:
  const char* name_;
  Rule rule_;
  std::map<DependencyKey, FoundDependency> map_;
};

}  // namespace

std::vector<std::unique_ptr<Contender>> make_baselines(const Conversations& all) {
  std::vector<std::unique_ptr<Contender>> baselines;
  baselines.push_back(std::make_unique<Baseline>("lower-port", lower_port, all));
  baselines.push_back(std::make_unique<Baseline>("range", range, all));
  baselines.push_back(std::make_unique<Baseline>("services", services, all));
  baselines.push_back(std::make_unique<Baseline>("ephemeral", ephemeral, all));
  return baselines;
}

}  // namespace truth
