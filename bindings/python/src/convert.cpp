#include "convert.hpp"

// After Python.h, which convert.hpp brings.
#include <datetime.h>

#include <cmath>

#include "flowlens/error.hpp"

namespace flowlens::python {
namespace {

using namespace std::chrono;

/// Types of Python's own library, kept for the life of the process: it has no end that we are told of.
struct Types {
  py::object ipv4;
  py::object ipv6;
};
Types* types = nullptr;

std::string shown(py::handle value) { return py::repr(value); }

py::object stolen(PyObject* object) {
  if (object == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(object);
}

Timestamp timestamp_of_ns(py::handle value) {
  const long long ns = PyLong_AsLongLong(value.ptr());
  if (ns == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw ConfigError(shown(value) + " is no time: nanoseconds since 1970 lie within 64 bits");
  }
  return from_unix_ns(ns);
}

/// \return microseconds of a timedelta.
std::int64_t microseconds_of(py::handle delta) noexcept {
  return (static_cast<std::int64_t>(PyDateTime_DELTA_GET_DAYS(delta.ptr())) * 86'400 +
          PyDateTime_DELTA_GET_SECONDS(delta.ptr())) *
             1'000'000 +
         PyDateTime_DELTA_GET_MICROSECONDS(delta.ptr());
}

Timestamp timestamp_of_datetime(py::handle value) {
  const py::object zone = value.attr("tzinfo");
  if (zone.is_none()) {
    throw ConfigError(shown(value) +
                      " has no time zone; datetime.now(timezone.utc) is a time that has one");
  }
  const py::object epoch = stolen(PyDateTimeAPI->DateTime_FromDateAndTime(
      1970, 1, 1, 0, 0, 0, 0, PyDateTime_TimeZone_UTC, PyDateTimeAPI->DateTimeType));
  const std::int64_t us = microseconds_of(value - epoch);
  constexpr std::int64_t kMost = INT64_MAX / 1'000;
  if (us > kMost || us < -kMost) {
    throw ConfigError(shown(value) + " is out of range: times lie between 1678 and 2262");
  }
  return from_unix_ns(us * 1'000);
}

struct ToPython {
  py::object operator()(std::monostate) const { return py::none(); }
  py::object operator()(bool value) const { return py::bool_(value); }
  py::object operator()(std::uint64_t value) const { return py::int_(value); }
  py::object operator()(double value) const { return py::float_(value); }
  py::object operator()(const std::string& value) const { return text_of(value); }
  py::object operator()(const IpAddress& value) const { return to_python(value); }
  py::object operator()(Timestamp value) const { return to_python(value); }
  template <typename T>
  py::object operator()(const std::vector<T>& values) const {
    py::list out;
    for (const T& value : values) out.append((*this)(value));
    return out;
  }
};

struct ToPlain : ToPython {
  using ToPython::operator();
  py::object operator()(const IpAddress& value) const { return py::str(value.to_string()); }
  py::object operator()(Timestamp value) const { return py::str(to_string(value)); }
  py::object operator()(const std::vector<IpAddress>& values) const {
    py::list out;
    for (const IpAddress& value : values) out.append((*this)(value));
    return out;
  }
};

}  // namespace

void begin_conversions() {
  PyDateTime_IMPORT;
  if (PyDateTimeAPI == nullptr) throw py::error_already_set();
  const py::module_ ipaddress = py::module_::import("ipaddress");
  types = new Types{ipaddress.attr("IPv4Address"), ipaddress.attr("IPv6Address")};
}

py::object to_python(const IpAddress& address) {
  if (address.is_v4()) return types->ipv4(address.to_v4());
  const auto& octets = address.octets();
  return types->ipv6(py::bytes(reinterpret_cast<const char*>(octets.data()), octets.size()));
}

py::object to_python(Timestamp time) {
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{floor<microseconds>(time - day)};
  return stolen(PyDateTimeAPI->DateTime_FromDateAndTime(
      static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
      static_cast<int>(static_cast<unsigned>(date.day())), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()), PyDateTime_TimeZone_UTC,
      PyDateTimeAPI->DateTimeType));
}

py::str text_of(std::string_view text) {
  return py::reinterpret_steal<py::str>(
      stolen(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"))
          .release());
}

py::bytes bytes_of(std::span<const std::byte> octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

IpAddress address_of(py::handle value, const char* what) {
  const std::string text = py::str(value);
  if (const auto address = IpAddress::parse(text)) return *address;
  throw ConfigError(std::string(what) + ": " + shown(value) +
                    " is no address; `10.0.0.1`, `2001:db8::1` or one of module ipaddress is");
}

IpPrefix prefix_of(py::handle value, const char* what) {
  const std::string text = py::str(value);
  if (const auto prefix = IpPrefix::parse(text)) return *prefix;
  throw ConfigError(std::string(what) + ": " + shown(value) +
                    " is no network; `10.0.0.0/8`, `2001:db8::/32` or one of module ipaddress is");
}

Timestamp time_of(py::handle value) {
  if (value.is_none()) return time_point_cast<nanoseconds>(system_clock::now());
  if (PyDateTime_Check(value.ptr())) return timestamp_of_datetime(value);
  if (PyLong_Check(value.ptr()) && !PyBool_Check(value.ptr())) return timestamp_of_ns(value);
  throw py::type_error(
      shown(value) + " is no time; a datetime with a time zone, or int nanoseconds since 1970, is");
}

nanoseconds duration_of(py::handle value, const char* what) {
  constexpr double kMost = 9e9;  // seconds, some 290 years
  double seconds = -1;
  if (PyDelta_Check(value.ptr())) {
    seconds = static_cast<double>(microseconds_of(value)) / 1e6;
  } else if (PyFloat_Check(value.ptr()) || PyLong_Check(value.ptr())) {
    seconds = PyFloat_AsDouble(value.ptr());
    if (PyErr_Occurred() != nullptr) PyErr_Clear(), seconds = -1;
  } else {
    throw py::type_error(std::string(what) + ": " + shown(value) +
                         " is no duration; seconds or a timedelta is");
  }
  if (!(seconds >= 0 && seconds <= kMost)) {
    throw ConfigError(std::string(what) + ": " + shown(value) + " is no duration from 0 on");
  }
  return nanoseconds{static_cast<std::int64_t>(std::llround(seconds * 1e9))};
}

seconds seconds_of(py::handle value, const char* what) {
  const nanoseconds exact = duration_of(value, what);
  const auto whole = duration_cast<seconds>(exact);
  if (whole != exact) {
    throw ConfigError(std::string(what) + ": " + shown(value) + " is no whole number of seconds");
  }
  return whole;
}

std::string path_of(py::handle value) {
  PyObject* octets = nullptr;
  if (PyUnicode_FSConverter(value.ptr(), &octets) == 0) throw py::error_already_set();
  return py::reinterpret_steal<py::bytes>(octets);
}

std::vector<std::string> paths_of(py::handle value) {
  if (py::isinstance<py::str>(value) || py::isinstance<py::bytes>(value) ||
      py::hasattr(value, "__fspath__")) {
    return {path_of(value)};
  }
  std::vector<std::string> paths;
  for (const py::handle path : py::iter(value)) paths.push_back(path_of(path));
  return paths;
}

py::object to_python(const Cell& cell) { return std::visit(ToPython{}, cell); }
py::object to_plain(const Cell& cell) { return std::visit(ToPlain{}, cell); }

PinnedBuffer::PinnedBuffer(py::handle object) {
  if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) throw py::error_already_set();
}

}  // namespace flowlens::python
