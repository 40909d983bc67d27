#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "arrow/columns.hpp"
#include "arrow/map_columns.hpp"
#include "arrow/stream.hpp"

namespace flowlens {

namespace {

/// Rows of one type and the columns of them that are wanted.
template <typename Row>
class RowSource {
 public:
  using Columns = std::span<const arrow::RowColumn<Row>>;

  RowSource(std::vector<Row> rows, const SiteTable& sites, const ArrowOptions& options,
            Columns columns, std::string_view what)
      : rows_(std::move(rows)), sites_(sites), rows_per_batch_(options.rows_per_batch) {
    std::vector<std::string_view> names;
    for (const auto& column : columns) names.push_back(column.name);
    for (const std::size_t at : arrow::chosen_columns(options, names, what)) {
      columns_.push_back(columns[at]);
    }
  }

  [[nodiscard]] arrow::SchemaData schema() const {
    arrow::SchemaData schema;
    schema.format = "+s";
    for (const auto& column : columns_) schema.children.push_back(schema_of(column));
    return schema;
  }

  [[nodiscard]] std::optional<arrow::ArrayData> next() {
    if (at_ == rows_.size()) return {};
    const std::size_t end = at_ + std::min(rows_per_batch_, rows_.size() - at_);
    arrow::ArrayData data;
    data.length = static_cast<std::int64_t>(end - at_);
    data.buffers.emplace_back();
    for (const auto& column : columns_) {
      arrow::Cells cells{column.type};
      for (std::size_t i = at_; i < end; ++i) column.fill(rows_[i], sites_, cells);
      data.children.push_back(cells.take());
    }
    at_ = end;
    return data;
  }

 private:
  [[nodiscard]] static arrow::SchemaData schema_of(const arrow::RowColumn<Row>& column) {
    arrow::SchemaData schema;
    schema.format = arrow::format_of(column.type);
    schema.name = column.name;
    schema.nullable = column.nullable;
    if (column.type == arrow::CellType::texts) {
      schema.children.emplace_back();
      schema.children.back().format = "u";
      schema.children.back().name = "item";
    }
    return schema;
  }

  std::vector<Row> rows_;
  SiteTable sites_;
  std::size_t rows_per_batch_;
  std::vector<arrow::RowColumn<Row>> columns_;
  std::size_t at_ = 0;
};

template <typename Row>
void export_rows(std::vector<Row> rows, const SiteTable& sites, const ArrowOptions& options,
                 typename RowSource<Row>::Columns columns, std::string_view what,
                 ArrowArrayStream* out) {
  auto source = std::make_shared<RowSource<Row>>(std::move(rows), sites, options, columns, what);
  arrow::give({[source] { return source->schema(); }, [source] { return source->next(); }}, out);
}

}  // namespace

void export_dependencies(std::vector<DependencyRow> rows, const SiteTable& sites,
                         const ArrowOptions& options, ArrowArrayStream* out) {
  export_rows(std::move(rows), sites, options, arrow::dependency_columns(), "dependencies", out);
}

void export_assets(std::vector<AssetRow> rows, const SiteTable& sites, const ArrowOptions& options,
                   ArrowArrayStream* out) {
  export_rows(std::move(rows), sites, options, arrow::asset_columns(), "assets", out);
}

void export_changes(std::vector<ChangeEvent> rows, const SiteTable& sites,
                    const ArrowOptions& options, ArrowArrayStream* out) {
  export_rows(std::move(rows), sites, options, arrow::change_columns(), "changes", out);
}

}  // namespace flowlens
