#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "arrow/columns.hpp"
#include "arrow/flow_arrays.hpp"
#include "arrow/stream.hpp"

namespace flowlens {

namespace {

/// Cuts what comes into pieces of at most so many rows.
class FlowSource {
 public:
  FlowSource(NextFlows next, const ArrowOptions& options)
      : next_(std::move(next)),
        chosen_(arrow::chosen_columns(options, arrow::flow_column_names(), "flows")),
        addresses_(options.addresses),
        rows_per_batch_(options.rows_per_batch) {}

  [[nodiscard]] arrow::SchemaData schema() const { return arrow::flow_schema(chosen_, addresses_); }

  [[nodiscard]] std::optional<arrow::ArrayData> next() {
    while (at_ == batch_.flows.size()) {
      at_ = 0;
      batch_.clear();
      if (!next_(batch_)) return {};
    }
    const std::size_t first = at_;
    at_ = std::min(batch_.flows.size(), first + rows_per_batch_);
    return arrow::flow_arrays(batch_, first, at_, chosen_, addresses_);
  }

 private:
  NextFlows next_;
  std::vector<std::size_t> chosen_;
  AddressForm addresses_;
  std::size_t rows_per_batch_;
  FlowBatch batch_;
  std::size_t at_ = 0;
};

}  // namespace

void export_flows(NextFlows next, const ArrowOptions& options, ArrowArrayStream* out) {
  auto source = std::make_shared<FlowSource>(std::move(next), options);
  arrow::give({[source] { return source->schema(); }, [source] { return source->next(); }}, out);
}

void export_flows(std::shared_ptr<const FlowBatch> batch, const ArrowOptions& options,
                  ArrowArrayStream* out) {
  auto chosen = arrow::chosen_columns(options, arrow::flow_column_names(), "flows");
  const AddressForm addresses = options.addresses;
  auto schema = [chosen, addresses] { return arrow::flow_schema(chosen, addresses); };
  auto next = [batch = std::move(batch), chosen, addresses, rows = options.rows_per_batch,
               at = std::size_t{0}]() mutable -> std::optional<arrow::ArrayData> {
    if (at >= batch->flows.size()) return {};
    const std::size_t first = at;
    at = first + std::min(rows, batch->flows.size() - first);
    return arrow::flow_arrays(*batch, first, at, chosen, addresses);
  };
  arrow::give({std::move(schema), std::move(next)}, out);
}

}  // namespace flowlens
