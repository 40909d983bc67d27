/// \file
/// parse: elements whose type an exporter tells by options (RFC 5610), by exporter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/hash.hpp"
#include "base/lru_table.hpp"
#include "flowlens/diagnostic.hpp"
#include "flowlens/information_element.hpp"
#include "flowlens/ip_address.hpp"
#include "flowlens/parser.hpp"
#include "flowlens/record.hpp"

namespace flowlens::parse {

/// Bounded in total and by exporter; at a bound what was declared or asked for longest ago goes.
class DeclaredElements {
 public:
  explicit DeclaredElements(const ParserOptions& options)
      : exporters_(options.max_declared_elements, AddressHash{options.hash_seed}),
        max_elements_(options.max_declared_elements),
        max_elements_per_exporter_(options.max_declared_elements_per_exporter),
        seed_(options.hash_seed) {}

  /// Takes what options records say of elements; all other options are passed over.
  /// \param records  of `set`, whole ones.
  /// \return `none` or `out_of_memory`.
  DiagnosticCode learn(const DataSet& set, std::span<const std::byte> records) noexcept;

  /// \return null if the exporter did not declare it. Valid until the next learn().
  [[nodiscard]] const InformationElement* find(const IpAddress& exporter, ElementId id) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }
  /// Declarations that made no sense: of IANA's elements, of types that do not exist, with names
  /// that are none.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  struct Declared {
    InformationElement element;
    std::string name;
  };
  struct IdHash {
    std::uint64_t seed = 0;
    std::size_t operator()(const ElementId& id) const noexcept {
      return base::mix(id.enterprise ^ seed, id.number);
    }
  };
  struct AddressHash {
    std::uint64_t seed = 0;
    std::size_t operator()(const IpAddress& a) const noexcept { return base::hash_of(a, seed); }
  };
  using Elements = base::LruTable<ElementId, Declared, IdHash>;

  void learn(const IpAddress& exporter, const Record& record);
  void put(const IpAddress& exporter, Declared declared);
  /// Of the exporter used longest ago. \param in_use  stays, even if it is empty then.
  void evict_oldest(const Elements* in_use) noexcept;

  base::LruTable<IpAddress, Elements, AddressHash> exporters_;
  std::size_t max_elements_;
  std::size_t max_elements_per_exporter_;
  std::uint64_t seed_;
  std::size_t size_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace flowlens::parse
