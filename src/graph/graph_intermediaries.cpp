// What stands between those who talk: proposals, and what people say of them.
#include <algorithm>
#include <utility>

#include "graph/graph_state.hpp"

namespace flowlens {

namespace graph {

namespace {

std::string text_of(const IntermediaryRow& row) {
  std::string text = row.front.address.to_string();
  if (row.front_port != 0) text += ":" + std::to_string(row.front_port);
  return text;
}

std::string reason_of(const IntermediaryRow& row) {
  if (row.kind == IntermediaryKind::source_nat) {
    return text_of(row) + " seems to ask for " + std::to_string(row.members.size()) +
           " others: what it sends is what they sent, to the same servers at the same time";
  }
  return text_of(row) + " seems to pass on what " + std::to_string(row.clients) +
         " clients ask to " + std::to_string(row.members.size()) + " servers at port " +
         std::to_string(row.backend_port) + ": as many octets, both ways, at the same time";
}

}  // namespace

Id State::asset_id_of(const Endpoint& endpoint) const noexcept {
  const std::uint32_t position = endpoints.find(endpoint);
  if (position == kNoPosition || endpoints[position].value.asset == kNoPosition) return {};
  return assets[endpoints[position].value.asset].key;
}

void State::take_proposal(const IntermediaryProposal& p, Timestamp at) {
  const std::string name = std::string(to_string(p.kind)) + "/" +
                           std::string(sites.name(p.front.site)) + "/" +
                           p.front.address.to_string() + "/" + std::to_string(p.protocol) + "/" +
                           std::to_string(p.front_port) + "/" + std::to_string(p.backend_port);
  const Id id = derive_id(dependency_namespace(), name);
  const auto known = intermediaries.find(id);
  const bool is_new = known == intermediaries.end();
  if (is_new && intermediaries.size() >= options.max_intermediaries) return;
  IntermediaryRow row = is_new ? IntermediaryRow{} : known->second;
  if (is_new) {
    row.id = id;
    row.kind = p.kind;
    row.front = p.front;
    row.front_port = p.front_port;
    row.backend_port = p.backend_port;
    row.protocol = p.protocol;
    row.first_seen = at;
  }
  // After a restart windows are counted from 0 again: what was found before stays.
  std::vector<Endpoint> members;
  std::set_union(row.members.begin(), row.members.end(), p.backends.begin(), p.backends.end(),
                 std::back_inserter(members));
  row.members = std::move(members);
  row.clients = p.clients;
  row.windows = std::max(row.windows, p.windows);
  row.confidence = std::max(row.confidence, p.confidence);
  if (!is_new && row == known->second) return;
  row.last_seen = at;
  if (is_new) {
    raise(ChangeType::intermediary_proposed, id, asset_id_of(p.front), at, reason_of(row));
  }
  intermediaries[id] = std::move(row);
  changed_intermediaries.insert(id);
}

void State::take_intermediary(const IntermediaryRow& row) {
  if (!intermediaries.contains(row.id) && intermediaries.size() >= options.max_intermediaries) {
    return;
  }
  intermediaries[row.id] = row;
}

bool State::judge_intermediary(const Fact& fact) {
  const std::size_t space = fact.value.find(' ');
  if (space == std::string::npos) return false;
  const auto id = Id::parse(fact.value.substr(0, space));
  const std::string said = fact.value.substr(space + 1);
  const auto found = id ? intermediaries.find(*id) : intermediaries.end();
  if (found == intermediaries.end() || found->second.front != fact.subject) return false;
  IntermediaryRow& row = found->second;
  for (const IntermediaryState state :
       {IntermediaryState::proposed, IntermediaryState::accepted, IntermediaryState::rejected}) {
    if (said != to_string(state)) continue;
    if (row.state == state) return true;
    row.state = state;
    changed_intermediaries.insert(*id);
    raise(ChangeType::intermediary_judged, *id, asset_id_of(row.front), fact.at,
          text_of(row) + " as an intermediary: " + said);
    return true;
  }
  return false;
}

}  // namespace graph

std::string_view to_string(IntermediaryState s) noexcept {
  constexpr std::string_view kNames[] = {"proposed", "accepted", "rejected"};
  return kNames[static_cast<std::size_t>(s)];
}

void DependencyGraph::apply(std::span<const IntermediaryProposal> proposals, Timestamp at) {
  const std::unique_lock lock{impl_->mutex};
  for (const IntermediaryProposal& p : proposals) impl_->take_proposal(p, at);
}

std::vector<IntermediaryRow> DependencyGraph::intermediaries() const {
  const std::shared_lock lock{impl_->mutex};
  std::vector<IntermediaryRow> rows;
  rows.reserve(impl_->intermediaries.size());
  for (const auto& [id, row] : impl_->intermediaries) rows.push_back(row);
  return rows;
}

std::optional<IntermediaryRow> DependencyGraph::intermediary(const Id& id) const {
  const std::shared_lock lock{impl_->mutex};
  const auto found = impl_->intermediaries.find(id);
  if (found == impl_->intermediaries.end()) return std::nullopt;
  return found->second;
}

}  // namespace flowlens
