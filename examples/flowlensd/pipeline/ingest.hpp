/// \file
/// pipeline: the receive workers: sockets, decoders, and the pressure rule.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "config/exporter_list.hpp"
#include "flowlens/udp_receiver.hpp"
#include "library.hpp"
#include "pipeline/accounts.hpp"
#include "pipeline/fatal.hpp"
#include "pipeline/flow_channel.hpp"
#include "pipeline/pressure.hpp"

namespace flowlensd {

struct IngestOptions {
  UdpReceiverOptions receiver;
  DecoderOptions decoder;
  std::shared_ptr<const InformationModel> elements;  ///< the user's own; null: none
  PressureOptions pressure;
  std::size_t batch_size = 1'000;  ///< flows
  std::chrono::milliseconds batch_timeout{1'000};
  std::size_t first_account = 0;  ///< the slot of the first worker
  ExporterList allowed;           ///< who may send
};

/// N threads, each with its sockets, its Decoder and its parcel of flows.
class Ingest {
 public:
  /// Binds the sockets; nothing is read before start().
  /// \throws IoError, ConfigError as UdpReceiver does.
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

  [[nodiscard]] UdpReceiverCounters counters() const noexcept { return receiver_.counters(); }
  [[nodiscard]] const std::vector<std::uint16_t>& ports() const noexcept {
    return receiver_.ports();
  }
  [[nodiscard]] std::size_t granted_buffer_octets() const noexcept {
    return receiver_.granted_buffer_octets();
  }

 private:
  class Worker;

  /// Asks every worker. \return the answers of those who gave one within `wait`.
  template <typename Answer>
  std::vector<Answer> ask(std::chrono::milliseconds wait,
                          const std::function<Answer(const Decoder&)>& question);

  const IngestOptions options_;
  PressureRule pressure_;
  AllowedExporters allowed_;
  UdpReceiver receiver_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  FatalHandler fatal_;
  std::atomic<bool> stopping_{false};
};

}  // namespace flowlensd
