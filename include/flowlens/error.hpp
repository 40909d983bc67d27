/// \file
/// base: what FlowLens throws. Only bad configuration, files and databases throw; bad datagrams
/// never do, they are data (see diagnostic.hpp).
#pragma once

#include <stdexcept>

namespace flowlens {

/// The base of everything the library throws. The message names what was wrong, where, and what
/// would be right.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An option, setting or argument that cannot be honoured.
class ConfigError : public Error {
 public:
  using Error::Error;
};

/// A file, socket or database that failed; the message carries the system's own reason.
class IoError : public Error {
 public:
  using Error::Error;
};

}  // namespace flowlens
