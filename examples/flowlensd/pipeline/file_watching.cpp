#include "pipeline/file_watching.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "flowlens/error.hpp"
#include "log.hpp"

namespace flowlensd {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kStep{100};
constexpr int kStepsBetweenLooks = 20;
constexpr std::chrono::seconds kTimeToEndFile{5};
constexpr std::size_t kItemsAtOnce = 256;

/// Of the folder's whole name, so that two folders never share one. FNV-1a; nobody else chooses the names.
fs::path state_file(const fs::path& folder, const fs::path& directory) {
  if (folder.empty()) return {};
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : fs::weakly_canonical(directory).string()) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "%016llx.files", static_cast<unsigned long long>(hash));
  return folder / name.data();
}

std::string what_was_wrong(const InputFile& file) {
  if (file.log.refused > 0) {
    std::string text = std::to_string(file.log.refused) + " records refused";
    if (!file.log_problems.empty()) text += ", the first: " + to_string(file.log_problems.front());
    return text;
  }
  if (file.ipfix.damaged > 0) {
    return "octets skipped in " + std::to_string(file.ipfix.damaged) +
           " places where no IPFIX message stands, the first at octet " +
           std::to_string(file.ipfix.first_damage);
  }
  return {};
}

}  // namespace

FileWatching::FileWatching(const FileWatchingOptions& options, Feed& feed)
    : options_(options), feed_(feed) {
  if (!options.state_folder.empty()) {
    std::error_code error;
    fs::create_directories(options.state_folder, error);
    if (error) {
      throw IoError(options.state_folder.string() + " cannot be made: " + error.message());
    }
  }
  for (const fs::path& directory : options.directories) {
    Folder& folder = folders_.emplace_back();
    DirectoryWatchOptions watch;
    watch.directory = directory;
    watch.state_file = state_file(options.state_folder, directory);
    watch.settle = options.settle;
    try {
      folder.watch = std::make_unique<DirectoryWatch>(watch);
    } catch (const IoError& e) {
      throw IoError(std::string("ingestion.watch_directories: ") + e.what());
    }
    folder.view.directory = directory;
  }
}

std::vector<WatchedDirectory> FileWatching::view() const {
  const std::lock_guard lock(mutex_);
  std::vector<WatchedDirectory> all;
  for (const Folder& folder : folders_) all.push_back(folder.view);
  return all;
}

void FileWatching::run(const std::atomic<bool>& stopping) {
  while (!stopping) {
    for (Folder& folder : folders_) look(folder, stopping);
    for (int i = 0; i < kStepsBetweenLooks && !stopping; ++i) {
      feed_.settle(true);
      std::this_thread::sleep_for(kStep);
    }
  }
  feed_.finish();
}

/// The same problem again is no news.
void FileWatching::note(Folder& folder, const std::string& problem) {
  {
    const std::lock_guard lock(mutex_);
    folder.view.problem = problem;
  }
  if (std::exchange(folder.last_problem, problem) == problem) return;
  log::warning("ingest", "a watched file or folder has a problem",
               {{"folder", folder.view.directory.string()}, {"problem", problem}});
}

void FileWatching::look(Folder& folder, const std::atomic<bool>& stopping) {
  std::vector<fs::path> files;
  try {
    files = folder.watch->poll(std::chrono::system_clock::now());
  } catch (const std::exception& e) {
    note(folder, e.what());
  }
  for (const fs::path& file : files) {
    if (stopping) break;
    read(folder, file, stopping);
  }
  const std::lock_guard lock(mutex_);
  folder.view.files = folder.watch->counters();
}

void FileWatching::read(Folder& folder, const fs::path& file, const std::atomic<bool>& stopping) {
  {
    const std::lock_guard lock(mutex_);
    folder.view.last_file = file.filename().string();
  }
  std::string problem;
  bool is_whole = false;
  try {
    folder.watch->took(file);
    CaptureReaderOptions reader;
    reader.exporter_ports = options_.exporter_ports;
    const auto source = open_input(file, reader, 1);
    try {
      is_whole = read_items(folder, *source, stopping);
    } catch (const std::exception& e) {
      problem = e.what();
    }
    InputFile about;
    source->describe(about);
    if (problem.empty()) problem = what_was_wrong(about);
  } catch (const std::exception& e) {
    problem = e.what();
  }
  // An IPFIX file tells its own templates; the next one begins anew.
  TransportSession session;
  session.transport = Transport::file;
  feed_.decoder().parser().end_session(session);
  if (!is_whole && problem.empty()) problem = "not read to its end: the daemon stopped";
  if (!problem.empty()) {
    const std::string name = file.string();
    note(folder, problem.find(name) == std::string::npos ? name + ": " + problem : problem);
  }
  const std::lock_guard lock(mutex_);
  folder.view.read += is_whole ? 1 : 0;
  folder.view.broken += problem.empty() ? 0 : 1;
}

/// \return false if it had to stop before the end.
bool FileWatching::read_items(Folder& folder, InputSource& source,
                              const std::atomic<bool>& stopping) {
  std::optional<Clock::time_point> deadline;
  InputItem item;
  bool is_more = true;
  while (is_more) {
    if (stopping && !deadline) deadline = Clock::now() + kTimeToEndFile;
    if (deadline && Clock::now() >= *deadline) return false;
    if (feed_.is_full() && !feed_.hand_on_in_turn(stopping)) continue;
    WatchedDirectory read;
    const std::size_t before = feed_.parcel().batch.flows.size();
    for (std::size_t i = 0; i < kItemsAtOnce && is_more && !feed_.is_full(); ++i) {
      is_more = source.next(item);
      if (!is_more) break;
      if (item.is_flow) {
        feed_.take(item.flow);
      } else if (item.captured.is_datagram) {
        feed_.decode(item.captured.datagram);
        ++read.datagrams;
      } else {
        feed_.decode(item.captured.packet);
        ++read.packets;
      }
    }
    const std::lock_guard lock(mutex_);
    folder.view.datagrams += read.datagrams;
    folder.view.packets += read.packets;
    folder.view.flows += feed_.parcel().batch.flows.size() - before;
  }
  feed_.settle(true);
  return true;
}

}  // namespace flowlensd
