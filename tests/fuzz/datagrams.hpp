/// \file
/// What the fuzz targets of the single protocols share. An input is a sequence of datagrams, so
/// that template state is reached too; each is
///
///     1 octet    who and when: bits 0-1 the exporter (3: over TCP, where withdrawals count), bit 2 its
///                port, bit 3 a second version where the target has two, bits 4-7 seconds (0, 1, 2, 4,
///                … 8192) since the last one; 15: the decoder is restarted from its saved state
///     2 octets   length, network byte order; the input's end cuts the last datagram short
///     n octets   the datagram; its version field is overwritten
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace flowlens::fuzz {

/// The version fields that a target writes: NetFlow and IPFIX 16 bits, sFlow 32.
struct Versions {
  std::uint32_t first;
  std::uint32_t second;
  std::size_t octets;
};

/// Loads `state`, if any, and feeds the input to one Decoder and one Parser whose records are read to the last octet. Aborts
/// if a ledger does not balance or more comes out than can have been in it.
void run(std::span<const std::byte> input, Versions versions,
         std::span<const std::byte> state = {});

/// Writes the right checksum behind octets that end with one (sealed_state.hpp), so that the fuzzer gets past it.
void seal(std::span<std::byte> state);

/// Aborts with a message; libFuzzer keeps the input.
[[noreturn]] void fail(const char* what);

}  // namespace flowlens::fuzz
