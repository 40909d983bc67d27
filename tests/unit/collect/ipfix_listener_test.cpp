// IPFIX over TCP: framing, sessions, limits, time-outs, and an exporter that connects again.
#include "flowlens/ipfix_listener.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "collect/message_frames.hpp"
#include "flowlens/decoder.hpp"
#include "flowlens/error.hpp"
#include "flowlens/ipfix_exporter.hpp"
#include "support/message_builder.hpp"
#include "unit/collect/tcp_client.hpp"

using namespace flowlens;
using namespace flowlens::test;
using collect::MessageFrames;
using std::chrono::milliseconds;

namespace {

const IpAddress kLoopback = IpAddress::v4(0x7f00'0001);
constexpr Timestamp kNow = from_unix_ns(1'700'000'000'000'000'000);

/// A message of `octets` octets, 20 and more, all of it one unknown set.
Octets message(std::size_t octets, std::uint32_t domain = 1) {
  wire::ByteWriter out;
  out.u16(10).u16(static_cast<std::uint16_t>(octets)).u32(1'700'000'000).u32(0).u32(domain);
  out.u16(300).u16(static_cast<std::uint16_t>(octets - 16));
  for (std::size_t i = 20; i < octets; ++i) out.u8(static_cast<std::uint8_t>(i));
  return out.take();
}

Octets joined(std::initializer_list<Octets> parts) {
  Octets all;
  for (const Octets& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

IpfixListenerOptions tcp_options() {
  IpfixListenerOptions o;
  o.bind_address = kLoopback;
  o.tcp_port = 0;
  return o;
}

/// A listener and what it gave.
struct Collector {
  explicit Collector(const IpfixListenerOptions& options = tcp_options()) : listener(options) {}

  /// Until `is_done`, for 10 s at the most.
  bool until(const std::function<bool()>& is_done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!is_done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      listener.receive(milliseconds{20}, take, ended);
    }
    return true;
  }
  bool until_messages(std::size_t count) {
    return until([&] { return messages.size() >= count; });
  }
  bool until_count(std::uint64_t IpfixListenerCounters::*counter, std::uint64_t count) {
    return until([&] { return listener.counters().*counter >= count; });
  }

  IpfixListener listener;
  std::vector<Octets> messages;
  std::vector<TransportSession> sessions;  ///< of the messages
  std::vector<TransportSession> ends;
  std::function<void(const ReceivedDatagram&)> take = [this](const ReceivedDatagram& d) {
    messages.emplace_back(d.octets.begin(), d.octets.end());
    sessions.push_back(d.session);
  };
  std::function<void(const TransportSession&)> ended = [this](const TransportSession& s) {
    ends.push_back(s);
  };
};

FlowRecord flow(std::uint32_t number) {
  FlowRecord f;
  f.source_address = IpAddress::v4(0x0a00'0000 + number);
  f.destination_address = IpAddress::v4(0x0a00'0001);
  f.start = f.end = f.received = kNow;
  f.packet_count = 1;
  f.protocol = 6;
  for (const FlowField field :
       {FlowField::source_address, FlowField::destination_address, FlowField::start, FlowField::end,
        FlowField::packet_count, FlowField::protocol}) {
    f.present |= static_cast<std::uint32_t>(field);
  }
  return f;
}

std::vector<FlowRecord> flows(std::uint32_t from, std::uint32_t count) {
  std::vector<FlowRecord> made;
  for (std::uint32_t i = 0; i < count; ++i) made.push_back(flow(from + i));
  return made;
}

}  // namespace

TEST_CASE("message frames: however the octets come, the messages are the same") {
  const Octets stream = joined({message(20), message(1'400), message(16 + 4), message(65'535)});
  for (const std::size_t step : {1u, 7u, 1'000u, 65'536u, 200'000u}) {
    CAPTURE(step);
    MessageFrames frames;
    Octets got;
    std::size_t count = 0;
    for (std::size_t at = 0; at < stream.size();) {
      const auto room = frames.room();
      REQUIRE(!room.empty());
      const std::size_t octets = std::min({step, room.size(), stream.size() - at});
      std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), octets, room.begin());
      frames.filled(octets);
      at += octets;
      std::span<const std::byte> m;
      while (frames.next(m) == MessageFrames::Found::message) {
        ++count;
        got.insert(got.end(), m.begin(), m.end());
      }
    }
    CHECK(count == 4);
    CHECK(got == stream);
    CHECK(frames.pending() == 0);
  }
}

TEST_CASE("message frames: what no message begins with") {
  struct Case {
    const char* name;
    Octets octets;
    MessageFrames::Found want;
  };
  const Case cases[] = {
      {"nothing", {}, MessageFrames::Found::none},
      {"half a version", {std::byte{0}}, MessageFrames::Found::none},
      {"NetFlow v9", wire::ByteWriter{}.u16(9).take(), MessageFrames::Found::bad_version},
      {"a version", wire::ByteWriter{}.u16(10).take(), MessageFrames::Found::none},
      {"below the header", wire::ByteWriter{}.u16(10).u16(15).take(),
       MessageFrames::Found::bad_length},
      {"no length", wire::ByteWriter{}.u16(10).u16(0).take(), MessageFrames::Found::bad_length},
      {"a header alone", wire::ByteWriter{}.u16(10).u16(16).u32(0).u32(0).u32(0).take(),
       MessageFrames::Found::message},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    MessageFrames frames;
    std::copy(c.octets.begin(), c.octets.end(), frames.room().begin());
    frames.filled(c.octets.size());
    std::span<const std::byte> m;
    CHECK(frames.next(m) == c.want);
  }
}

TEST_CASE("IPFIX listener: each connection is a session of its own") {
  Collector collector;
  TcpClient one(collector.listener.tcp_port());
  TcpClient two(collector.listener.tcp_port());
  const Octets first = message(700, 1);
  one.send(std::span{first}.first(300));
  two.send(message(40, 2));
  REQUIRE(collector.until_messages(1));
  one.send(std::span{first}.subspan(300));
  REQUIRE(collector.until_messages(2));
  CHECK(collector.messages[0] == message(40, 2));
  CHECK(collector.messages[1] == first);
  CHECK(collector.sessions[0] != collector.sessions[1]);
  CHECK(collector.sessions[0].transport == Transport::tcp);
  CHECK(collector.sessions[0].exporter == kLoopback);
  CHECK(collector.sessions[0].collector_port == collector.listener.tcp_port());
  const auto connections = collector.listener.connections(10);
  REQUIRE(connections.size() == 2);
  CHECK(connections[0].messages == 1);
  CHECK(collector.listener.connections(1).size() == 1);
  one.close();
  REQUIRE(collector.until_count(&IpfixListenerCounters::ended, 1));
  REQUIRE(collector.ends.size() == 1);
  CHECK(collector.ends[0] == collector.sessions[1]);
  const auto counters = collector.listener.counters();
  CHECK(counters.accepted == 2);
  CHECK(counters.open == 1);
  CHECK(counters.messages == 2);
  CHECK(counters.octets == 740);
}

TEST_CASE("IPFIX listener: a stream cut within a message loses that message and no later one") {
  Collector collector;
  for (const bool by_reset : {false, true}) {
    CAPTURE(by_reset);
    const std::size_t before = collector.messages.size();
    TcpClient broken(collector.listener.tcp_port());
    broken.send(joined({message(100), message(200)}));
    const Octets cut = message(300);
    broken.send(std::span{cut}.first(123));
    REQUIRE(collector.until_messages(before + 2));
    by_reset ? broken.reset() : broken.close();
    REQUIRE(collector.until_count(&IpfixListenerCounters::cut, by_reset ? 2 : 1));
    TcpClient again(collector.listener.tcp_port());
    again.send(joined({message(300), message(400)}));
    REQUIRE(collector.until_messages(before + 4));
    CHECK(collector.messages.back() == message(400));
    CHECK(collector.sessions[before] != collector.sessions[before + 2]);
  }
  const auto counters = collector.listener.counters();
  CHECK(counters.discarded_octets == 2 * 123);
  CHECK(counters.octets == 2 * 1'000);
  CHECK(collector.listener.last_problem().text.find("ended within a message") != std::string::npos);
}

TEST_CASE("IPFIX listener: a stream that cannot be followed is closed, and the others go on") {
  struct Case {
    const char* name;
    Octets octets;
    std::uint64_t IpfixListenerCounters::*counter;
  };
  const Case cases[] = {
      {"HTTP", wire::ByteWriter{}.u32(0x47455420).take(), &IpfixListenerCounters::bad_version},
      {"NetFlow v9 behind a message",
       joined({message(20), wire::ByteWriter{}.u32(0x00090001).take()}),
       &IpfixListenerCounters::bad_version},
      {"a length of 15", wire::ByteWriter{}.u16(10).u16(15).take(),
       &IpfixListenerCounters::bad_length},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    Collector collector;
    TcpClient good(collector.listener.tcp_port());
    good.send(message(20));
    TcpClient bad(collector.listener.tcp_port());
    bad.send(c.octets);
    REQUIRE(collector.until_count(c.counter, 1));
    CHECK(bad.is_closed());
    good.send(message(30, 7));
    REQUIRE(collector.until([&] {
      return !collector.messages.empty() && collector.messages.back() == message(30, 7);
    }));
    CHECK(collector.listener.counters().open == 1);
    CHECK(!collector.listener.last_problem().text.empty());
  }
}

TEST_CASE("IPFIX listener: limits of connections, and who may connect") {
  IpfixListenerOptions options = tcp_options();
  options.max_connections = 3;
  options.max_connections_per_address = 2;
  std::atomic<bool> allows_two{true};
  const IpAddress second = *IpAddress::parse("127.0.0.2");
  const IpAddress stranger = *IpAddress::parse("127.0.0.9");
  options.allows = [&](const IpAddress& a) { return a != stranger && (a != second || allows_two); };
  Collector collector(options);
  const std::uint16_t port = collector.listener.tcp_port();
  TcpClient a(port), b(port), c(port);
  REQUIRE(collector.until_count(&IpfixListenerCounters::too_many, 1));
  CHECK(c.is_closed());
  TcpClient d(port, second), e(port, *IpAddress::parse("127.0.0.3"));
  REQUIRE(collector.until_count(&IpfixListenerCounters::too_many, 2));
  CHECK(e.is_closed());
  TcpClient f(port, stranger);
  REQUIRE(collector.until_count(&IpfixListenerCounters::not_allowed, 1));
  CHECK(f.is_closed());
  allows_two = false;
  REQUIRE(collector.until_count(&IpfixListenerCounters::not_allowed, 2));
  CHECK(d.is_closed());
  CHECK(collector.listener.counters().open == 2);
  a.close();
  REQUIRE(collector.until_count(&IpfixListenerCounters::ended, 1));
  TcpClient g(port);
  g.send(message(50));
  CHECK(collector.until_messages(1));
}

TEST_CASE("IPFIX listener: time-outs") {
  IpfixListenerOptions options = tcp_options();
  options.message_timeout = milliseconds{300};
  options.idle_timeout = milliseconds{900};
  Collector collector(options);
  TcpClient drips(collector.listener.tcp_port());
  TcpClient sleeps(collector.listener.tcp_port());
  sleeps.send(message(20));
  const Octets slow = message(20'000);
  std::size_t at = 0;
  REQUIRE(collector.until([&] {  // an octet each time does not help
    if (at < 100) drips.send(std::span{slow}.subspan(at++, 1));
    return collector.listener.counters().stalled == 1;
  }));
  CHECK(collector.listener.counters().open == 1);
  REQUIRE(collector.until_count(&IpfixListenerCounters::idle, 1));
  CHECK(sleeps.is_closed());
}

TEST_CASE(
    "IPFIX listener: who is not listened to is slowed down, not timed out, and loses nothing") {
  IpfixListenerOptions options = tcp_options();
  options.idle_timeout = options.message_timeout = milliseconds{300};
  Collector collector(options);
  TcpClient fast(collector.listener.tcp_port());
  fast.send(message(20));
  REQUIRE(collector.until_messages(1));
  const Octets one = message(1'000);
  const std::size_t sent = fast.send_all_that_fits(one);
  CHECK(sent < 64u << 20);
  std::this_thread::sleep_for(milliseconds{600});
  const Octets rest(one.begin() + static_cast<std::ptrdiff_t>(sent % one.size()), one.end());
  std::thread finisher([&] { fast.send(rest); });
  CHECK(collector.until_messages(1 + (sent + rest.size()) / one.size()));
  finisher.join();
  CHECK(collector.listener.counters().open == 1);
  CHECK(collector.messages.back() == one);
}

TEST_CASE("IPFIX listener: stop() gives what is there and accepts nobody") {
  Collector collector;
  TcpClient client(collector.listener.tcp_port());
  client.send(message(20));
  REQUIRE(collector.until_messages(1));
  client.send(message(40));
  collector.listener.stop();
  while (collector.listener.receive(std::chrono::seconds{5}, collector.take, collector.ended) > 0) {
  }
  CHECK(collector.messages.size() == 2);
}

TEST_CASE("IPFIX listener: options that cannot be") {
  IpfixListenerOptions none;
  CHECK_THROWS_AS(IpfixListener{none}, ConfigError);
  IpfixListenerOptions no_files = tcp_options();
  no_files.tls_port = 0;
  CHECK_THROWS_AS(IpfixListener{no_files}, ConfigError);
  no_files.tls.certificate_file = "/nowhere/cert.pem";
  no_files.tls.key_file = "/nowhere/key.pem";
  CHECK_THROWS_WITH_AS(IpfixListener{no_files}, doctest::Contains("/nowhere/cert.pem"),
                       ConfigError);
  IpfixListenerOptions zero = tcp_options();
  zero.max_connections = 0;
  CHECK_THROWS_AS(IpfixListener{zero}, ConfigError);
  const IpfixListener first(tcp_options());
  IpfixListenerOptions taken = tcp_options();
  taken.tcp_port = first.tcp_port();
  CHECK_THROWS_AS(IpfixListener{taken}, IoError);
}

TEST_CASE("templates of a connection end with it, and serve no other") {
  Decoder decoder;
  FlowBatch batch;
  std::vector<Octets> sent;
  IpfixEncoder encoder;
  const auto keep = [&](std::span<const std::byte> m) { sent.emplace_back(m.begin(), m.end()); };
  encoder.add(flows(1, 1), kNow, keep);
  encoder.flush(kNow, keep);
  encoder.add(flows(2, 1), kNow, keep);
  encoder.flush(kNow, keep);  // without a template
  const TransportSession one{kLoopback, 1'000, 4739, Transport::tcp};
  const TransportSession two{kLoopback, 2'000, 4739, Transport::tcp};
  const TransportSession udp{kLoopback, 3'000, 4739, Transport::udp};
  CHECK(decoder.decode(sent[0], one, kNow, batch).clean());
  CHECK(decoder.decode(sent[1], one, kNow, batch).clean());
  CHECK(decoder.decode(sent[1], two, kNow, batch).sets_waiting == 1);
  CHECK(decoder.decode(sent[1], udp, kNow, batch).sets_waiting == 1);
  const auto state = decoder.save_state();
  Decoder restarted;
  REQUIRE(restarted.load_state(state).code == DiagnosticCode::none);
  CHECK(restarted.parser().counters().templates == 0);
  decoder.parser().end_session(one);
  CHECK(decoder.parser().counters().templates == 0);
  CHECK(decoder.decode(sent[1], one, kNow, batch).sets_waiting == 1);
  CHECK(batch.flows.size() == 2);
}

TEST_CASE("IPFIX exporter: over TCP, to a collector that comes, goes and comes again") {
  auto collector = std::make_unique<Collector>();
  const std::uint16_t port = collector->listener.tcp_port();
  collector.reset();

  IpfixExporterOptions options;
  options.transport = Transport::tcp;
  options.first_pause = milliseconds{20};
  options.longest_pause = milliseconds{50};
  options.max_waiting_flows = 3'000;
  IpfixExporter exporter(kLoopback, port, options);
  exporter.send(flows(0, 1'000), kNow);  // nobody is there yet
  CHECK(!exporter.wait(milliseconds{100}, kNow));
  CHECK(exporter.status().waiting_flows == 1'000);
  CHECK(!exporter.status().is_connected);
  CHECK(!exporter.status().problem.empty());

  std::vector<bool> seen(10'000);
  std::size_t twice = 0;
  const auto collect_until = [&](std::size_t most) {
    IpfixListenerOptions listen = tcp_options();
    listen.tcp_port = port;
    Collector here(listen);
    Decoder decoder;  // knows nothing of the connections before
    FlowBatch batch;
    std::size_t done = 0;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (batch.flows.size() < most && std::chrono::steady_clock::now() < end) {
      exporter.wait(milliseconds{1}, kNow);
      here.listener.receive(milliseconds{5}, here.take, here.ended);
      for (; done < here.messages.size(); ++done) {
        CHECK(decoder.decode(here.messages[done], here.sessions[done], kNow, batch).clean());
      }
    }
    for (const FlowRecord& f : batch.flows) {
      const std::size_t number = f.source_address.to_v4() - 0x0a00'0000;
      twice += seen.at(number) ? 1 : 0;
      seen.at(number) = true;
    }
    return batch.flows.size();
  };
  CHECK(collect_until(1'000) == 1'000);
  CHECK(exporter.status().connections == 1);
  exporter.wait(milliseconds{50}, kNow);
  exporter.send({}, kNow);
  CHECK(!exporter.status().is_connected);

  exporter.send(flows(1'000, 1'500), kNow);
  exporter.send(flows(2'500, 2'000), kNow);  // 500 more than may wait
  CHECK(exporter.status().dropped_flows == 500);
  CHECK(collect_until(3'000) == 3'000);
  CHECK(exporter.status().waiting_flows == 0);
  CHECK(exporter.status().connections == 2);
  CHECK(twice == 0);
  CHECK(std::count(seen.begin(), seen.end(), true) == 4'000);
}
