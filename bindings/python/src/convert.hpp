/// \file
/// What Python's values are in C++, and the other way round.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "flowlens/id.hpp"
#include "flowlens/ip_address.hpp"
#include "flowlens/time.hpp"

namespace flowlens::python {

namespace py = pybind11;

/// Once, when the module is imported.
void begin_conversions();

[[nodiscard]] py::object to_python(const IpAddress& address);  ///< of module ipaddress
[[nodiscard]] py::object to_python(Timestamp time);  ///< datetime in UTC, whole microseconds
/// Text that came over the network: what is no UTF-8 comes as U+FFFD.
[[nodiscard]] py::str text_of(std::string_view text);
[[nodiscard]] py::bytes bytes_of(std::span<const std::byte> octets);

/// \param value  text, or an address of module ipaddress. \throws ConfigError naming `what`.
[[nodiscard]] IpAddress address_of(py::handle value, const char* what);
/// A network, or a single address. \throws ConfigError naming `what`.
[[nodiscard]] IpPrefix prefix_of(py::handle value, const char* what);
/// \param value  an aware datetime, or nanoseconds since 1970; None: the system's clock now.
/// \throws ConfigError for a datetime without a time zone, and for times that a Timestamp cannot hold.
[[nodiscard]] Timestamp time_of(py::handle value);
/// \param value  seconds, or a timedelta. \throws ConfigError for what is less than 0, or no number.
[[nodiscard]] std::chrono::nanoseconds duration_of(py::handle value, const char* what);
[[nodiscard]] std::chrono::seconds seconds_of(py::handle value, const char* what);
/// A path of any kind. \throws TypeError as os.fspath() does.
[[nodiscard]] std::string path_of(py::handle value);
/// One path, or several.
[[nodiscard]] std::vector<std::string> paths_of(py::handle value);

/// One value on its way to Python. Made without Python, so rows can be read without its lock.
using Cell = std::variant<std::monostate, bool, std::uint64_t, double, std::string, IpAddress,
                          Timestamp, std::vector<std::string>, std::vector<IpAddress>>;
[[nodiscard]] py::object to_python(const Cell& cell);
/// The same as what JSON has: addresses and times as text.
[[nodiscard]] py::object to_plain(const Cell& cell);

/// An attribute of rows of one type.
template <typename Row>
struct Attribute {
  const char* name;
  Cell (*get)(const Row& row);
};

/// Makes properties of them, and to_dict().
template <typename Row, typename Class, std::size_t kCount>
void add_attributes(Class& to, const Attribute<Row> (&attributes)[kCount]) {
  for (const Attribute<Row>& a : attributes) {
    to.def_property_readonly(a.name, [get = a.get](const Row& row) { return to_python(get(row)); });
  }
  to.def(
      "to_dict",
      [&attributes](const Row& row) {
        py::dict out;
        for (const Attribute<Row>& a : attributes) out[a.name] = to_plain(a.get(row));
        return out;
      },
      "All attributes, as JSON has them: addresses and times are text.");
}

/// A buffer of somebody's, held so that it can neither move nor go while Python's lock is let go of.
class PinnedBuffer {
 public:
  /// \throws TypeError if it is not bytes-like, BufferError if its octets do not lie in a row.
  explicit PinnedBuffer(py::handle object);
  ~PinnedBuffer() { PyBuffer_Release(&view_); }
  PinnedBuffer(const PinnedBuffer&) = delete;
  PinnedBuffer& operator=(const PinnedBuffer&) = delete;

  [[nodiscard]] std::span<const std::byte> octets() const noexcept {
    return {static_cast<const std::byte*>(view_.buf), static_cast<std::size_t>(view_.len)};
  }

 private:
  Py_buffer view_{};
};

/// \throws KeyboardInterrupt and what else a handler of signals raises.
inline void check_signals() {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

/// Does `work` without Python's lock, and one thread at a time: two that meet in one object wait for each
/// other, and Python goes on meanwhile.
template <typename Work>
auto alone(std::mutex& mutex, Work&& work) {
  const py::gil_scoped_release released;
  const std::lock_guard lock(mutex);
  return std::forward<Work>(work)();
}
/// The same for what many threads may do at once.
template <typename Work>
auto without_gil(Work&& work) {
  const py::gil_scoped_release released;
  return std::forward<Work>(work)();
}

}  // namespace flowlens::python
