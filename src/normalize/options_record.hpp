/// \file
/// normalize: what one options record says.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "flowlens/exporter_facts.hpp"
#include "flowlens/record.hpp"

namespace flowlens::normalize {

/// Where in the records of an options template the values lie that mean something here.
struct OptionsPlan {
  struct Field {
    std::uint16_t element = 0;        ///< of IANA's; 10 for the interface scope of NetFlow v9
    std::uint16_t length_octets = 0;  ///< or kVariableLength
    std::uint32_t segment = 0;        ///< fields of variable length before it
    std::uint32_t offset = 0;         ///< behind the last of them
  };
  /// \throws std::bad_alloc
  explicit OptionsPlan(const Template& layout);

  std::vector<Field> fields;  ///< empty: the template says nothing of use
  std::vector<std::size_t> fixed_runs;
};

/// The values of an options record that mean something here, whatever their order.
struct OptionsRecord {
  /// \param record  whole, of the template that `plan` was made for.
  OptionsRecord(const OptionsPlan& plan, std::span<const std::byte> record) noexcept;

  /// One packet in so many; 0 if the record does not say. \param is_absurd  set if it is nonsense.
  [[nodiscard]] std::uint32_t rate(bool& is_absurd) const noexcept;
  /// What the rate holds for.
  [[nodiscard]] SamplingScope scope() const noexcept;
  [[nodiscard]] std::uint64_t scope_id() const noexcept;
  [[nodiscard]] std::uint16_t selector_algorithm() const noexcept;
  [[nodiscard]] bool has_statistics() const noexcept;

  using Number = std::optional<std::uint64_t>;
  Number sampler, selector, interface, vrf, application;
  Number interval;         ///< 34
  Number random_interval;  ///< 50
  Number packet_interval;  ///< 305: so many are taken,
  Number packet_space;     ///< 306: then so many are not
  Number size;             ///< 309: so many
  Number population;       ///< 310: out of so many
  Number algorithm;        ///< 35, 49: 1 deterministic, 2 random
  Number selector_method;  ///< 304
  Number boot_ms;          ///< 160
  std::size_t interval_octets = 0;
  std::uint32_t probability_rate = 0;  ///< from 311
  ExporterStatistics statistics;
  // Views into the record.
  std::string_view interface_name, interface_description, vrf_name, application_name,
      application_description, sampler_name;
};

}  // namespace flowlens::normalize
