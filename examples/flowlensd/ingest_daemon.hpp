/// \file
/// The process with the role ingest alone: it receives, decodes, and hands flows on by the database.
#pragma once

#include <memory>

#include "config/configuration.hpp"

namespace flowlensd {

class IngestDaemon {
 public:
  /// Opens the data folder, binds all ports. Nothing runs yet, and the database may still be away.
  /// \param read  the same settings once more, for a reload.
  /// \throws flowlens::ConfigError, flowlens::IoError.
  IngestDaemon(const Loaded& loaded, Configuration::Read read);
  ~IngestDaemon();

  /// Runs until a signal or a failure. \return the exit status: 0, or 1 if something failed or was lost.
  int run();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace flowlensd
