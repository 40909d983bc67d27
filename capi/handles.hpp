/// \file
/// capi: the objects behind the opaque types that several files use.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/aggregator.hpp"
#include "flowlens/arrow.hpp"
#include "flowlens/change_event.hpp"
#include "flowlens/connection_summary.hpp"
#include "flowlens/decoder.hpp"
#include "flowlens/dependency_graph.hpp"
#include "flowlens/enricher.hpp"
#include "flowlens/filter.hpp"
#include "flowlens/flow_record.hpp"
#include "flowlens/redirection.hpp"
#include "flowlens/resolver.hpp"
#include "guarded.hpp"

struct flowlens_buffer {
  std::string octets;  ///< which has a NUL behind it
};

struct flowlens_batch {
  flowlens::FlowBatch batch;
};

struct flowlens_filter {
  flowlens_rows rows = FLOWLENS_ROWS_FLOWS;
  flowlens::Filter<flowlens::FlowRecord> flows;
  flowlens::Filter<flowlens::DependencyRow> dependencies;
  flowlens::Filter<flowlens::AssetRow> assets;
  flowlens::Filter<flowlens::ChangeEvent> changes;
};

struct flowlens_enricher {
  explicit flowlens_enricher(const flowlens::EnricherOptions& options) : enricher(options) {}
  flowlens::Enricher enricher;
};

struct flowlens_summaries {
  std::vector<flowlens::ConnectionSummary> rows;
  std::vector<flowlens::Redirection> redirections;  ///< ascending by `before_row`
  std::vector<flowlens::Attempt> attempts;
  std::vector<flowlens::Id> ids;  ///< of the rows' dependencies, once a graph has applied them
};

struct flowlens_graph {
  std::unique_ptr<flowlens::DependencyGraph> own;  ///< null: a resolver's
  flowlens::DependencyGraph* graph = nullptr;
};

namespace flowlens::capi {

// How structs of C become those of C++ and the other way round. They throw Refused and ConfigError.
[[nodiscard]] IpAddress address_of(const flowlens_address& address) noexcept;
[[nodiscard]] flowlens_address c_address(const IpAddress& address) noexcept;
[[nodiscard]] Id id_of(const flowlens_id& id) noexcept;
[[nodiscard]] flowlens_id c_id(const Id& id) noexcept;
[[nodiscard]] flowlens_flow c_flow(const FlowRecord& flow) noexcept;
[[nodiscard]] FlowRecord flow_of(const flowlens_flow* flow);
[[nodiscard]] ParserOptions parser_options(const flowlens_parser_options* given);
[[nodiscard]] DecoderOptions decoder_options(const flowlens_decoder_options* given);
[[nodiscard]] TransportSession session_of(const flowlens_session* given);
[[nodiscard]] EnricherOptions enricher_options(const flowlens_enricher_options* given);
[[nodiscard]] AggregatorOptions aggregator_options(const flowlens_aggregator_options* given);
[[nodiscard]] DependencyGraphOptions graph_limits(const flowlens_graph_options& given);
[[nodiscard]] flowlens_graph_options graph_options(const flowlens_graph_options* given);
[[nodiscard]] ArrowOptions arrow_options(const flowlens_arrow_options* given);
[[nodiscard]] flowlens_result c_result(const ParseResult& result);

/// \param length  as the caller says. \throws Refused for NULL with a length.
[[nodiscard]] std::span<const std::byte> octets_of(const void* begin, std::size_t length);
[[nodiscard]] std::unique_ptr<flowlens_buffer> buffer_of(std::string_view text);
[[nodiscard]] std::unique_ptr<flowlens_buffer> buffer_of(std::span<const std::byte> octets);

/// The default where nothing was given.
template <typename T, typename Given>
void set_unless_zero(T& option, Given given) {
  if (given != 0) option = T(given);
}

inline constexpr std::size_t kFlowSize = FLOWLENS_OLDEST(flowlens_flow, counter_source);

}  // namespace flowlens::capi
