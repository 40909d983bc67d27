/// \file
/// pipeline: what the decoders have done, for those who ask while they run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flowlens/udp_receiver.hpp"
#include "library.hpp"
#include "pipeline/keyed_hash.hpp"

namespace flowlensd {

/// Copies of one Decoder's ledgers and counters, taken between two datagrams, so each balances.
struct DecoderAccount {
  DatagramLedger datagrams;
  OctetLedger octets;
  ParserCounters parser;
  NormalizerCounters normalizer;
  DecoderAccount& operator+=(const DecoderAccount& other) noexcept;
};

/// As first octets tell, before anything is decoded.
enum class WireProtocol : std::uint8_t {
  netflow_v1,
  netflow_v5,
  netflow_v7,
  netflow_v9,
  ipfix,
  sflow_v2,
  sflow_v4,
  sflow_v5,
  other
};
[[nodiscard]] WireProtocol wire_protocol(std::span<const std::byte> datagram) noexcept;
[[nodiscard]] std::string_view to_string(WireProtocol p) noexcept;
[[nodiscard]] std::string_view to_string(Transport transport) noexcept;

/// One exporter, one protocol, one transport.
struct ExporterAccount {
  IpAddress address;
  WireProtocol protocol = WireProtocol::other;
  Transport transport = Transport::udp;
  std::uint64_t datagrams = 0;
  std::uint64_t octets = 0;
  std::uint64_t flows = 0;
  std::uint64_t problems = 0;  ///< datagrams with a diagnostic, refused ones included
  Timestamp first_heard;
  Timestamp last_heard;
};

/// The account of one decoder.
///
/// Thread-safe: written by the decoder's thread, read by anyone.
class AccountSlot {
 public:
  AccountSlot(std::size_t max_exporters, std::uint64_t hash_key);

  /// Counts one datagram that was decoded or refused.
  void note(const ReceivedDatagram& datagram, std::uint64_t flows, bool has_problem);
  void publish(const Decoder& decoder);

  [[nodiscard]] DecoderAccount account() const;
  void append_exporters(std::vector<ExporterAccount>& out) const;

 private:
  struct Key {
    IpAddress address;
    WireProtocol protocol;
    Transport transport;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::uint64_t key;
    std::size_t operator()(const Key& k) const noexcept {
      return keyed_hash(k.address, key + 16 * static_cast<std::uint64_t>(k.transport) +
                                       static_cast<std::uint64_t>(k.protocol));
    }
  };
  ExporterAccount& row(const Key& key);

  const std::size_t max_exporters_;
  mutable std::mutex mutex_;
  DecoderAccount account_;
  std::unordered_map<Key, ExporterAccount, Hash> exporters_;
};

/// The accounts of all decoders.
class Accounts {
 public:
  Accounts(std::size_t decoders, std::size_t max_exporters, std::uint64_t hash_key);

  [[nodiscard]] AccountSlot& slot(std::size_t decoder) noexcept { return *slots_[decoder]; }
  [[nodiscard]] DecoderAccount total() const;
  /// One row for each exporter, protocol and transport, ascending by address.
  [[nodiscard]] std::vector<ExporterAccount> exporters() const;
  [[nodiscard]] std::size_t max_exporters() const noexcept { return max_exporters_; }

 private:
  std::size_t max_exporters_;
  std::vector<std::unique_ptr<AccountSlot>> slots_;
};

}  // namespace flowlensd
