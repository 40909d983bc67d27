/// \file
/// parse: the elements that a program knows: the built-in ones and its own.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "flowlens/information_element.hpp"

namespace flowlens {

/// The built-in elements plus those that a user added, e.g. from a file. An added element hides a
/// built-in one of the same id.
///
/// Thread-compatible while elements are added; share it freely afterwards, as `const`.
class InformationModel {
 public:
  /// The built-in elements only.
  InformationModel();
  ~InformationModel();
  InformationModel(InformationModel&&) noexcept;
  InformationModel& operator=(InformationModel&&) noexcept;

  /// Adds one; the texts are copied.
  /// \throws ConfigError if it has no name, is a NetFlow v9 scope or of enterprise 29305 (which are
  /// derived), or if its id was added before.
  void add(const InformationElement& element);

  /// Adds a table, one element a line, the form of the built-in tables in src/parse/elements:
  ///
  ///     enterprise,number,name,type,semantics,units
  ///     32473,1,doorOpenCount,unsigned32,deltaCounter,
  ///
  /// The first line is this header. Types and semantics are RFC 7012's words; semantics and units
  /// may be empty. Lines that are empty or begin with `#` are comments.
  /// \param text  of the whole table.
  /// \param origin  what to call it in messages: the name of the file.
  /// \throws ConfigError naming file, line, what was wrong and what would be right. Nothing of the
  /// table is added then.
  void add_table(std::string_view text, std::string_view origin);

  /// \return null for an unknown one. Valid while the model lives and nothing is added.
  [[nodiscard]] const InformationElement* find(ElementId id) const noexcept;
  /// \return an added one before a built-in one; null if no element has that name.
  [[nodiscard]] const InformationElement* find(std::string_view name) const noexcept;
  /// As element_name(), with the added elements.
  [[nodiscard]] std::string name_of(ElementId id) const;
  /// As element_type(), with the added elements.
  [[nodiscard]] ElementType type_of(ElementId id) const noexcept;
  /// How many were added to the built-in ones.
  [[nodiscard]] std::size_t added() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace flowlens
