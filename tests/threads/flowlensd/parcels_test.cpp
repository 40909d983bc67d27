// Flows that go by a database, with stand-ins for the database.
#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <thread>

#include "flowlens/error.hpp"
#include "flowlens/flow_codec.hpp"
#include "pipeline/map_writer.hpp"
#include "pipeline/parcel_reading.hpp"
#include "pipeline/parcel_sending.hpp"
#include "pipeline/resolver_thread.hpp"

using namespace flowlensd;
using namespace std::chrono_literals;

namespace {

Timestamp clock_now() { return std::chrono::system_clock::now(); }

/// What a database would hold, and how it behaves.
struct Database {
  std::mutex mutex;
  std::vector<StoredParcel> rows;
  std::uint64_t last_batch = 0;
  int failures = 0;  ///< of the next attempts, before anything is written
  int doubts = 0;    ///< of the next attempts, after it was written
  bool has_room = true;
};

class Writer final : public ParcelWriter {
 public:
  explicit Writer(Database& db) : db_(db) {}
  bool append(std::span<const StoredParcel> parcels, std::uint64_t batch) override {
    const std::lock_guard lock(db_.mutex);
    if (db_.failures > 0 && db_.failures-- > 0) throw IoError("away");
    if (!db_.has_room) return false;
    if (batch > db_.last_batch) {
      for (const StoredParcel& p : parcels) {
        db_.rows.push_back(p);
        db_.rows.back().position = db_.rows.size();
      }
      db_.last_batch = batch;
    }
    if (db_.doubts > 0 && db_.doubts-- > 0) throw IoError("the connection broke during the commit");
    return true;
  }
  ParcelState state() override { return {}; }

 private:
  Database& db_;
};

class Reader final : public ParcelReader {
 public:
  explicit Reader(Database& db) : db_(db) {}
  std::vector<StoredParcel> read(std::uint64_t after, std::uint64_t) override {
    const std::lock_guard lock(db_.mutex);
    if (db_.failures > 0 && db_.failures-- > 0) throw IoError("away");
    std::vector<StoredParcel> found;
    for (const StoredParcel& p : db_.rows) {
      if (p.position > after) found.push_back(p);
    }
    return found;
  }
  void remove_taken() override {}
  ParcelState state() override { return {}; }

