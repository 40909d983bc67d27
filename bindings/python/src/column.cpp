#include "column.hpp"

#include <cstring>

#include "flowlens/error.hpp"

namespace flowlens::python {
namespace {

template <typename T>
T read(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

const std::byte* octets_of(const FlowRecord& flow) noexcept {
  return reinterpret_cast<const std::byte*>(&flow);
}

bool is_present(const FlowColumn& column, const FlowRecord& flow) noexcept {
  return column.present == 0 || (flow.present & column.present) != 0;
}

/// The letters of module struct, and how many octets they are.
struct Layout {
  const char* format;
  Py_ssize_t octets;
};
Layout layout_of(const Column& column) noexcept {
  if (column.has_own) return {"?", 1};
  switch (column.of->type) {
    case FlowColumnType::time:
      return {"q", 8};
    case FlowColumnType::unsigned64:
      return {"Q", 8};
    case FlowColumnType::unsigned32:
      return {"I", 4};
    case FlowColumnType::unsigned16:
      return {"H", 2};
    case FlowColumnType::boolean:
    case FlowColumnType::remark:
      return {"?", 1};
    case FlowColumnType::address:
    case FlowColumnType::unsigned8:
    case FlowColumnType::word:
      break;
  }
  return {"B", 1};
}

std::unique_ptr<Column> truths(const std::shared_ptr<const FlowBatch>& batch,
                               const FlowColumn& column) {
  auto made = std::make_unique<Column>();
  made->batch = batch;
  made->of = &column;
  made->has_own = true;
  made->own.reserve(batch->flows.size());
  for (const FlowRecord& flow : batch->flows) made->own.push_back(is_present(column, flow) ? 1 : 0);
  made->shape[0] = static_cast<Py_ssize_t>(batch->flows.size());
  made->strides[0] = 1;
  return made;
}

const void* begin_of(const Column& column) noexcept {
  static constexpr std::uint8_t kNothing[16] = {};
  if (column.has_own) return column.own.empty() ? kNothing : column.own.data();
  if (column.batch->flows.empty()) return kNothing;
  return octets_of(column.batch->flows.front()) + column.of->offset;
}

/// The buffer protocol by hand: pybind11's gives those who ask for plain octets a pointer to octets that do not
/// lie in a row.
int get_buffer(PyObject* object, Py_buffer* view, int flags) {
  view->obj = nullptr;
  if ((flags & PyBUF_WRITABLE) == PyBUF_WRITABLE) {
    PyErr_SetString(PyExc_BufferError, "columns are read-only");
    return -1;
  }
  const auto& column = py::cast<const Column&>(py::handle(object));
  const Layout layout = layout_of(column);
  const bool is_strided = (flags & PyBUF_STRIDES) == PyBUF_STRIDES;
  if (!is_strided && column.strides[0] != layout.octets) {
    PyErr_SetString(PyExc_BufferError,
                    "the values of a column lie apart: memoryview and numpy.asarray can take them");
    return -1;
  }
  const bool is_address = !column.has_own && column.of->type == FlowColumnType::address;
  view->buf = const_cast<void*>(begin_of(column));
  view->itemsize = layout.octets;
  view->len = column.shape[0] * layout.octets * (is_address ? column.shape[1] : 1);
  view->readonly = 1;
  view->ndim = is_address ? 2 : 1;
  view->format =
      (flags & PyBUF_FORMAT) == PyBUF_FORMAT ? const_cast<char*>(layout.format) : nullptr;
  view->shape = (flags & PyBUF_ND) == PyBUF_ND ? const_cast<Py_ssize_t*>(column.shape) : nullptr;
  view->strides = is_strided ? const_cast<Py_ssize_t*>(column.strides) : nullptr;
  view->suboffsets = nullptr;
  view->internal = nullptr;
  view->obj = object;
  Py_INCREF(object);
  return 0;
}

std::size_t checked_index(py::ssize_t index, std::size_t size) {
  if (index < 0) index += static_cast<py::ssize_t>(size);
  if (index < 0 || static_cast<std::size_t>(index) >= size) throw py::index_error();
  return static_cast<std::size_t>(index);
}

std::string names_of_columns() {
  std::string names;
  for (const FlowColumn& c : flow_columns()) {
    names += (names.empty() ? "" : ", ") + std::string(c.name);
  }
  return names;
}

}  // namespace

Cell cell_of(const FlowColumn& column, const FlowRecord& flow) {
  const std::byte* at = octets_of(flow) + column.offset;
  if (column.type == FlowColumnType::remark) return is_present(column, flow);
  if (!is_present(column, flow)) return {};
  switch (column.type) {
    case FlowColumnType::address:
      return read<IpAddress>(at);
    case FlowColumnType::time:
      return read<Timestamp>(at);
    case FlowColumnType::unsigned64:
      return read<std::uint64_t>(at);
    case FlowColumnType::unsigned32:
      return std::uint64_t{read<std::uint32_t>(at)};
    case FlowColumnType::unsigned16:
      return std::uint64_t{read<std::uint16_t>(at)};
    case FlowColumnType::boolean:
      return read<std::uint8_t>(at) != 0;
    case FlowColumnType::word:
      return std::string(column.words[read<std::uint8_t>(at)]);
    case FlowColumnType::unsigned8:
    case FlowColumnType::remark:
      break;
  }
  return std::uint64_t{read<std::uint8_t>(at)};
}

std::unique_ptr<Column> column_of(const std::shared_ptr<const FlowBatch>& batch,
                                  const std::string& name) {
  const FlowColumn* found = find_flow_column(name);
  if (found == nullptr) {
    throw ConfigError("there is no column `" + name + "`; there are " + names_of_columns());
  }
  if (found->type == FlowColumnType::remark) return truths(batch, *found);
  auto made = std::make_unique<Column>();
  made->batch = batch;
  made->of = found;
  made->shape[0] = static_cast<Py_ssize_t>(batch->flows.size());
  made->strides[0] = sizeof(FlowRecord);
  return made;
}

void add_column(py::module_& m) {
  py::class_<Column>(m, "Column", py::custom_type_setup([](PyHeapTypeObject* type) {
                       type->as_buffer.bf_getbuffer = get_buffer;
                       type->as_buffer.bf_releasebuffer = nullptr;
                       type->ht_type.tp_as_buffer = &type->as_buffer;
                     }),
                     "One value of all flows of a batch, without a copy: numpy.asarray(column), "
                     "memoryview(column).\n\n"
                     "Times are int64 nanoseconds since 1970 in UTC, addresses rows of 16 octets "
                     "(IPv4 as v4-mapped), words\n"
                     "positions in `words`. What was not exported is 0: see `present`.")
      .def_property_readonly("name", [](const Column& c) { return std::string(c.of->name); })
      .def_property_readonly(
          "words",
          [](const Column& c) {
            py::tuple words(c.of->words.size());
            for (std::size_t i = 0; i < c.of->words.size(); ++i) words[i] = text_of(c.of->words[i]);
            return words;
          },
          "What the numbers of this column stand for; empty where they are numbers.")
      .def_property_readonly(
          "present", [](const Column& c) { return truths(c.batch, *c.of); },
          "A column of truths: whether each flow's value was exported.")
      .def("__len__", [](const Column& c) { return c.shape[0]; })
      .def("__getitem__",
           [](const Column& c, py::ssize_t index) {
             const std::size_t at = checked_index(index, static_cast<std::size_t>(c.shape[0]));
             if (c.has_own) return py::object(py::bool_(c.own[at] != 0));
             return to_python(cell_of(*c.of, c.batch->flows[at]));
           })
      .def("__repr__", [](const Column& c) {
        return "<flowlens.Column " + std::string(c.of->name) + " of " + std::to_string(c.shape[0]) +
               " flows>";
      });
}

}  // namespace flowlens::python
