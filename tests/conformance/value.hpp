/// \file
/// Values of the corpus: what a decoded field looks like there, and when two are the same.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "conformance/case_file.hpp"
#include "flowlens/information_element.hpp"
#include "flowlens/record.hpp"

namespace flowlens::conformance {

/// The key of a field: IANA's name, `reverse…`, `e<PEN>id<N>`, `id<N>`, `v9id<N>`, `scope…`.
[[nodiscard]] std::string field_key(ElementId id, ExportProtocol protocol);

/// How the corpus reads the element; reverse elements read like forward ones.
[[nodiscard]] ElementType field_type(ElementId id);

/// The value as the corpus writes it; nothing for a field without one (length 0).
[[nodiscard]] std::optional<Json> field_value(const FieldValue& field);

/// Whether they mean the same: addresses are compared parsed, micro- and nanoseconds with the
/// tolerance the corpus allows, all else as it is.
[[nodiscard]] bool same_value(const Json& have, const Json& want, ElementType type);

[[nodiscard]] std::string to_hex(std::span<const std::byte> octets);
[[nodiscard]] std::string to_mac(std::span<const std::byte> octets);
/// `2026-11-21T09:00:00.000000000Z`, always nine digits.
[[nodiscard]] std::string to_corpus_time(Timestamp t);

}  // namespace flowlens::conformance
