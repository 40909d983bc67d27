/// \file
/// parse: data records in wire form, laid out by a template.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "flowlens/template.hpp"
#include "flowlens/time.hpp"
#include "flowlens/transport_session.hpp"

namespace flowlens {

/// What the header of a message says, whatever its version.
struct MessageHeader {
  ExportProtocol protocol = ExportProtocol::ipfix;
  std::uint16_t claimed_count = 0;  ///< NetFlow: records; sFlow: samples; IPFIX: 0
  std::uint32_t sequence = 0;
  std::uint32_t observation_domain = 0;  ///< IPFIX ODID, v9 source ID, v5 engine, sFlow sub-agent
  Timestamp export_time;                 ///< of the exporter's clock; v9 and IPFIX: whole seconds
  std::uint32_t sys_uptime_ms = 0;       ///< all but IPFIX: since the exporter's boot
  std::uint16_t sampling = 0;  ///< v5: mode in the upper 2 bits, interval below (0: not said)
  IpAddress agent;             ///< sFlow: the agent's own address; else the exporter's
};

/// The value of one field: its octets, network byte order. A view into the datagram.
struct FieldValue {
  FieldSpecifier specifier;
  std::span<const std::byte> octets;
};

/// Reads an unsigned integer of 1 to 8 octets (RFC 7011 §6.2, reduced size).
/// \return nothing for other lengths.
[[nodiscard]] std::optional<std::uint64_t> read_unsigned(
    std::span<const std::byte> octets) noexcept;

/// One data record. A view: valid while the datagram and the template are.
class Record {
 public:
  Record(const Template& layout, std::span<const std::byte> octets) noexcept
      : layout_(&layout), octets_(octets) {}

  [[nodiscard]] const Template& layout() const noexcept { return *layout_; }
  [[nodiscard]] std::span<const std::byte> octets() const noexcept { return octets_; }

  /// Calls `visit(const FieldValue&)` for each field in the order of the template.
  template <typename Visitor>
  void for_each(Visitor&& visit) const;
  /// The value of an element; the first one where it is repeated.
  [[nodiscard]] std::optional<FieldValue> find(ElementId element) const noexcept;

 private:
  const Template* layout_;
  std::span<const std::byte> octets_;
};

/// Where the templates of an exporter are looked up: a Parser's, or one of a test.
class TemplateSource {
 public:
  /// \return null if it is not known.
  virtual const Template* find_template(const TransportSession& session,
                                        const MessageHeader& message, std::uint16_t template_id,
                                        Timestamp now) noexcept = 0;

 protected:
  ~TemplateSource() = default;
};

/// A run of records with one layout, as one set carried them. A view, valid during the call that
/// hands it over.
struct DataSet {
  const MessageHeader* message = nullptr;
  const TransportSession* session = nullptr;
  Timestamp received;  ///< of the datagram, also where the set had to wait
  const Template* layout = nullptr;
  std::span<const std::byte> records;  ///< whole records only, padding cut off
  std::uint32_t record_count = 0;
  std::uint32_t offset = 0;             ///< of `records` in the datagram
  std::uint16_t set_index = 0;          ///< sets of the message are counted from 0
  bool template_by_session = true;      ///< false: found by the exporter's address only
  TemplateSource* templates = nullptr;  ///< the Parser's, for find_template()

  /// A template of the same exporter and observation domain: the records of a subTemplateList name
  /// theirs by id (RFC 6313). Renews its lifetime, as any use does.
  /// \return null if it is not known. Valid as long as the views of this set.
  [[nodiscard]] const Template* find_template(std::uint16_t template_id) const noexcept;

  /// Calls `visit(const Record&)` for each record.
  template <typename Visitor>
  void for_each(Visitor&& visit) const;
};

/// \return octets of the record at the start of `octets`; 0 if it is cut short.
[[nodiscard]] std::size_t record_length(const Template& layout,
                                        std::span<const std::byte> octets) noexcept;

/// Takes one field off the front of `rest`.
/// \return its octets; `rest` is empty afterwards if the field was cut short.
[[nodiscard]] std::span<const std::byte> take_field(const FieldSpecifier& field,
                                                    std::span<const std::byte>& rest) noexcept;

template <typename Visitor>
void Record::for_each(Visitor&& visit) const {
  std::span<const std::byte> rest = octets_;
  for (const FieldSpecifier& field : layout_->fields()) {
    visit(FieldValue{field, take_field(field, rest)});
  }
}

template <typename Visitor>
void DataSet::for_each(Visitor&& visit) const {
  std::span<const std::byte> rest = records;
  for (std::uint32_t i = 0; i < record_count; ++i) {
    const std::size_t length = record_length(*layout, rest);
    visit(Record{*layout, rest.first(length)});
    rest = rest.subspan(length);
  }
}

}  // namespace flowlens
