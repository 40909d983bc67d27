/// \file
/// lookup: one SNMP manager's talk with one agent, by net-snmp.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flowlens/ip_address.hpp"
#include "flowlens/snmp_lister.hpp"

namespace flowlens::lookup {

using Oid = std::vector<std::uint32_t>;

/// One variable that an agent told.
struct SnmpValue {
  Oid index;  ///< what stands behind the column's OID
  enum class Type : std::uint8_t { number, octets, other } type = Type::other;
  std::int64_t number = 0;
  std::string octets;
};

/// Keys of a user, made of his passwords once (that takes a million octets of hashing).
struct SnmpKeys {
  std::string auth, privacy;
};
/// \throws ConfigError for an unknown protocol or a short password.
[[nodiscard]] SnmpKeys make_snmp_keys(const SnmpOptions& options);

/// All members but the destructor throw IoError, with words for people, where the agent does not answer.
class SnmpSession {
 public:
  /// \param is_over  read before each question; outlives this.
  SnmpSession(const IpAddress& agent, const SnmpOptions& options, const SnmpKeys& keys,
              const std::atomic<bool>& is_over);
  ~SnmpSession();
  SnmpSession(const SnmpSession&) = delete;
  SnmpSession& operator=(const SnmpSession&) = delete;

  /// The values of scalars, in order; of those that are not there, `other`.
  [[nodiscard]] std::vector<SnmpValue> get(const std::vector<Oid>& scalars);

  enum class Walk : std::uint8_t { whole, too_many, astray, late };
  /// All rows of a column, up to `max_rows`. An agent whose OIDs do not ascend leads nowhere: `astray`.
  Walk walk(const Oid& column, std::size_t max_rows,
            const std::function<void(const SnmpValue&)>& sink);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens::lookup
