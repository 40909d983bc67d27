// A text as a filter: compiled, spelled, compiled again, evaluated, completed.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "flowlens/filter.hpp"
#include "flowlens/flow_fields.hpp"
#include "flowlens/map_fields.hpp"

namespace {

using namespace flowlens;

constexpr Timestamp kNow{std::chrono::seconds{1'800'000'000}};

template <typename Row>
void check(std::string_view text, const FieldTableOf<Row>& fields) {
  FilterError error;
  const auto filter = Filter<Row>::compile(text, fields, kNow, error);
  const Row row{};
  if (!filter) {
    if (error.message.empty() || error.column > text.size()) __builtin_trap();
    return;
  }
  const std::string canonical = filter.canonical();
  if (canonical.size() > kMaxFilterLength) return;
  const auto again = Filter<Row>::compile(canonical, fields, kNow, error);
  if (!again || again.canonical() != canonical) __builtin_trap();
  if (again.matches(row) != filter.matches(row)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check(text, flow_fields());
  check(text, dependency_fields());
  (void)complete_filter(text, size / 2, flow_fields());
  (void)complete_filter(text, size, asset_fields());
  return 0;
}
