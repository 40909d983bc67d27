#include "binding.hpp"
#include "flowlens/error.hpp"

namespace flowlens::python {
namespace {

// Kept for the life of the process, as translators of exceptions are.
PyObject* error = nullptr;
PyObject* config_error = nullptr;
PyObject* input_error = nullptr;

PyObject* make(py::module_& m, const char* name, const char* doc, const py::object& bases) {
  const std::string full = std::string("flowlens.") + name;
  PyObject* made = PyErr_NewExceptionWithDoc(full.c_str(), doc, bases.ptr(), nullptr);
  if (made == nullptr) throw py::error_already_set();
  m.attr(name) = py::reinterpret_borrow<py::object>(made);
  return made;
}

void translate(std::exception_ptr failure) {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const ConfigError& e) {
    PyErr_SetObject(config_error, text_of(e.what()).ptr());
  } catch (const IoError& e) {
    PyErr_SetObject(input_error, text_of(e.what()).ptr());
  } catch (const Error& e) {
    PyErr_SetObject(error, text_of(e.what()).ptr());
  }
}

py::object borrowed(PyObject* object) { return py::reinterpret_borrow<py::object>(object); }

}  // namespace

void add_errors(py::module_& m) {
  error =
      make(m, "Error",
           "What FlowLens raises. The message says what was wrong, where, and what would be right.",
           borrowed(PyExc_Exception));
  config_error = make(m, "ConfigError", "An option or argument that cannot be honoured.",
                      py::make_tuple(borrowed(error), borrowed(PyExc_ValueError)));
  input_error = make(m, "InputError", "A file that cannot be read, or is damaged.",
                     py::make_tuple(borrowed(error), borrowed(PyExc_OSError)));
  py::register_exception_translator(&translate);
}

}  // namespace flowlens::python
