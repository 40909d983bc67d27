/// \file
/// lookup: tables of MIBs, row by row, to facts; whoever walked through them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "flowlens/fact.hpp"
#include "lookup/snmp/session.hpp"

namespace flowlens::lookup {

/// Columns that are walked through, in this order.
enum class SnmpColumn : std::uint8_t {
  if_descr,  ///< IF-MIB (RFC 2863)
  if_name,
  if_alias,
  physical_address,  ///< ipNetToPhysicalPhysAddress, IP-MIB (RFC 4293)
  media_address,     ///< ipNetToMediaPhysAddress, the older one
  local_port_type,   ///< LLDP-MIB (IEEE 802.1AB-2005)
  local_port,
  chassis_type,
  chassis,
  port_type,
  port,
  port_description,
  system_name,
  system_description,
  management_address,  ///< lldpRemManAddrIfSubtype, for its index
};
inline constexpr std::size_t kSnmpColumns = 15;
[[nodiscard]] const Oid& oid_of(SnmpColumn column);

/// What one exporter says, put together.
class SnmpTables {
 public:
  void take_system(std::string_view name, std::string_view description);
  /// Takes one row. \return false for an index or value that the column cannot have.
  bool take(SnmpColumn column, const SnmpValue& value);
  /// \param max_facts  those past it are counted in `beyond`.
  [[nodiscard]] std::vector<Fact> tell(const Endpoint& exporter, Timestamp now,
                                       std::size_t max_facts, std::uint64_t& beyond) const;

 private:
  struct Interface {
    std::string description, name, alias;
    std::vector<std::string> neighbors, neighbor_ports;
    [[nodiscard]] const std::string& called() const noexcept {
      return name.empty() ? description : name;
    }
  };
  struct LocalPort {
    std::int64_t type = 0;
    std::string id;
  };
  struct Neighbor {
    std::int64_t chassis_type = 0, port_type = 0;
    std::string chassis, port, port_description, name, description;
    std::vector<IpAddress> addresses;
  };
  struct NeighborKey {  ///< lldpRemTimeMark, lldpRemLocalPortNum, lldpRemIndex
    std::uint32_t time = 0, port = 0, index = 0;
    friend auto operator<=>(const NeighborKey&, const NeighborKey&) = default;
  };

  bool take_interface(SnmpColumn column, const SnmpValue& value);
  bool take_arp(SnmpColumn column, const SnmpValue& value);
  bool take_local_port(SnmpColumn column, const SnmpValue& value);
  bool take_neighbor(SnmpColumn column, const SnmpValue& value);
  [[nodiscard]] std::map<std::uint32_t, std::uint32_t> interfaces_of_ports() const;
  [[nodiscard]] std::map<std::uint32_t, Interface> with_neighbors() const;

  std::string name_, description_;
  std::map<std::uint32_t, Interface> interfaces_;  ///< by ifIndex
  std::map<IpAddress, std::string> macs_;
  std::map<std::uint32_t, LocalPort> ports_;
  std::map<NeighborKey, Neighbor> neighbors_;
};

}  // namespace flowlens::lookup
