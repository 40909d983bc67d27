#include "arrow/columns.hpp"

#include <algorithm>
#include <numeric>

#include "flowlens/error.hpp"

namespace flowlens::arrow {

std::vector<std::size_t> chosen_columns(const ArrowOptions& options,
                                        const std::vector<std::string_view>& known,
                                        std::string_view what) {
  if (options.rows_per_batch == 0) throw ConfigError("rows_per_batch is 0; at least 1 is needed");
  std::vector<std::size_t> chosen;
  if (options.columns.empty()) {
    chosen.resize(known.size());
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  }
  for (const std::string& name : options.columns) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) {
      std::string names;
      for (const std::string_view one : known) (names += names.empty() ? "" : ", ") += one;
      throw ConfigError(std::string(what) + " have no column '" + name + "', only " + names);
    }
    const auto at = static_cast<std::size_t>(found - known.begin());
    if (std::find(chosen.begin(), chosen.end(), at) != chosen.end()) {
      throw ConfigError("the column '" + name + "' is named twice");
    }
    chosen.push_back(at);
  }
  return chosen;
}

}  // namespace flowlens::arrow
