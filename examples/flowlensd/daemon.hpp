/// \file
/// The daemon: its parts made, started and stopped in the right order.
#pragma once

#include <memory>

#include "config/configuration.hpp"

namespace flowlensd {

/// One run of flowlensd.
class Daemon {
 public:
  /// Opens the data folder and the store, binds all ports. Nothing runs yet.
  /// \param read  the same settings once more, for a reload.
  /// \throws flowlens::ConfigError, flowlens::IoError.
  Daemon(const Loaded& loaded, Configuration::Read read);
  ~Daemon();

  /// Runs until a signal, a failure, or the end of the input.
  /// \return the exit status: 0, or 1 if something failed.
  int run();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace flowlensd
