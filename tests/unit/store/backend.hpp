/// \file
/// The database that the contract tests of this program run against.
#pragma once

#include <memory>
#include <string>

#include "flowlens/alert_store.hpp"
#include "flowlens/application_store.hpp"
#include "flowlens/flow_store.hpp"
#include "flowlens/store.hpp"
#include "store_fixture.hpp"

namespace flowlens::test {

/// One empty database, gone with this.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::unique_ptr<Store> store(const SiteTable& sites = {}) = 0;
  virtual std::unique_ptr<AlertStore> alert_store(Epoch epoch) = 0;
  virtual std::unique_ptr<TrafficReader> traffic_reader() = 0;
  virtual std::unique_ptr<ApplicationStore> application_store(Epoch epoch) = 0;
  virtual std::unique_ptr<FlowStore> flow_store(Epoch epoch) = 0;
  virtual std::unique_ptr<FlowReader> flow_reader() = 0;
  /// The first column of the first row, as text.
  virtual std::string sql(const std::string& query) = 0;
};

/// Each program has one.
std::unique_ptr<Backend> make_backend();

/// An opened store.
struct Opened {
  std::unique_ptr<Backend> backend = make_backend();
  std::unique_ptr<Store> store = backend->store();
  StoreOpened opened = store->open();

  void reopen() {
    store = backend->store();
    opened = store->open();
  }
  [[nodiscard]] std::string sql(const std::string& query) const { return backend->sql(query); }
};

}  // namespace flowlens::test