 private:
  Database& db_;
};

FlowRecord flow(std::uint16_t port, Timestamp received) {
  FlowRecord f;
  f.source_address = IpAddress::v4(0x0a000001);
  f.destination_address = IpAddress::v4(0x0a000002);
  f.exporter = IpAddress::v4(0xc0000201);
  f.source_port = port;
  f.destination_port = 443;
  f.protocol = 6;
  f.octet_count = 1'000;
  f.packet_count = 2;
  f.received = f.end = received;
  f.start = received - 1s;
  f.present = 0x1ff;
  return f;
}

FlowParcel parcel_of(std::size_t flows, Timestamp received = clock_now()) {
  FlowParcel p;
  for (std::size_t i = 0; i < flows; ++i) {
    p.batch.flows.push_back(flow(static_cast<std::uint16_t>(20'000 + i), received));
  }
  p.first_received = received;
  return p;
}

StoredParcel stored(std::uint64_t position, std::size_t flows, Timestamp made_at) {
  StoredParcel p;
  p.position = position;
  p.made_at = made_at;
  p.first_received = made_at;
  p.flows = flows;
  p.octets = encode_flows(parcel_of(flows, made_at).batch);
  return p;
}

FatalHandler no_fatal() {
  return [](const std::string& why) { FAIL_CHECK(why); };
}

/// All that the queue gives until it is closed.
std::vector<FlowParcel> drain(FlowChannel& channel, std::size_t parcels) {
  std::vector<FlowParcel> all;
  FlowParcel p;
  while (all.size() < parcels && channel.pop(p, 3s) == FlowChannel::Popped::parcel) {
    all.push_back(p);
    p.clear();
  }
  return all;
}

}  // namespace

TEST_CASE("sending: each flow is written once, whatever the database does meanwhile") {
  Database db;
  db.failures = 2;
  db.doubts = 1;
  FlowChannel channel(10'000);
  ParcelSending sending(channel, std::make_unique<Writer>(db));
  sending.start();
  for (int i = 0; i < 50; ++i) {
    FlowParcel p = parcel_of(10);
    p.sampled_out = 3;
    channel.push(p);
  }
  channel.close();
  CHECK(sending.finish(10s) == 0);
  std::uint64_t flows = 0;
  std::uint64_t sampled_out = 0;
  for (const StoredParcel& p : db.rows) {
    FlowBatch batch;
    REQUIRE(decode_flows(p.octets, batch).code == DiagnosticCode::none);
    CHECK(batch.flows.size() == p.flows);
    flows += p.flows;
    sampled_out += p.sampled_out;
  }
  CHECK(flows == 500);
  CHECK(sampled_out == 150);
  const ParcelSendingView view = sending.view();
  CHECK(view.flows == 500);
  CHECK(view.sampled_out == 150);
  CHECK(view.failures == 3);
  CHECK(view.problem.empty());
}

TEST_CASE("sending: without room flows wait in the queue, and what is left at the end is counted") {
  Database db;
  db.has_room = false;
  FlowChannel channel(100);
  ParcelSending sending(channel, std::make_unique<Writer>(db));
  sending.start();
  FlowParcel p = parcel_of(60);
  channel.push(p);
  while (!sending.view().is_full) std::this_thread::sleep_for(1ms);
  p = parcel_of(60);
  CHECK(channel.try_push(p));
  p = parcel_of(60);
  CHECK_FALSE(channel.try_push(p));  // so the workers leave flows out
  channel.close();
  channel.push(p);  // a worker's last
  CHECK(sending.finish(50ms) == 180);
  CHECK(db.rows.empty());
}

TEST_CASE("reading: in order, each once, with the time up to which nothing is missing") {
  Database db;
  const Timestamp long_ago = clock_now() - 10min;
  db.rows = {stored(1, 5, long_ago - 1min), stored(2, 5, long_ago), stored(3, 7, long_ago + 1s),
             stored(4, 2, clock_now() + 1h)};
  db.failures = 1;
  FlowChannel channel(10'000);
  ParcelReading reading(std::make_unique<Reader>(db), channel, 1, no_fatal());
  const Timestamp before = clock_now();
  reading.start();
  const auto got = drain(channel, 4);
  REQUIRE(got.size() == 4);
  CHECK(got[0].position == 2);
  CHECK(got[0].batch.flows.size() == 5);
  CHECK(*got[0].as_of == long_ago);
  CHECK(got[1].position == 3);
  CHECK(*got[1].as_of == long_ago + 1s);
  CHECK(got[2].position == 4);
  CHECK(*got[2].as_of < before + 1min);  // a clock that is ahead closes no window
  CHECK(got[3].empty());                 // there was no more
  CHECK(got[3].position == 0);
  CHECK(*got[3].as_of >= before);
  reading.stop();
  const ParcelReadingView view = reading.view();
  CHECK(view.flows == 14);
  CHECK(view.position == 4);
  CHECK(view.failures == 1);
  CHECK(view.missing_parcels == 0);
}

TEST_CASE("reading: what is damaged or gone is counted, what is of a later release waits") {
  Database db;
  const Timestamp now = clock_now();
  db.rows = {stored(3, 5, now), stored(4, 6, now), stored(5, 7, now), stored(6, 8, now)};
  db.rows[1].octets.back() ^= std::byte{1};
  db.rows[3].octets[5] = std::byte{99};
  FlowChannel channel(10'000);
  ParcelReading reading(std::make_unique<Reader>(db), channel, 0, no_fatal());
  reading.start();
  const auto got = drain(channel, 3);
  REQUIRE(got.size() == 3);
  CHECK(got[1].position == 4);
  CHECK(got[1].batch.flows.empty());
  CHECK(got[2].batch.flows.size() == 7);
  while (reading.view().problem.empty()) std::this_thread::sleep_for(1ms);
  CHECK(reading.view().problem.find("later release") != std::string::npos);
  CHECK(reading.view().missing_parcels == 2);
  CHECK(reading.view().damaged_flows == 6);
  CHECK(reading.view().position == 5);
}

TEST_CASE("the Resolver goes by the time of its parcels: what has waited is not late") {
  Resolver resolver;
  resolver.begin(Epoch{1}, 0);
  std::mutex mutex;
  std::vector<Revision> revisions;
  MapWriter writer(resolver, nullptr, {}, Epoch{1}, {{}, {}, [&](const Revision& r) {
                                                       const std::lock_guard lock(mutex);
                                                       revisions.push_back(r);
                                                     }});
  FlowChannel channel(10'000);
  Database db;
  // A quarter of an hour's flows, a parcel a minute, found at once.
  const Timestamp first = clock_now() - 20min;
  for (std::uint64_t i = 0; i < 15; ++i) {
    db.rows.push_back(stored(i + 1, 4, first + i * 1min));
  }
  ResolverThread thread(writer, channel, 20ms, TimeSource::parcels, no_fatal());
  ParcelReading reading(std::make_unique<Reader>(db), channel, 0, no_fatal());
  thread.start();
  std::this_thread::sleep_for(
      100ms);  // flushes that are due before the first parcel wait for its time
  reading.start();
  while (writer.view().flows.normalized < 60) std::this_thread::sleep_for(5ms);
  reading.stop();
  channel.close();
  thread.finish();
  CHECK(writer.view().flows.applied == 60);
  CHECK(writer.view().flows.late_carried == 0);
  REQUIRE(!revisions.empty());
  CHECK(revisions.back().input_position == 15);
}
