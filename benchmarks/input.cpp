#include "input.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include "flowlens/error.hpp"
#ifdef FLOWLENS_BENCH_WITH_CAPTURES
#include "flowlens/capture_reader.hpp"
#endif

namespace flowlens::bench {
namespace {

constexpr std::string_view kDatagramMagic = "FLOWDG01";
constexpr std::size_t kFileHeaderOctets = 16;
constexpr std::size_t kDatagramHeaderOctets = 32;

template <typename T>
T little_endian(std::span<const std::byte> octets, std::size_t at) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>(value << 8 | std::to_integer<T>(octets[at + i]));
  }
  return value;
}

std::optional<ExportProtocol> protocol_of(std::span<const std::byte> datagram) {
  if (datagram.size() < 4) return std::nullopt;
  const auto high =
      std::to_integer<unsigned>(datagram[0]) << 8 | std::to_integer<unsigned>(datagram[1]);
  const auto low =
      std::to_integer<unsigned>(datagram[2]) << 8 | std::to_integer<unsigned>(datagram[3]);
  switch (high) {
    case 0:
      return low == 5 ? std::optional{ExportProtocol::sflow_v5} : std::nullopt;
    case 1:
      return ExportProtocol::netflow_v1;
    case 5:
      return ExportProtocol::netflow_v5;
    case 7:
      return ExportProtocol::netflow_v7;
    case 9:
      return ExportProtocol::netflow_v9;
    case 10:
      return ExportProtocol::ipfix;
    default:
      return std::nullopt;
  }
}

void take(std::vector<Workload>& workloads, std::span<const std::byte> octets,
          const TransportSession& session, Timestamp received) {
  const auto protocol = protocol_of(octets);
  if (!protocol) return;
  Workload& workload = workloads[static_cast<std::size_t>(*protocol)];
  workload.datagrams.push_back({workload.octets.size(), octets.size(), session, received});
  workload.octets.insert(workload.octets.end(), octets.begin(), octets.end());
}

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary | std::ios::ate};
  if (!in) throw IoError("cannot read " + path.string() + ": " + std::strerror(errno));
  std::vector<std::byte> octets(static_cast<std::size_t>(in.tellg()));
  in.seekg(0);
  in.read(reinterpret_cast<char*>(octets.data()), static_cast<std::streamsize>(octets.size()));
  if (!in) throw IoError("cannot read " + path.string() + ": " + std::strerror(errno));
  return octets;
}

void load_datagrams(const std::filesystem::path& path, std::vector<Workload>& workloads) {
  const std::vector<std::byte> file = read_file(path);
  if (file.size() < kFileHeaderOctets ||
      std::memcmp(file.data(), kDatagramMagic.data(), kDatagramMagic.size()) != 0) {
    throw IoError(path.string() + " is no datagram file; it should begin with FLOWDG01");
  }
  std::span<const std::byte> rest = std::span{file}.subspan(kFileHeaderOctets);
  while (!rest.empty()) {
    if (rest.size() < kDatagramHeaderOctets) throw IoError(path.string() + " is cut short");
    const auto size = little_endian<std::uint32_t>(rest, 0);
    TransportSession session;
    session.exporter = IpAddress::v4(little_endian<std::uint32_t>(rest, 4));
    session.exporter_port = little_endian<std::uint16_t>(rest, 8);
    session.collector_port = little_endian<std::uint16_t>(rest, 10);
    const auto time_us = static_cast<std::int64_t>(little_endian<std::uint64_t>(rest, 16));
    rest = rest.subspan(kDatagramHeaderOctets);
    if (rest.size() < size) throw IoError(path.string() + " is cut short");
    take(workloads, rest.first(size), session, Timestamp{std::chrono::microseconds{time_us}});
    rest = rest.subspan(size);
  }
}

#ifdef FLOWLENS_BENCH_WITH_CAPTURES
void load_capture(const std::filesystem::path& path, std::vector<Workload>& workloads) {
  CaptureReader reader{path};
  ReceivedDatagram datagram;
  while (reader.next(datagram)) {
    take(workloads, datagram.octets, datagram.session, datagram.received);
  }
}
#else
void load_capture(const std::filesystem::path& path, std::vector<Workload>&) {
  throw IoError("cannot read " + path.string() + ": built without FLOWLENS_WITH_COLLECT");
}
#endif

// A Resolver's clock never goes back; times in captures, and from file to file, may.
void make_times_ascend(Workload& workload) {
  Timestamp latest = Timestamp::min();
  for (Datagram& datagram : workload.datagrams) {
    latest = std::max(latest, datagram.received);
    datagram.received = latest;
  }
}

}  // namespace

std::string_view name_of(ExportProtocol protocol) noexcept {
  switch (protocol) {
    case ExportProtocol::netflow_v5:
      return "NetFlow v5";
    case ExportProtocol::netflow_v9:
      return "NetFlow v9";
    case ExportProtocol::ipfix:
      return "IPFIX";
    case ExportProtocol::sflow_v5:
      return "sFlow v5";
    case ExportProtocol::netflow_v1:
      return "NetFlow v1";
    case ExportProtocol::netflow_v7:
      return "NetFlow v7";
    default:
      break;  // not measured
  }
  return "unknown";
}

std::vector<Workload> load(const Options& options) {
  std::vector<Workload> workloads(static_cast<std::size_t>(ExportProtocol::netflow_v7) + 1);
  for (std::size_t i = 0; i < workloads.size(); ++i) {
    workloads[i].protocol = static_cast<ExportProtocol>(i);
  }
  for (const auto& path : options.captures) load_capture(path, workloads);
  for (const auto& path : options.datagrams) load_datagrams(path, workloads);
  std::erase_if(workloads, [](const Workload& w) { return w.datagrams.empty(); });
  std::for_each(workloads.begin(), workloads.end(), make_times_ascend);
  return workloads;
}

}  // namespace flowlens::bench
