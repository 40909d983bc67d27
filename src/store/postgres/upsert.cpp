#include "store/postgres/upsert.hpp"

namespace flowlens::store::postgres {
namespace {

constexpr std::size_t kRowsAtOnce = 10'000;

/// Rows that would not change are left alone: a row rewritten costs as much as a new one.
std::string sql_of(const Table& table) {
  std::string names, arrays, key, sets, is, becomes;
  const auto add = [](std::string& to, const std::string& what) {
    to += (to.empty() ? "" : ", ") + what;
  };
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const std::string name = table.columns[i].name;
    add(names, name);
    add(arrays, '$' + std::to_string(i + 1) + "::" + table.columns[i].type + "[]");
    if (i < table.key) {
      add(key, name);
      continue;
    }
    add(sets, name + " = excluded." + name);
    add(is, "t." + name);
    add(becomes, "excluded." + name);
  }
  std::string sql = "INSERT INTO flowlens_store." + std::string{table.name} + " AS t (" + names +
                    ") SELECT * FROM unnest(" + arrays + ") ON CONFLICT (" + key + ") DO ";
  if (sets.empty()) return sql + "NOTHING";
  return sql + "UPDATE SET " + sets + " WHERE (" + is + ") IS DISTINCT FROM (" + becomes + ")";
}

}  // namespace

Upsert::Upsert(Transaction& tx, const Table& table)
    : tx_(&tx), sql_(sql_of(table)), rows_(table.columns.size()) {}

Columns& Upsert::next() {
  if (rows_.rows() >= kRowsAtOnce) write();
  return rows_;
}

void Upsert::write() {
  if (rows_.rows() == 0) return;
  const std::vector<std::string> arrays = rows_.take();
  tx_->exec_params(sql_, pqxx::prepare::make_dynamic_params(arrays));
}

std::string array_of(std::span<const Id> ids) {
  std::string text = "{";
  for (const Id& id : ids) text += (text.size() > 1 ? "," : "") + id.to_string();
  return text + '}';
}

}  // namespace flowlens::store::postgres
