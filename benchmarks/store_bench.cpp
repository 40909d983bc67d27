// What the stores take in: single flows, flows on their way between processes, and the upserts of a map in motion, into the schema that flowlensd
// uses, with its ids, indexes and constraints, revision by revision and batch by batch.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "conditions.hpp"
#ifdef FLOWLENS_BENCH_WITH_POSTGRES
#include "copy_rows.hpp"
#endif
#include "flowlens/flow_codec.hpp"
#include "flowlens/flow_store.hpp"
#include "flowlens/id.hpp"
#ifdef FLOWLENS_BENCH_WITH_POSTGRES
#include "flowlens/postgres_store.hpp"
#endif

using namespace flowlens;
using Clock = std::chrono::steady_clock;

namespace {

constexpr Timestamp kBegin = from_unix_ns(1'795'262'400'000'000'000);
constexpr const char* kUsage =
    R"(flowlens-bench-store [OPTIONS]

  --folder PATH     where SQLite makes its files (a new one below /tmp, removed at the end)
  --postgres URL    an empty PostgreSQL database to measure as well
  --flows N         single flows (500000)
  --batch N         of them at once (10000)
  --dependencies N  of the map; each changes in every revision (50000)
  --revisions N     (5)
  --json            print one JSON document instead of a table
  --help            this text
)";

struct Options {
  std::string folder;
  std::string postgres;
  std::size_t flows = 500'000;
  std::size_t batch = 10'000;
  std::size_t dependencies = 50'000;
  std::size_t revisions = 5;
  bool json = false;
};

std::optional<Options> parse(int count, char** arguments) {
  Options o;
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    const auto text = [&]() -> std::string { return i + 1 < count ? arguments[++i] : ""; };
    const auto number = [&](std::size_t& to) {
      to = std::strtoull(text().c_str(), nullptr, 10);
      return to > 0;
    };
    bool is_good = true;
    if (name == "--json") {
      o.json = true;
    } else if (name == "--folder") {
      is_good = !(o.folder = text()).empty();
    } else if (name == "--postgres") {
      is_good = !(o.postgres = text()).empty();
    } else if (name == "--flows") {
      is_good = number(o.flows);
    } else if (name == "--batch") {
      is_good = number(o.batch);
    } else if (name == "--dependencies") {
      is_good = number(o.dependencies);
    } else if (name == "--revisions") {
      is_good = number(o.revisions);
    } else {
      is_good = false;
    }
    if (!is_good) return std::nullopt;
  }
  return o;
}

