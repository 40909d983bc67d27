/// \file
/// http: assets with what people say of them, as CSV and JSON, out and in again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "http/rows.hpp"
#include "service.hpp"

namespace flowlensd::http {

inline constexpr std::size_t kMostImported = 10'000;   ///< assets at once
inline constexpr std::size_t kMostExported = 100'000;  ///< assets at once

[[nodiscard]] std::string assets_as_csv(const std::vector<AssetRow>& rows, const SiteTable& sites);
[[nodiscard]] std::string assets_as_json(const std::vector<AssetRow>& rows, const SiteTable& sites);

/// What an import brings.
struct AssetImport {
  std::vector<AssetWords> words;
  std::vector<std::string> places;  ///< of each in the text: `line 3, column 1: `, `assets[2]: `
  std::size_t made = 0;             ///< of the words: assets that are not there yet
};

/// Reads all of it and looks what is there; changes nothing.
/// \throws Problem 400 naming the line and column, or the item; 409 naming the asset in the way.
[[nodiscard]] AssetImport read_assets(const Request& request, const Service& service);

}  // namespace flowlensd::http
