#include "options.hpp"

#include <charconv>
#include <string>

#include "flowlens/error.hpp"

namespace flowlens::bench {
namespace {

constexpr std::string_view kUsage =
    R"(usage: flowlens-bench [--input FILE.pcap...] [--datagrams FILE.dg...] [OPTION...]

Prints ns per record and records per second, per protocol, on one core, for
  parse            datagrams to record sets (Parser)
  parse+normalize  datagrams to flows (Decoder)
  aggregate        flows to summaries (Enricher and Aggregator, flushes included)
  whole way        datagrams to revisions (Decoder and Resolver, flushes included), with an
                   empty map to begin with
  whole way, known the same, with a map that holds all this already, as after a restart
Times are CPU time of the one thread at work; input is in memory before it starts. A flush comes
every 5 s of the time in the input, as in flowlensd.

  --input FILE...      captures of exporters' datagrams (pcap, pcapng)
  --datagrams FILE...  files in the format of genflows --datagrams
  --repetitions N      of each stage; the median is shown (7)
  --decode-only        the first two alone
  --core N             the core to run on (the last one there is)
  --json               print JSON instead of a table
  --help               this text
)";

std::size_t number(std::string_view option, std::string_view text, std::size_t low,
                   std::size_t high) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high) {
    throw ConfigError(std::string(option) + ": '" + std::string(text) + "' is not a number from " +
                      std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

}  // namespace

std::string_view usage() noexcept { return kUsage; }

Options parse_options(int count, const char* const* arguments) {
  Options options;
  std::vector<std::filesystem::path>* files = nullptr;  // where bare names go
  const std::vector<std::string_view> all(arguments + 1, arguments + count);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string_view name = all[i];
    const bool is_number = name == "--repetitions" || name == "--core";
    if (is_number && i + 1 == all.size()) {
      throw ConfigError(std::string(name) + " wants a number after it");
    }
    if (name == "--input") {
      files = &options.captures;
    } else if (name == "--datagrams") {
      files = &options.datagrams;
    } else if (name == "--repetitions") {
      options.repetitions = number(name, all[++i], 1, 1000);
    } else if (name == "--core") {
      options.core = static_cast<int>(number(name, all[++i], 0, 1023));
    } else if (name == "--decode-only") {
      options.decode_only = true;
    } else if (name == "--json") {
      options.json = true;
    } else if (name == "--help" || name == "-h") {
      options.help = true;
    } else if (!name.starts_with("-") && files != nullptr) {
      files->emplace_back(name);
    } else {
      throw ConfigError("unknown option '" + std::string(name) + "'; --help lists all");
    }
  }
  if (!options.help && options.captures.empty() && options.datagrams.empty()) {
    throw ConfigError("no input: give --input FILE.pcap or --datagrams FILE.dg; --help tells more");
  }
  return options;
}

}  // namespace flowlens::bench
