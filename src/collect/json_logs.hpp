/// \file
/// collect: logs that are JSON: what one object of each becomes.
#pragma once

#include <memory>
#include <string_view>

#include "collect/json_record.hpp"
#include "collect/log_output.hpp"

namespace flowlens::collect {

/// Reads the objects of one log.
class JsonLog {
 public:
  virtual ~JsonLog() = default;
  /// \param object  at hand in `out`.
  virtual void read(std::string_view object, LogOutput& out) = 0;
};

std::unique_ptr<JsonLog> azure_log();
std::unique_ptr<JsonLog> gcp_log();
std::unique_ptr<JsonLog> suricata_log();
std::unique_ptr<JsonLog> zeek_json_log();

}  // namespace flowlens::collect
