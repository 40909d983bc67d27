/// \file
/// parse: what is inside the records of sFlow samples: the structures published at sflow.org
/// (sflow.org/developers/structures.php), each a list of fields with name, unit and meaning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "flowlens/ip_address.hpp"
#include "flowlens/sflow_sample.hpp"

namespace flowlens {

/// How a field stands in the record (XDR, RFC 4506).
enum class SflowType : std::uint8_t {
  unsigned_32,
  unsigned_64,
  signed_32,
  float_32,
  ipv4_address,
  ipv6_address,
  address,      ///< 4 octets say which, or that it is unknown
  mac_address,  ///< 6 octets and 2 of padding
  string,       ///< of variable length, UTF-8 by intent
  octets_16,    ///< a UUID or an InfiniBand GID
  octets,       ///< of variable length
  words,        ///< a list of 32-bit numbers; each is a value of its own
  list_begin,   ///< the fields up to list_end repeat; no value of its own
  list_end,
  later  ///< the fields behind were added by a later version and may be missing; no value
};

/// How the numbers of a field follow each other in time.
enum class SflowSemantics : std::uint8_t {
  value,    ///< an identifier, a state, a text
  counter,  ///< only grows, and wraps
  gauge
};

struct SflowField {
  std::string_view name;  ///< as published
  std::string_view unit;  ///< `octets`, `ms`, `bit/s`; empty for plain counts
  SflowType type = SflowType::unsigned_32;
  SflowSemantics semantics = SflowSemantics::value;
};

/// The layout of one kind of record. Immutable; lives as long as the program.
struct SflowStructure {
  std::uint32_t enterprise = 0;
  std::uint32_t format = 0;
  std::string_view name;
  std::span<const SflowField> fields;
  std::uint32_t min_octets = 0;  ///< of the shortest record
  bool is_fixed = true;          ///< every record has min_octets, later additions aside
};

/// Which records share one space of formats.
enum class SflowRecordClass : std::uint8_t { flow, counters };

/// \return null for a format that is not known; its records are still handed on as octets.
[[nodiscard]] const SflowStructure* find_sflow_structure(SflowRecordClass of,
                                                         std::uint32_t enterprise,
                                                         std::uint32_t format) noexcept;
[[nodiscard]] std::span<const SflowStructure> all_sflow_structures(SflowRecordClass of) noexcept;

/// One value of a record. The octets are a view into it.
struct SflowValue {
  const SflowField* field = nullptr;
  std::uint32_t index = 0;            ///< which entry of the innermost list, 0 outside lists
  std::uint64_t number = 0;           ///< of the integer types; signed_32 sign-extended
  double real = 0;                    ///< of float_32, and `number` of the integer types
  IpAddress address;                  ///< of the address types; unspecified where it is unknown
  std::span<const std::byte> octets;  ///< as they stand in the record, without padding

  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
  }
  /// sFlow sets counters and gauges that a device does not keep to the largest number
  /// (sFlow Version 5 §4.2.3).
  [[nodiscard]] bool is_known() const noexcept;
};

/// Reads the values of one record, one after the other, by its structure. Nothing is allocated; a
/// record that is cut ends where it is cut, octets behind the structure are left (later versions of
/// a structure add fields).
class SflowValueReader {
 public:
  SflowValueReader(const SflowStructure& structure, std::span<const std::byte> record) noexcept
      : fields_(structure.fields), rest_(record) {}

  /// \return false at the end, or where the record is cut; see is_whole().
  bool next(SflowValue& value) noexcept;
  /// After next() gave false: all fields were there.
  [[nodiscard]] bool is_whole() const noexcept { return whole_; }

 private:
  struct Loop {
    std::size_t first_field = 0;
    std::uint32_t left = 0;  ///< rounds, this one included
    std::uint32_t index = 0;
  };
  bool begin_list() noexcept;
  void end_list() noexcept;
  bool read(const SflowField& field, SflowValue& value) noexcept;
  bool read_word(SflowValue& value) noexcept;
  bool take(std::size_t count, std::span<const std::byte>& taken) noexcept;
  bool take_padded(std::span<const std::byte>& taken) noexcept;
  std::uint32_t word() noexcept;
  void cut() noexcept;

  static constexpr std::size_t kMaxDepth = 3;
  std::span<const SflowField> fields_;
  std::span<const std::byte> rest_;
  std::size_t field_ = 0;
  Loop loops_[kMaxDepth];
  std::size_t depth_ = 0;
  std::uint32_t words_left_ = 0;
  std::uint32_t word_index_ = 0;
  bool whole_ = true;
};

/// One number of a counter sample.
struct CounterReading {
  const SflowStructure& structure;
  const SflowField& field;
  const SflowValue& value;
};

/// The typed content of a counter sample: a view, valid during the call that hands it over.
class CounterSample {
 public:
  explicit CounterSample(const SflowSample& sample) noexcept : sample_(sample) {}

  /// Who counted, when, and the records as they came.
  [[nodiscard]] const SflowSample& sample() const noexcept { return sample_; }
  /// \return whether the counters are those of one interface.
  [[nodiscard]] bool is_of_interface() const noexcept { return sample_.source_id_type == 0; }
  /// Its ifIndex, or the index of a VLAN, entity or host: see SflowSample::source_id_type.
  [[nodiscard]] std::uint32_t source_index() const noexcept { return sample_.source_id_index; }

  /// Calls `visit(const CounterReading&)` for each value of each known structure, in the order of
  /// the records. Records of other structures, and cut ones, are passed over.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    sample_.for_each([&](const SflowRecord& record) {
      const SflowStructure* structure =
          find_sflow_structure(SflowRecordClass::counters, record.enterprise, record.format);
      if (structure == nullptr || record.octets.size() < structure->min_octets) return;
      SflowValueReader reader{*structure, record.octets};
      for (SflowValue value; reader.next(value);) {
        visit(CounterReading{*structure, *value.field, value});
      }
    });
  }

 private:
  const SflowSample& sample_;
};

/// Why a device dropped a packet (sFlow Dropped Packet Notification, ICMP's codes below 256).
/// \return `acl`; empty for a number that is not assigned.
[[nodiscard]] std::string_view name_of_discard_reason(std::uint32_t reason) noexcept;

}  // namespace flowlens
