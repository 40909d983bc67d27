#include "conformance/case_file.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

namespace flowlens::conformance {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in) throw CorpusError(file.string() + ": cannot be opened");
  return {std::istreambuf_iterator<char>{in}, {}};
}

TransportSession session_of(const Json& datagram, const fs::path& file) {
  const auto exporter = IpAddress::parse(datagram.at("exporter").get<std::string>());
  if (!exporter) throw CorpusError(file.string() + ": a datagram's exporter is no IP address");
  TransportSession session;
  session.exporter = *exporter;
  session.exporter_port = datagram.at("port").get<std::uint16_t>();
  session.collector_port = 2055;
  return session;
}

}  // namespace

ExactBlock::ExactBlock(std::span<const std::byte> octets)
    : block_(new std::byte[octets.size()]), size_(octets.size()) {
  if (!octets.empty()) std::memcpy(block_.get(), octets.data(), octets.size());
}

ExactBlock read_block(const fs::path& file) {
  const std::string content = read_file(file);
  return ExactBlock{std::as_bytes(std::span{content.data(), content.size()})};
}

Json read_json(const fs::path& file) {
  try {
    return Json::parse(read_file(file));
  } catch (const Json::exception& e) {
    throw CorpusError(file.string() + ": " + e.what());
  }
}

Case load_case(const fs::path& directory) {
  const fs::path file = directory / "case.json";
  Case c;
  c.json = read_json(file);
  try {
    c.name = c.json.at("name").get<std::string>();
    c.protocol = c.json.at("protocol").get<std::string>();
    c.vendor = c.json.at("vendor").get<std::string>();
    for (const Json& datagram : c.json.at("datagrams")) {
      c.datagrams.push_back({read_block(directory / datagram.at("file").get<std::string>()),
                             session_of(datagram, file)});
      if (c.datagrams.back().octets.octets().size() != datagram.at("length").get<std::size_t>()) {
        throw CorpusError((directory / datagram.at("file").get<std::string>()).string() +
                          ": its length is not what case.json says");
      }
    }
    (void)c.json.at("expected");
  } catch (const Json::exception& e) {
    throw CorpusError(file.string() + ": " + e.what());
  }
  return c;
}

bool matches_glob(const std::string& name, const std::string& glob) {
  return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
}

std::vector<std::string> list_cases(const fs::path& corpus, std::span<const std::string> globs) {
  std::vector<std::string> names;
  if (!fs::is_directory(corpus)) return names;
  for (const fs::directory_entry& entry : fs::directory_iterator{corpus}) {
    std::string name = entry.path().filename().string();
    if (!fs::exists(entry.path() / "case.json")) continue;
    const auto wanted = [&name](const std::string& glob) { return matches_glob(name, glob); };
    if (globs.empty() || std::ranges::any_of(globs, wanted)) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

Timestamp received_at(std::size_t i) {
  // A fixed day near that of the generated cases; 1 ms apart, so no template grows old.
  constexpr auto kBegin = Timestamp{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};
  return kBegin + std::chrono::hours{9} + std::chrono::milliseconds{i};
}

}  // namespace flowlens::conformance
