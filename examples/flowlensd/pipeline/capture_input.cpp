#include "pipeline/capture_input.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "flowlens/flow_file.hpp"

namespace flowlensd {
namespace {

// Fixed, so that the map does not depend on the machine.
constexpr std::size_t kChunkDatagrams = 4'096;
constexpr std::size_t kChunkOctets = 8u << 20;
constexpr std::chrono::seconds kFlushEvery{60};  // of capture time
constexpr std::chrono::milliseconds kStorePatience{60'000};
constexpr std::size_t kChunksAhead = 2;

/// Packets and flows copied out of the files, and the flows decoded from them.
struct Chunk {
  struct Item {
    std::size_t offset = 0;
    std::size_t length = 0;
    bool is_flow = false;  ///< its octets are a FlowRecord
    bool is_datagram = true;
    TransportSession session;  ///< of datagrams
    CapturedPacket packet;     ///< of packets, without the octets
    Timestamp received;
    std::size_t decoder = 0;
    std::size_t flows_end = 0;  ///< in the batch of its decoder
  };
  std::vector<std::byte> octets;
  std::vector<Item> items;
  std::vector<FlowBatch> batches;  ///< by decoder
  FlowBatch merged;

  void clear() {
    octets.clear();
    items.clear();
    for (FlowBatch& b : batches) b.clear();
    merged.clear();
  }
};

std::span<const std::byte> describe(const ReceivedDatagram& d, std::size_t decoders,
                                    Chunk::Item& item) {
  item.session = d.session;
  item.received = d.received;
  // By exporter, so that an exporter always meets the decoder that knows its templates.
  item.decoder = decoders == 1 ? 0 : keyed_hash(d.session.exporter, 0) % decoders;
  return d.octets;
}

std::span<const std::byte> describe(const CapturedPacket& p, std::size_t decoders,
                                    std::size_t number, Chunk::Item& item) {
  item.packet = p;
  item.received = p.captured;
  item.decoder = number % decoders;  // packets need no state
  return p.frame;
}

std::span<const std::byte> describe(const FlowRecord& flow, Chunk::Item& item) {
  item.is_flow = true;
  item.received = flow.received;
  return std::as_bytes(std::span{&flow, 1});
}

void append(Chunk& chunk, const InputItem& from, std::size_t decoders) {
  Chunk::Item item;
  item.is_datagram = !from.is_flow && from.captured.is_datagram;
  const auto octets = from.is_flow ? describe(from.flow, item)
                      : item.is_datagram
                          ? describe(from.captured.datagram, decoders, item)
                          : describe(from.captured.packet, decoders, chunk.items.size(), item);
  item.offset = chunk.octets.size();
  item.length = octets.size();
  chunk.octets.insert(chunk.octets.end(), octets.begin(), octets.end());
  chunk.items.push_back(item);
}

bool fill(Chunk& chunk, InputMerge& merge, std::size_t decoders) {
  chunk.clear();
  InputItem item;
  while (chunk.items.size() < kChunkDatagrams && chunk.octets.size() < kChunkOctets &&
         merge.next(item)) {
    append(chunk, item, decoders);
  }
  return !chunk.items.empty();
}

/// N decoders, each with a thread of its own but the first, which the caller's thread serves.
class DecoderPool {
 public:
  DecoderPool(const DecoderOptions& options, std::size_t workers, Accounts& accounts)
      : accounts_(accounts) {
    for (std::size_t i = 0; i < workers; ++i) decoders_.emplace_back(options);
    for (std::size_t i = 1; i < workers; ++i) threads_.emplace_back([this, i] { serve(i); });
  }
  ~DecoderPool() {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& t : threads_) t.join();
  }
  DecoderPool(const DecoderPool&) = delete;
  DecoderPool& operator=(const DecoderPool&) = delete;

  void decode(Chunk& chunk) {
    chunk.batches.resize(decoders_.size());
    {
      const std::lock_guard lock(mutex_);
      chunk_ = &chunk;
      busy_ = threads_.size();
      ++round_;
    }
    changed_.notify_all();
    decode_share(chunk, 0);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return busy_ == 0; });
  }

 private:
  void serve(std::size_t index) {
    std::uint64_t seen = 0;
    while (true) {
      Chunk* chunk = nullptr;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return is_ending_ || round_ != seen; });
        if (is_ending_) return;
        seen = round_;
        chunk = chunk_;
      }
      decode_share(*chunk, index);
      const std::lock_guard lock(mutex_);
      if (--busy_ == 0) changed_.notify_all();
    }
  }

  static void decode_datagram(const Chunk::Item& item, std::span<const std::byte> octets,
                              Decoder& decoder, FlowBatch& batch, AccountSlot& slot) {
    const ReceivedDatagram d{octets, item.session, item.received};
    const std::size_t before = batch.flows.size();
    const ParseResult result = decoder.decode(d.octets, d.session, d.received, batch);
    slot.note(d, batch.flows.size() - before, !result.clean());
  }
  static void decode_packet(const Chunk::Item& item, std::span<const std::byte> octets,
                            Decoder& decoder, FlowBatch& batch) {
    CapturedPacket packet = item.packet;
    packet.frame = octets;
    decoder.decode(packet, batch);
  }

  static void take_flow(std::span<const std::byte> octets, FlowBatch& batch) {
    std::memcpy(&batch.flows.emplace_back(), octets.data(), sizeof(FlowRecord));
  }

  void decode_share(Chunk& chunk, std::size_t index) {
    Decoder& decoder = decoders_[index];
    AccountSlot& slot = accounts_.slot(index);
    FlowBatch& batch = chunk.batches[index];
    for (Chunk::Item& item : chunk.items) {
      if (item.decoder != index) continue;
      const std::span<const std::byte> octets{chunk.octets.data() + item.offset, item.length};
      if (item.is_flow) {
        take_flow(octets, batch);
      } else if (item.is_datagram) {
        decode_datagram(item, octets, decoder, batch, slot);
      } else {
        decode_packet(item, octets, decoder, batch);
      }
      item.flows_end = batch.flows.size();
    }
    slot.publish(decoder);
  }

  Accounts& accounts_;
  std::deque<Decoder> decoders_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Chunk* chunk_ = nullptr;
  std::uint64_t round_ = 0;
  std::size_t busy_ = 0;
  bool is_ending_ = false;
};

