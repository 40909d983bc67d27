/// \file
/// store: the statements that write a revision.
#pragma once

#include "flowlens/revision.hpp"
#include "store/row_text.hpp"
#include "store/sqlite_database.hpp"

namespace flowlens::store {

/// Prepared once, used for each revision. Call within a write transaction.
class SqliteWriter {
 public:
  SqliteWriter(Database& database, const SiteNames& sites);
  void write(const Revision& revision);

 private:
  void write_asset(const AssetRow& row);
  void write_dependency(const DependencyRow& row);
  void write_window(const WindowRow& row, Epoch epoch);
  void write_alias(const Alias& alias);
  void write_intermediary(const IntermediaryRow& row);
  void write_annotation(const Annotation& said);
  void write_facts(const EndpointFacts& said);
  void write_event(const ChangeEvent& event);
  void write_epoch(const Revision& revision);
  void mark_stale(std::int64_t at);
  void remove_asset(const Id& id);
  void remove_dependency(const Id& id);

  const SiteNames* sites_;
  Statement upsert_asset_, upsert_endpoint_, trim_endpoints_, remove_asset_, remove_endpoints_;
  Statement upsert_dependency_, remove_dependency_, first_seen_, next_window_start_;
  Statement upsert_window_, remove_window_, remove_windows_;
  Statement retarget_aliases_, insert_alias_, insert_event_;
  Statement upsert_intermediary_, insert_member_, mark_stale_, update_epoch_;
  Statement upsert_annotation_, remove_annotation_, insert_fact_, remove_facts_;
};

}  // namespace flowlens::store
