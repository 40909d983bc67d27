/// \file
/// pipeline: all that comes in: UDP with its pressure rule, connections, and watched folders.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "config/exporter_list.hpp"
#include "flowlens/ipfix_listener.hpp"
#include "flowlens/udp_receiver.hpp"
#include "library.hpp"
#include "pipeline/accounts.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/feed.hpp"
#include "pipeline/file_watching.hpp"
#include "pipeline/flow_channel.hpp"
#include "pipeline/ingest_view.hpp"
#include "pipeline/pressure.hpp"

namespace flowlensd {

struct IngestOptions {
  UdpReceiverOptions receiver;    ///< without ports: nothing comes by UDP
  IpfixListenerOptions listener;  ///< without ports: nobody connects
  FileWatchingOptions files;
  DecoderOptions decoder;
  std::shared_ptr<const InformationModel> elements;  ///< the user's own; null: none
  PressureOptions pressure;
  FeedOptions feed;
  std::size_t first_account = 0;  ///< the slot of the first of feeds()
  ExporterList allowed;           ///< who may send

  /// Decoders, each with a thread and an account.
  [[nodiscard]] std::size_t feeds() const noexcept {
    return (receiver.ports.empty() ? 0 : receiver.workers) +
           (listener.tcp_port || listener.tls_port ? 1 : 0) + (files.directories.empty() ? 0 : 1);
  }
};

/// Threads, each with its sockets or files and a Feed: some for UDP, one for all connections, one for all
/// watched folders.
class Ingest {
 public:
  /// Binds the sockets; nothing is read before start().
  /// \throws IoError, ConfigError as UdpReceiver, IpfixListener and FileWatching do.
  Ingest(const IngestOptions& options, FlowChannel& channel, Accounts& accounts,
         FatalHandler fatal);
  ~Ingest();

  /// Gives every decoder what save_states() of an earlier run gave. Before start().
  /// \return the first thing wrong with a state; that state was passed over.
  Diagnostic load_states(const std::vector<std::vector<std::byte>>& states);
  void start();
  /// Reads what the kernel already holds, hands everything on, and ends the threads.
  void stop();

  /// Templates and sampling rates of all decoders. While running, those who do not answer within
  /// `wait` are left out.
  [[nodiscard]] std::vector<std::vector<std::byte>> save_states(std::chrono::milliseconds wait);

  /// What the decoder of an exporter knows of it. Thread-safe; a worker answers between datagrams.
  /// \return nothing if a worker did not answer within `wait`.
  [[nodiscard]] std::optional<ExporterExplanation> explain(const IpAddress& exporter, Timestamp now,
                                                           std::chrono::milliseconds wait);

  /// Thread-safe.
  void change(const PressureOptions& options) noexcept { pressure_.change(options); }
  /// Who may send from now on. Thread-safe.
  void allow(ExporterList allowed);

  /// Reads the certificate of the port for TLS again, if there is one. Thread-safe.
  /// \throws ConfigError; then the one before stays in use.
  void reload_certificates();

  [[nodiscard]] UdpReceiverCounters counters() const noexcept;
  [[nodiscard]] std::vector<std::uint16_t> ports() const;
  [[nodiscard]] std::size_t granted_buffer_octets() const noexcept;
  /// Nothing: there is no port for TCP or TLS.
  [[nodiscard]] std::optional<StreamsView> streams() const;
  [[nodiscard]] std::vector<WatchedDirectory> watched() const;

 private:
  class Worker;
  class Streams;

  /// Asks every worker. \return the answers of those who gave one within `wait`.
  template <typename Answer>
  std::vector<Answer> ask(std::chrono::milliseconds wait,
                          const std::function<Answer(const Decoder&)>& question);

  const IngestOptions options_;
  PressureRule pressure_;
  AllowedExporters allowed_;
  std::deque<Feed> feeds_;
  std::unique_ptr<UdpReceiver> receiver_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Streams> streams_;
  std::unique_ptr<FileWatching> files_;
  std::vector<std::thread> threads_;
  FatalHandler fatal_;
  std::atomic<bool> stopping_{false};
};

}  // namespace flowlensd
