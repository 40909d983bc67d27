/// \file
/// flowlensd with the role `api` alone: follows the process that writes the map, and serves the API.
#pragma once

#include <memory>

#include "config/configuration.hpp"
#include "config/load.hpp"

namespace flowlensd {

class ApiDaemon {
 public:
  /// Reads the map from PostgreSQL. \param read  the settings from all sources again.
  /// \throws flowlens::ConfigError, flowlens::IoError.
  ApiDaemon(const Loaded& loaded, Configuration::Read read);
  ~ApiDaemon();
  ApiDaemon(const ApiDaemon&) = delete;
  ApiDaemon& operator=(const ApiDaemon&) = delete;

  /// \return the program's exit code.
  int run();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace flowlensd
