/// \file
/// pipeline: how streams and watched folders fare, for those who ask.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "flowlens/directory_watch.hpp"
#include "flowlens/ipfix_listener.hpp"

namespace flowlensd {

/// IPFIX over TCP and TLS.
struct StreamsView {
  flowlens::IpfixListenerCounters counters;
  flowlens::IpfixListenerProblem last_problem;
  std::uint16_t tcp_port = 0;  ///< 0: none; so for TLS
  std::uint16_t tls_port = 0;
  std::vector<flowlens::IpfixConnection> connections;
};

/// One folder whose files are read.
struct WatchedDirectory {
  std::filesystem::path directory;
  flowlens::DirectoryWatchCounters files;
  std::uint64_t read = 0;       ///< files, to their end
  std::uint64_t broken = 0;     ///< files in which something was wrong
  std::uint64_t datagrams = 0;  ///< of exporters, in them
  std::uint64_t packets = 0;    ///< of traffic
  std::uint64_t flows = 0;      ///< of both, and of logs
  std::string last_file;        ///< begun last
  std::string problem;          ///< of a file or of the folder, the last one; empty: none
};

}  // namespace flowlensd
