// The map as it was: which dependencies were active in an hour, and who held their endpoints.
#include <algorithm>
#include <utility>

#include "graph/graph_state.hpp"
#include "graph/snapshot_builder.hpp"

namespace flowlens {

namespace graph {

bool State::was_active(std::uint32_t dependency, const AsOf& as_of) const noexcept {
  const DependencyState& d = dependencies[dependency].value;
  const HourSpan span = as_of.span();
  if (hours[dependency].any(span)) return true;
  for (std::uint32_t i = d.open_head; i != kNoPosition; i = open_windows[i].next) {
    const HourSpan open = hours_of(open_windows[i].said.seen);
    if (open.first <= span.last && span.first <= open.last) return true;
  }
  if (d.seen.is_empty() || span.first >= hours[dependency].oldest()) return false;
  const HourSpan seen = hours_of(d.seen);
  return seen.first <= span.last && seen.last >= span.first;
}

bool State::was_active_asset(std::uint32_t asset, const AsOf& as_of) const {
  const auto list = dependencies_at(asset, as_of);
  return std::any_of(list.begin(), list.end(),
                     [&](std::uint32_t d) { return was_active(d, as_of); });
}

DependencyRow State::row_at(std::uint32_t dependency, const AsOf& as_of) const {
  DependencyRow row = row_of(dependency);
  const DependencyKeyPositions& key = dependencies[dependency].key;
  row.client_asset = assets[holder_at(key.client, as_of.at)].key;
  row.server_asset = assets[holder_at(key.server, as_of.at)].key;
  return row;
}

AssetRow State::asset_row_at(std::uint32_t asset, const AsOf& as_of) const {
  AssetRow row = asset_row(asset);
  std::erase_if(row.endpoints, [&](const HeldEndpoint& held) {
    return holder_at(endpoints.find(held.endpoint), as_of.at) != asset;
  });
  return row;
}

std::vector<std::uint32_t> State::dependencies_at(std::uint32_t asset, const AsOf& as_of) const {
  const AssetState& a = assets[asset].value;
  std::vector<std::uint32_t> list;
  for (const Held& held : a.held()) {
    const EndpointState& e = endpoints[held.endpoint].value;
    if (e.asset == kNoPosition || holder_at(held.endpoint, as_of.at) != asset) continue;
    for (const std::uint32_t d : assets[e.asset].value.dependencies) {
      const DependencyKeyPositions& key = dependencies[d].key;
      if (key.client == held.endpoint || key.server == held.endpoint) list.push_back(d);
    }
  }
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

namespace {

constexpr std::uint32_t kRowsAtOnce = 4'096;  // how long the lock is held

/// Calls `visit` with each position of a table, and lets writers in between.
template <typename Table, typename Visit>
void for_each_position(const State& graph, const Table& table, Visit visit) {
  for (std::uint32_t from = 0;; from += kRowsAtOnce) {
    const std::shared_lock lock{graph.mutex};
    const std::uint32_t to = std::min(table.positions(), from + kRowsAtOnce);
    for (std::uint32_t p = from; p < to; ++p) {
      if (table[p].value.alive) visit(p);
    }
    if (to == table.positions()) return;
  }
}

template <typename Row>
void sort_by_id(std::vector<Row>& rows) {
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.id < b.id; });
}

/// The assets at the ends of dependencies, each id once, ascending.
std::vector<Id> ends_of(const std::vector<DependencyRow>& rows) {
  std::vector<Id> ends;
  ends.reserve(2 * rows.size());
  for (const DependencyRow& row : rows) {
    ends.push_back(row.client_asset);
    ends.push_back(row.server_asset);
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return ends;
}

std::vector<AssetRow> assets_at(const State& graph, const std::vector<Id>& ids, const AsOf& as_of) {
  std::vector<AssetRow> rows;
  rows.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); i += kRowsAtOnce) {
    const std::shared_lock lock{graph.mutex};
    for (std::size_t k = i; k < std::min(ids.size(), i + kRowsAtOnce); ++k) {
      const std::uint32_t asset = graph.assets.find(ids[k]);
      if (asset != kNoPosition) rows.push_back(graph.asset_row_at(asset, as_of));
    }
  }
  return rows;
}

/// The ids of assets that are marked with `mark` alone, ascending.
std::vector<Id> ids_where(const State& graph, const std::vector<std::uint8_t>& marks,
                          std::uint8_t mark) {
  std::vector<Id> ids;
  for (std::size_t from = 0; from < marks.size(); from += kRowsAtOnce) {
    const std::shared_lock lock{graph.mutex};
    for (std::size_t p = from; p < std::min<std::size_t>(marks.size(), from + kRowsAtOnce); ++p) {
      if (marks[p] == mark) ids.push_back(graph.assets[static_cast<std::uint32_t>(p)].key);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

/// Puts a row on the page if it matches and belongs there, and counts it.
template <typename Query, typename Row, typename MakeRow>
void add_match(Page<Row>& page, std::uint32_t position, const Query& query, MakeRow make_row) {
  const bool is_shown =
      position >= query.after && page.total >= query.skip && page.rows.size() < query.limit;
  if (query.filter || is_shown) {
    Row row = make_row(position);
    if (query.filter && !query.filter.matches(row)) return;
    if (is_shown) {
      page.rows.push_back(std::move(row));
      page.next = position + 1;
    }
  }
  ++page.total;
  if (!is_shown && position >= query.after && page.rows.size() == query.limit) page.has_more = true;
}

/// What a row is sorted by, and where it lies.
struct Ranked {
  std::string text;
  std::int64_t number = 0;
  std::uint32_t position = 0;
};

/// The first so many of all that it is shown.
class Ranking {
 public:
  Ranking(std::size_t most, bool is_descending) : most_(most), is_descending_(is_descending) {}

  void add(Ranked row) {
    const auto before = [this](const Ranked& a, const Ranked& b) { return is_before(a, b); };
    if (rows_.size() == most_) {
      if (most_ == 0 || !before(row, rows_.front())) return;
      std::pop_heap(rows_.begin(), rows_.end(), before);
      rows_.pop_back();
    }
    rows_.push_back(std::move(row));
    std::push_heap(rows_.begin(), rows_.end(), before);
  }
  /// In their order; of all but the first `skip`.
  [[nodiscard]] std::vector<std::uint32_t> positions(std::size_t skip) {
    std::sort(rows_.begin(), rows_.end(),
              [this](const Ranked& a, const Ranked& b) { return is_before(a, b); });
    std::vector<std::uint32_t> out;
    for (std::size_t i = skip; i < rows_.size(); ++i) out.push_back(rows_[i].position);
    return out;
  }

 private:
  [[nodiscard]] bool is_before(const Ranked& a, const Ranked& b) const noexcept {
    if (a.number != b.number) return (a.number < b.number) != is_descending_;
    const int order = a.text.compare(b.text);
    return order != 0 ? (order < 0) != is_descending_ : a.position < b.position;
  }

  std::size_t most_;
  bool is_descending_;
  std::vector<Ranked> rows_;  ///< a heap, the last of them at the front
};

std::int64_t key_of(Timestamp t) noexcept { return t.time_since_epoch().count(); }

Ranked rank_of(const State& graph, std::uint32_t position, DependencyOrder order) {
  const DependencyState& d = graph.dependencies[position].value;
  Ranked key;
  key.position = position;
  switch (order) {
    case DependencyOrder::arrival:
      break;
    case DependencyOrder::bytes:
      key.number = static_cast<std::int64_t>(d.totals.estimated_octets_to_server +
                                             d.totals.estimated_octets_to_client);
      break;
    case DependencyOrder::flows:
      key.number = static_cast<std::int64_t>(d.totals.flows);
      break;
    case DependencyOrder::port:
      key.number = graph.dependencies[position].key.port;
      break;
    case DependencyOrder::first_seen:
      key.number = key_of(graph.shown(d).seen.first);
      break;
    case DependencyOrder::last_seen:
      key.number = key_of(graph.shown(d).seen.last);
      break;
  }
  return key;
}

Ranked rank_of(const State& graph, std::uint32_t position, AssetOrder order) {
  const AssetState& a = graph.assets[position].value;
  Ranked key;
  key.position = position;
  switch (order) {
    case AssetOrder::arrival:
      break;
    case AssetOrder::name:
      if (a.extra) key.text = a.extra->name;
      break;
    case AssetOrder::asset_type:
      key.text = a.extra ? a.extra->asset_type : "unknown";
      break;
    case AssetOrder::first_seen:
      key.number = key_of(a.seen.first);
      break;
    case AssetOrder::last_seen:
      key.number = key_of(a.seen.last);
      break;
  }
  return key;
}

/// The rows at these positions that are still there.
template <typename Row, typename Table, typename MakeRow>
void add_rows(const State& graph, const Table& table, const std::vector<std::uint32_t>& positions,
              Page<Row>& page, MakeRow make_row) {
  for (std::size_t i = 0; i < positions.size(); i += kRowsAtOnce) {
    const std::shared_lock lock{graph.mutex};
    for (std::size_t k = i; k < std::min(positions.size(), i + kRowsAtOnce); ++k) {
      const std::uint32_t p = positions[k];
      if (p < table.positions() && table[p].value.alive) page.rows.push_back(make_row(p));
    }
  }
}

}  // namespace

/// Whether its dependencies have that many flows, or somebody has declared it.
bool State::has_flows(std::uint32_t asset, std::uint64_t least) const noexcept {
  std::uint64_t flows = 0;
  for (const std::uint32_t d : assets[asset].value.dependencies) {
    flows += dependencies[d].value.totals.flows;
    if (flows >= least) return true;
  }
  return least == 0 || is_declared(assets[asset].key);
}

/// Calls `visit` with what the query asks about, matching or not.
template <typename Visit>
void State::for_each_asked(const DependencyQuery& query, Visit visit) const {
  const auto visit_there = [&](std::uint32_t p) {
    if (query.as_of ? was_active(p, *query.as_of) : dependencies[p].value.alive != 0) visit(p);
  };
  if (!query.asset) return for_each_position(*this, dependencies, visit_there);
  const std::shared_lock lock{mutex};
  const std::uint32_t asset = find_asset(*query.asset);
  if (asset == kNoPosition) return;
  if (query.as_of) {
    for (const std::uint32_t p : dependencies_at(asset, *query.as_of)) visit_there(p);
  } else {
    for (const std::uint32_t p : assets[asset].value.dependencies) visit_there(p);
  }
}

/// Every row is looked at, so that the page can say how many match.
Page<DependencyRow> State::matching_dependencies(const DependencyQuery& query) const {
  Page<DependencyRow> page;
  page.next = query.after;
  const auto make_row = [&](std::uint32_t row) {
    return query.as_of ? row_at(row, *query.as_of) : row_of(row);
  };
  if (query.order == DependencyOrder::arrival) {
    for_each_asked(query, [&](std::uint32_t p) { add_match(page, p, query, make_row); });
    return page;
  }
  Ranking first{query.skip + query.limit, query.is_descending};
  for_each_asked(query, [&](std::uint32_t p) {
    if (query.filter && !query.filter.matches(make_row(p))) return;
    ++page.total;
    first.add(rank_of(*this, p, query.order));
  });
  add_rows(*this, dependencies, first.positions(query.skip), page, make_row);
  page.has_more = page.total > query.skip + query.limit;
  return page;
}

Page<AssetRow> State::matching_assets(const AssetQuery& query) const {
  Page<AssetRow> page;
  page.next = query.after;
  const auto make_row = [&](std::uint32_t row) {
    return query.as_of ? asset_row_at(row, *query.as_of) : asset_row(row);
  };
  const auto is_asked = [&](std::uint32_t p) {
    return (query.min_flows == 0 || has_flows(p, query.min_flows)) &&
           (!query.as_of || was_active_asset(p, *query.as_of));
  };
  if (query.order == AssetOrder::arrival) {
    for_each_position(*this, assets, [&](std::uint32_t p) {
      if (is_asked(p)) add_match(page, p, query, make_row);
    });
    return page;
  }
  Ranking first{query.skip + query.limit, query.is_descending};
  for_each_position(*this, assets, [&](std::uint32_t p) {
    if (!is_asked(p) || (query.filter && !query.filter.matches(make_row(p)))) return;
    ++page.total;
    first.add(rank_of(*this, p, query.order));
  });
  add_rows(*this, assets, first.positions(query.skip), page, make_row);
  page.has_more = page.total > query.skip + query.limit;
  return page;
}

}  // namespace graph

using namespace graph;

Revision DependencyGraph::copy(const AsOf& as_of) const {
  Revision all;
  all.at = as_of.at;
  for_each_position(*impl_, impl_->dependencies, [&](std::uint32_t p) {
    if (impl_->was_active(p, as_of)) all.dependencies.push_back(impl_->row_at(p, as_of));
  });
  all.assets = assets_at(*impl_, ends_of(all.dependencies), as_of);
  sort_by_id(all.dependencies);
  return all;
}

MapDifference DependencyGraph::diff(const AsOf& from, const AsOf& to) const {
  constexpr std::uint8_t kBefore = 1, kAfter = 2;
  MapDifference difference;
  std::vector<std::uint8_t> there;  // when an asset was, by position
  const auto note = [&](std::uint32_t asset, bool before, bool after) {
    if (asset >= there.size()) there.resize(impl_->assets.positions());
    there[asset] |= static_cast<std::uint8_t>((before ? kBefore : 0) | (after ? kAfter : 0));
  };
  for_each_position(*impl_, impl_->dependencies, [&](std::uint32_t p) {
    const bool before = impl_->was_active(p, from), after = impl_->was_active(p, to);
    if (!before && !after) return;
    const DependencyKeyPositions& key = impl_->dependencies[p].key;
    const std::uint32_t client_before = impl_->holder_at(key.client, from.at),
                        server_before = impl_->holder_at(key.server, from.at),
                        client_after = impl_->holder_at(key.client, to.at),
                        server_after = impl_->holder_at(key.server, to.at);
    note(client_before, before, false);
    note(server_before, before, false);
    note(client_after, false, after);
    note(server_after, false, after);
    if (!before) {
      difference.added.push_back(impl_->row_at(p, to));
    } else if (!after) {
      difference.removed.push_back(impl_->row_at(p, from));
    } else if (client_before != client_after || server_before != server_after) {
      difference.moved.push_back(impl_->row_at(p, to));
    } else {
      ++difference.unchanged;
    }
  });
  difference.removed_assets = assets_at(*impl_, ids_where(*impl_, there, kBefore), from);
  difference.added_assets = assets_at(*impl_, ids_where(*impl_, there, kAfter), to);
  for (auto* rows : {&difference.added, &difference.removed, &difference.moved}) sort_by_id(*rows);
  return difference;
}

std::shared_ptr<const Snapshot> DependencyGraph::snapshot(const AsOf& as_of) const {
  SnapshotInput input;
  for_each_position(*impl_, impl_->dependencies, [&](std::uint32_t p) {
    if (!impl_->was_active(p, as_of)) return;
    const DependencyKeyPositions& key = impl_->dependencies[p].key;
    const State::Ends ends{impl_->holder_at(key.client, as_of.at),
                           impl_->holder_at(key.server, as_of.at)};
    for (const std::uint32_t asset : {ends.client, ends.server}) {
      if (asset >= input.assets.size()) input.assets.resize(impl_->assets.positions());
      input.assets[asset] = impl_->assets[asset].key;
    }
    impl_->write_edge(p, ends, input.edges.add(input.bucket_for(ends.client)));
  });
  input.revision = counters().revision;
  return build_snapshot(std::move(input));
}

}  // namespace flowlens