/// The flows of a chunk in the order of its datagrams, however many decoders there were.
const FlowBatch& in_order(Chunk& chunk) {
  if (chunk.batches.size() == 1) return chunk.batches[0];
  std::vector<std::size_t> taken(chunk.batches.size(), 0);
  for (const Chunk::Item& item : chunk.items) {
    chunk.merged.append(chunk.batches[item.decoder], taken[item.decoder], item.flows_end);
    taken[item.decoder] = item.flows_end;
  }
  return chunk.merged;
}

/// Chunks between the thread that reads and decodes and the one that keeps the map.
class ChunkQueue {
 public:
  /// \return null once nobody takes chunks any more.
  std::unique_ptr<Chunk> spare() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready_.size() < kChunksAhead || is_ended_; });
    if (is_ended_) return nullptr;
    if (spare_.empty()) return std::make_unique<Chunk>();
    auto chunk = std::move(spare_.back());
    spare_.pop_back();
    return chunk;
  }
  void put(std::unique_ptr<Chunk> chunk) {
    const std::lock_guard lock(mutex_);
    ready_.push_back(std::move(chunk));
    changed_.notify_all();
  }
  /// \return null at the end.
  std::unique_ptr<Chunk> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ready_.empty() || is_ended_; });
    if (ready_.empty()) return nullptr;
    auto chunk = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return chunk;
  }
  void give_back(std::unique_ptr<Chunk> chunk) {
    const std::lock_guard lock(mutex_);
    spare_.push_back(std::move(chunk));
  }
  void end() {
    const std::lock_guard lock(mutex_);
    is_ended_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Chunk>> ready_;
  std::vector<std::unique_ptr<Chunk>> spare_;
  bool is_ended_ = false;
};

/// Reads and decodes on a thread of its own. Ended by its destructor.
class Producer {
 public:
  Producer(const CaptureOptions& options, InputMerge& merge, Accounts& accounts, ChunkQueue& queue)
      : pool_(options.decoder, options.workers, accounts), queue_(queue) {
    thread_ = std::thread([this, &merge, decoders = options.workers] {
      try {
        while (auto chunk = queue_.spare()) {
          if (!fill(*chunk, merge, decoders)) break;
          pool_.decode(*chunk);
          queue_.put(std::move(chunk));
        }
      } catch (...) {
        failure_ = std::current_exception();
      }
      queue_.end();
    });
  }
  ~Producer() {
    queue_.end();
    if (thread_.joinable()) thread_.join();
  }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  void join() {
    queue_.end();
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  DecoderPool pool_;
  ChunkQueue& queue_;
  std::exception_ptr failure_;
  std::thread thread_;
};

/// Brings flows into the map with the time at which they came.
class InTime {
 public:
  explicit InTime(MapWriter& writer) : writer_(writer) {}

  void add(const FlowBatch& batch) {
    for_each_second(batch, [&](std::size_t first, std::size_t end, Timestamp now) {
      writer_.add(batch, first, end, now);
      if (now < next_flush_) return;
      writer_.flush(now, kStorePatience);
      next_flush_ = now + kFlushEvery;
    });
  }

 private:
  MapWriter& writer_;
  Timestamp next_flush_;
};

void count(CaptureReport& report, const Chunk& chunk, std::size_t flows) {
  if (report.datagrams + report.traffic + report.logged == 0) {
    report.first = report.last = chunk.items.front().received;
  }
  report.flows += flows;
  for (const Chunk::Item& item : chunk.items) {
    ++(item.is_flow ? report.logged : item.is_datagram ? report.datagrams : report.traffic);
    report.last = std::max(report.last, item.received);
  }
}

}  // namespace

CaptureReport read_captures(const CaptureOptions& options, MapWriter& writer, Accounts& accounts,
                            const std::atomic<bool>& stop,
                            const std::function<void(const CaptureReport&)>& on_progress) {
  InputMerge merge(options.files, options.reader);
  ChunkQueue queue;
  CaptureReport report;
  Producer producer(options, merge, accounts, queue);
  InTime map(writer);
  while (auto chunk = stop ? nullptr : queue.take()) {
    const FlowBatch& flows = in_order(*chunk);
    count(report, *chunk, flows.flows.size());
    for (const FlowBatch& batch : chunk->batches) writer.tell(batch);
    map.add(flows);
    on_progress(report);
    queue.give_back(std::move(chunk));
  }
  report.was_stopped = stop;
  producer.join();
  writer.finish(report.last, kStorePatience);
  report.files = merge.files();
  return report;
}

}  // namespace flowlensd
