/// \file
/// lookup/snmp: what exporters say of themselves and of their neighbours over SNMP. Of flowlens::lookup, built
/// with FLOWLENS_WITH_SNMP.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flowlens/endpoint.hpp"
#include "flowlens/fact_lister.hpp"

namespace flowlens {

enum class SnmpVersion : std::uint8_t { v2c, v3 };

struct SnmpOptions {
  SnmpVersion version = SnmpVersion::v2c;
  std::string community;  ///< of v2c
  /// Of v3, which is authenticated and encrypted always.
  std::string user;
  std::string auth_protocol = "SHA-256";  ///< SHA (SHA-1), SHA-224, SHA-256, SHA-384, SHA-512
  std::string auth_password;              ///< 8 octets or more (RFC 3414 §11.2)
  std::string privacy_protocol = "AES";   ///< AES (of 128 bits)
  std::string privacy_password;           ///< 8 octets or more
  std::uint16_t port = 161;
  std::chrono::milliseconds timeout{1'000};  ///< of one question
  unsigned retries = 1;                      ///< of one question
  std::chrono::seconds exporter_limit{60};   ///< for all questions to one exporter
  std::chrono::seconds list_limit{600};      ///< those not asked by then are the first next time
  std::chrono::hours keep{24};  ///< so long what an exporter said stands where it no longer answers
  std::size_t max_rows = 65'536;    ///< of one table's column
  std::size_t max_facts = 200'000;  ///< of one exporter
};

/// What the last list() came to.
struct SnmpReport {
  std::size_t exporters = 0;  ///< that are to be asked
  std::size_t answered = 0;
  std::size_t silent = 0;     ///< no answer, or not the right user or password
  std::size_t not_asked = 0;  ///< for want of time
  std::uint64_t broken = 0;   ///< tables and values that are not as they should be
  std::uint64_t beyond = 0;   ///< rows and facts past a limit
  std::string
      first_error;  ///< of `silent` and `broken`: exporter and what. Printable ASCII, no secrets.
};

/// Asks exporters one after the other by UDP: their system group, interfaces (IF-MIB), neighbours' MAC addresses
/// (IP-MIB) and LLDP (LLDP-MIB). All its facts are of source `observed`; where an exporter does not answer,
/// what it said last stands for a time.
///
/// Of an exporter: `name` and `snmp.name`, `snmp.description`, and of each interface, by ifIndex,
/// `interface.7.name`, `.description` (ifAlias), `.neighbor` and `.neighbor_port` (LLDP). Of addresses in its ARP
/// table: `mac`. Of LLDP neighbours that tell a management address: `snmp.name`, `snmp.description`, `mac`.
///
/// net-snmp is set up once for the process, without its configuration files, MIBs and log.
///
/// Thread-compatible; but ask() and stop() may be called while another thread is in list().
class SnmpLister final : public FactLister {
 public:
  /// \throws ConfigError for options that cannot be: no community or user, short passwords, unknown protocols.
  explicit SnmpLister(const SnmpOptions& options);
  ~SnmpLister() override;

  /// Whom to ask from the next list() on.
  void ask(std::vector<Endpoint> exporters);
  /// For the end of the program: a list() under way, and each after it, throws IoError after the question at hand.
  void stop() noexcept;

  [[nodiscard]] const std::string& origin() const noexcept override;  ///< `snmp`
  /// \throws IoError if there are exporters, and none answers.
  [[nodiscard]] std::vector<Fact> list(Timestamp now) override;
  [[nodiscard]] const SnmpReport& report() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
