/// \file
/// Loads cases of the conformance corpus (its README describes the format).
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "flowlens/time.hpp"
#include "flowlens/transport_session.hpp"

namespace flowlens::conformance {

using Json = nlohmann::json;

/// A file of the corpus that cannot be read or does not keep to the format; names the file.
class CorpusError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The octets of one datagram in a heap block of exactly their size, so that a sanitizer sees every
/// octet read past the end.
class ExactBlock {
 public:
  explicit ExactBlock(std::span<const std::byte> octets);
  [[nodiscard]] std::span<const std::byte> octets() const { return {block_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> block_;
  std::size_t size_;
};

struct CaseDatagram {
  ExactBlock octets;
  TransportSession session;
};

/// One directory of the corpus.
struct Case {
  std::string name;
  std::string protocol;
  std::string vendor;
  std::vector<CaseDatagram> datagrams;
  Json json;  ///< the whole of case.json
};

[[nodiscard]] ExactBlock read_block(const std::filesystem::path& file);
[[nodiscard]] Json read_json(const std::filesystem::path& file);

/// \throws CorpusError
[[nodiscard]] Case load_case(const std::filesystem::path& directory);

/// The names of all cases below `corpus` that match one of `globs` (`*` and `?`; none: all), in
/// order.
[[nodiscard]] std::vector<std::string> list_cases(const std::filesystem::path& corpus,
                                                  std::span<const std::string> globs);

[[nodiscard]] bool matches_glob(const std::string& name, const std::string& glob);

/// When datagram number `i` of a case is said to have come. No two are the same, so a set that had
/// to wait for its template is told by its time.
[[nodiscard]] Timestamp received_at(std::size_t i);

}  // namespace flowlens::conformance
