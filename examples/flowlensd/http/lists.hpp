/// \file
/// http: which part of a list is asked for, in which order, and which members of its rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"
#include "http/rows.hpp"
#include "service.hpp"

namespace flowlensd::http {

/// Rows before a page that is asked for by its number; further ones are reached by cursor.
inline constexpr std::uint64_t kDeepestRow = 100'000;

struct ListPlace {
  std::size_t limit = 0;
  std::uint32_t after = 0;            ///< by cursor
  std::size_t skip = 0;               ///< by number
  std::optional<std::uint64_t> page;  ///< that number; nothing: none was given, and no order
};

/// `page_size` with `cursor` or `page`. `sort` has no cursor: a row may change its place meanwhile.
[[nodiscard]] ListPlace list_place(const Request& request, const Service& service);

/// `sort=name`, or `sort=-name` for descending.
template <typename Order>
struct Sorting {
  Order order{};
  bool is_descending = false;
};
/// \return the place in `names`, and whether it is descending; nothing where none is asked for.
[[nodiscard]] std::optional<std::pair<std::size_t, bool>> sort_parameter(
    const Request& request, std::initializer_list<std::string_view> names);

/// `fields=id,name`: the members of a row that are wanted.
class ShownFields {
 public:
  /// \param example  makes a row with all the members that there may be.
  ShownFields(const Request& request, const std::function<Json()>& example);
  /// Leaves out the others.
  [[nodiscard]] Json of(Json row) const;

 private:
  std::vector<std::string> names_;  ///< empty: all
};

/// What stands behind the items of a list: `"total":7,"next_cursor":null`, and of a page by number
/// its place.
template <typename Row>
[[nodiscard]] std::string list_end(const Page<Row>& rows, std::uint64_t total,
                                   const ListPlace& place, bool is_sorted) {
  std::string text = "\"total\":" + std::to_string(total) + ",\"next_cursor\":";
  text += rows.has_more && !is_sorted ? '"' + std::to_string(rows.next) + '"' : "null";
  if (place.page) {
    text += ",\"page\":" + std::to_string(*place.page) +
            ",\"page_size\":" + std::to_string(place.limit) +
            ",\"pages\":" + std::to_string((total + place.limit - 1) / place.limit);
  }
  return text;
}

}  // namespace flowlensd::http