std::uint64_t mixed(std::uint64_t z) noexcept {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/// Among 10,000 clients and 1,000 servers; 20,000 a second.
FlowRecord flow(std::uint64_t n) {
  const std::uint64_t dice = mixed(n);
  FlowRecord f;
  f.source_address = IpAddress::v4(0x0a00'0000u + static_cast<std::uint32_t>(dice % 10'000));
  f.destination_address =
      IpAddress::v4(0x0a80'0000u + static_cast<std::uint32_t>(dice / 10'000 % 1'000));
  f.exporter = IpAddress::v4(0xc000'0201u + static_cast<std::uint32_t>(n % 8));
  f.next_hop = IpAddress::v4(0x0a00'0001);
  f.source_port = static_cast<std::uint16_t>(32'768 + dice % 28'000);
  f.destination_port = 443;
  f.protocol = 6;
  f.tcp_flags = 0x1b;
  f.octet_count = 1'000 + dice % 100'000;
  f.packet_count = 1 + f.octet_count / 800;
  f.present = 0x1f'ffff;
  f.ingress_interface = 7;
  f.egress_interface = 8;
  f.received = kBegin + std::chrono::microseconds{50} * n;
  f.start = f.received - std::chrono::seconds{30};
  f.end = f.received - std::chrono::seconds{1};
  return f;
}

Id id(const char* what, std::uint64_t n) {
  return derive_id(dependency_namespace(), what + std::to_string(n));
}

/// The map with all its rows in motion: totals grow, and each has a row in the window at hand.
Revision revision(const Options& o, const StoreOpened& opened, std::size_t number) {
  Revision r;
  r.number = opened.last_revision + number;
  r.epoch = opened.epoch;
  r.at = kBegin + std::chrono::seconds{5} * number;
  const std::size_t assets = o.dependencies / 10 + 2;
  for (std::size_t n = 0; number == 1 && n < assets; ++n) {
    AssetRow& asset = r.assets.emplace_back();
    asset.id = id("asset", n);
    asset.endpoints.push_back(
        {{{}, IpAddress::v4(0x0a00'0000u + static_cast<std::uint32_t>(n))}, kBegin, {}});
    asset.first_seen = asset.last_seen = kBegin;
  }
  for (std::size_t n = 0; n < o.dependencies; ++n) {
    DependencyRow& d = r.dependencies.emplace_back();
    d.id = id("dependency", n);
    const std::size_t client = n % assets, server = mixed(n) % assets;
    d.client_asset = id("asset", client);
    d.server_asset = id("asset", server);
    d.key.client.address = IpAddress::v4(0x0a00'0000u + static_cast<std::uint32_t>(client));
    d.key.server.address = IpAddress::v4(0x0a00'0000u + static_cast<std::uint32_t>(server));
    d.key.port = static_cast<std::uint16_t>(1'000 + n / assets);
    d.key.protocol = 6;
    d.first_seen = kBegin;
    d.last_seen = r.at;
    d.totals = {number, 1'000 * number, 5'000 * number, number,
                number, 1'000 * number, 5'000 * number};
    d.observers[0] = IpAddress::v4(0xc000'0201);
    d.observer_count = 1;
    d.provisional = false;
    d.hours.set(hours_up_to(r.at));
    r.windows.push_back({kBegin, d.id, d.totals});
  }
  r.flows.normalized = r.flows.applied = number * o.dependencies;
  return r;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

nlohmann::ordered_json measure_flows(const Options& o, FlowStore& store) {
  std::vector<FlowRecord> batch;
  double seconds = 0;
  std::uint64_t number = 0;
  for (std::size_t done = 0; done < o.flows; done += batch.size()) {
    batch.clear();
    while (batch.size() < std::min(o.batch, o.flows - done)) {
      batch.push_back(flow(done + batch.size()));
    }
    const auto begin = Clock::now();
    store.append(batch, ++number);
    seconds += seconds_since(begin);
  }
  return {{"flows", o.flows},
          {"flows_a_batch", o.batch},
          {"flows_a_second", static_cast<std::uint64_t>(static_cast<double>(o.flows) / seconds)},
          {"octets_a_flow_on_disk", store.octets() / o.flows}};
}

/// What a person asks: one address, of all the time.
nlohmann::ordered_json measure_questions(FlowReader& reader) {
  FlowScan what;
  what.from = kBegin - std::chrono::hours{24};
  what.to = kBegin + std::chrono::hours{24};
  what.either = IpPrefix{IpAddress::v4(0x0a00'0007), 128};
  std::size_t found = 0;
  auto begin = Clock::now();
  reader.scan(what, [&](const FlowPosition&, const FlowRecord&) { return ++found < 1'000; });
  const double one = seconds_since(begin);
  what.either.reset();
  begin = Clock::now();
  (void)reader.sum(what, {FlowGrouping::exporter, std::chrono::seconds{60}});
  return {{"flows_of_one_address", found},
          {"ms_of_that", 1e3 * one},
          {"ms_of_sums_by_exporter_and_minute", 1e3 * seconds_since(begin)}};
}

nlohmann::ordered_json measure_map(const Options& o, Store& store) {
  const StoreOpened opened = store.open();
  nlohmann::ordered_json out;
  for (std::size_t number = 1; number <= o.revisions; ++number) {
    const Revision r = revision(o, opened, number);
    const auto begin = Clock::now();
    store.apply(r);
    const double seconds = seconds_since(begin);
    // A summary is a dependency with its row of the window.
    out[number == 1 ? "summaries_inserted_a_second" : "summaries_updated_a_second"] =
        static_cast<std::uint64_t>(static_cast<double>(o.dependencies) / seconds);
    out["upserts_a_second"] =
        static_cast<std::uint64_t>(2.0 * static_cast<double>(o.dependencies) / seconds);
  }
  out["dependencies"] = o.dependencies;
  return out;
}

nlohmann::ordered_json measure_sqlite(const Options& o) {
  namespace fs = std::filesystem;
  const fs::path folder = o.folder.empty() ? fs::temp_directory_path() /
                                                 ("flowlens-bench-" + std::to_string(::getpid()))
                                           : fs::path{o.folder};
  fs::create_directories(folder);
  SqliteStoreOptions options;
  nlohmann::ordered_json out;
  options.path = folder / "map.sqlite";
  out["map"] = measure_map(o, *make_sqlite_store(options));
  options.path = folder / "flows.sqlite";
  out["flows"] = measure_flows(o, *make_sqlite_flow_store(options, Epoch{1}));
  out["questions"] = measure_questions(*make_sqlite_flow_reader(options));
  for (const char* name : {"map.sqlite", "flows.sqlite"}) {
    for (const char* suffix : {"", "-wal", "-shm"})
      fs::remove(folder / (std::string{name} + suffix));
  }
  if (o.folder.empty()) fs::remove(folder);
  return out;
}

#ifdef FLOWLENS_BENCH_WITH_POSTGRES
std::uint64_t rate(std::size_t flows, double seconds) {
  return static_cast<std::uint64_t>(static_cast<double>(flows) / seconds);
}

/// Flows from one process to another: in parcels of 1,000, as ingest makes and resolve takes them.
nlohmann::ordered_json measure_channel(const Options& o, ParcelWriter& writer,
                                       ParcelReader& reader) {
  std::vector<StoredParcel> parcels;
  FlowBatch batch;
  double encoding = 0, writing = 0, reading = 0, decoding = 0;
  std::uint64_t octets = 0, number = 0;
  for (std::size_t done = 0; done < o.flows;) {
    parcels.clear();
    for (std::size_t end = std::min(o.flows, done + o.batch); done < end;) {
      batch.clear();
      while (batch.flows.size() < 1'000 && done < end) batch.flows.push_back(flow(done++));
      StoredParcel& p = parcels.emplace_back();
      p.made_at = p.first_received = kBegin;
      p.flows = batch.flows.size();
      const auto begin = Clock::now();
      p.octets = encode_flows(batch);
      encoding += seconds_since(begin);
      octets += p.octets.size();
    }
    const auto begin = Clock::now();
    writer.append(parcels, ++number);
    writing += seconds_since(begin);
  }
  std::size_t taken = 0;
  for (std::uint64_t position = 0; taken < o.flows;) {
    auto begin = Clock::now();
    const auto found = reader.read(position, 20'000);
    reading += seconds_since(begin);
    begin = Clock::now();
    for (const StoredParcel& p : found) {
      if (decode_flows(p.octets, batch).code != DiagnosticCode::none) throw IoError("damaged");
      taken += batch.flows.size();
      position = p.position;
    }
    decoding += seconds_since(begin);
  }
  return {{"flows", o.flows},
          {"flows_a_transaction", o.batch},
          {"octets_a_flow", octets / o.flows},
          {"flows_handed_over_a_second", rate(o.flows, encoding + writing)},
          {"flows_taken_a_second", rate(o.flows, reading + decoding)},
          {"ns_to_encode_a_flow", 1e9 * encoding / static_cast<double>(o.flows)},
          {"ns_to_decode_a_flow", 1e9 * decoding / static_cast<double>(o.flows)}};
}

nlohmann::ordered_json measure_postgres(const Options& o) {
  PostgresStoreOptions options;
  options.connection = o.postgres;
  nlohmann::ordered_json out;
  const auto map = make_postgres_store(options);
  out["map"] = measure_map(o, *map);
  const StoreOpened opened = map->open();
  out["flows"] = measure_flows(o, *make_postgres_flow_store(options, opened.epoch));
  out["questions"] = measure_questions(*make_postgres_flow_reader(options));
  out["by_copy"] = bench::measure_copy(o.postgres, o.batch);
  out["channel"] = measure_channel(
      o, *make_postgres_parcel_writer(options, id("writer", 1), ~std::uint64_t{0} >> 1),
      *make_postgres_parcel_reader(options));
  return out;
}
#endif

}  // namespace

int main(int count, char** arguments) {
  const auto options = parse(count, arguments);
  if (!options) {
    const bool is_help = count == 2 && std::string(arguments[1]) == "--help";
    (is_help ? std::cout : std::cerr) << kUsage;
    return is_help ? 0 : 2;
  }
  const bench::Conditions conditions = bench::conditions(-1);
  nlohmann::ordered_json stores;
  try {
    stores["sqlite"] = measure_sqlite(*options);
    if (!options->postgres.empty()) {
#ifdef FLOWLENS_BENCH_WITH_POSTGRES
      stores["postgresql"] = measure_postgres(*options);
#else
      throw ConfigError("this program was built without PostgreSQL (FLOWLENS_WITH_POSTGRES)");
#endif
    }
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  const auto out = bench::with_conditions(conditions, "stores", std::move(stores));
  if (bench::print(out, "stores", options->json)) return 0;
  for (const auto& [store, parts] : out["stores"].items()) {
    for (const auto& [part, figures] : parts.items()) {
      for (const auto& [name, value] : figures.items()) {
        std::printf("  %-10s %-9s %-34s %s\n", store.c_str(), part.c_str(), name.c_str(),
                    value.dump().c_str());
      }
    }
  }
  return 0;
}
