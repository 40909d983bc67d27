/// \file
/// Revisions, with what names the sites in them.
#pragma once

#include <memory>

#include "binding.hpp"
#include "flowlens/revision.hpp"

namespace flowlens::python {

struct PyRevision {
  Revision revision;
  SiteTable sites;
};

void add_revision(py::module_& m);

}  // namespace flowlens::python
