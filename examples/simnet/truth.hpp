/// \file
/// What really happened, as CSV.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "traffic.hpp"
#include "world.hpp"

namespace simnet {

/// What one conversation, as exported, adds to the truth.
struct Exported {
  std::uint64_t flows = 0;  ///< records of the best observer: flow records or flow samples
  unsigned protocols = 0;   ///< one bit for each Protocol that saw it
  bool by_inner = false;    ///< somebody saw or told the client's own address
  bool by_outer = false;    ///< somebody saw the address it was translated to
  bool by_front = false;    ///< somebody saw the virtual server's address
};

/// Adds up. Thread-compatible.
class Truth {
 public:
  /// \param world  outlives this.
  explicit Truth(const World& world);

  void add(const Conversation& conversation, const Exported& exported);

  /// An exporter has sent something on.
  void add_way(std::size_t exporter, const Address& destination, const Address& next_hop, Time at);

  /// One row a dependency that was used. Behind a translator two: the client's own, if anybody saw
  /// it (view `application`), and what passes outside (`wire`), which several clients share. So with a
  /// virtual server. Through a proxy three: both its legs (`network`), and the whole (`balanced`).
  void write_dependencies(std::ostream& out) const;
  /// One row an attempt that was made.
  void write_attempts(std::ostream& out) const;

  /// One row an address: what an inventory would say stands there.
  void write_assets(std::ostream& out) const;

  /// One row an exporter, a network and a next hop by which it sent to it, where that is told.
  void write_gateways(std::ostream& out) const;

  [[nodiscard]] std::size_t dependencies_used() const;

 private:
  struct Way {
    std::size_t exporter = 0;
    Address network;
    Address next_hop;
    auto operator<=>(const Way&) const = default;
  };
  struct Used {
    std::uint64_t records = 0;
    Time first = Time::max();
    Time last = Time::min();
  };
  struct Totals {
    std::uint64_t conversations = 0;
    std::uint64_t flows = 0;
    HalfTotals to_server;
    HalfTotals to_client;
    unsigned protocols = 0;
    bool by_inner = false;
    bool by_outer = false;
    bool by_front = false;
  };
  /// What a row says besides its totals.
  struct Row {
    std::size_t dependency = 0;
    const Host* client = nullptr;
    const Host* server = nullptr;
    std::uint16_t port = 0;
    std::string via;
    const char* view = "";
  };
  void write_translated(std::ostream& out, const Row& whole) const;
  void write_passed_on(std::ostream& out, const Row& whole) const;
  void write_row(std::ostream& out, const Row& row, const Totals& totals) const;

  const World& world_;
  std::vector<Totals> dependencies_;  ///< of what a proxy passes on: the client's leg
  std::vector<Totals> behind_;        ///< of what a proxy passes on: its own leg
  std::vector<Totals> attempts_;
  std::map<Way, Used> ways_;
};

}  // namespace simnet
