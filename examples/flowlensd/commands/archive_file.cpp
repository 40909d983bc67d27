#include "commands/archive_file.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "flowlens/error.hpp"

namespace flowlensd {
namespace {

using flowlens::IoError;
namespace fs = std::filesystem;

constexpr const char* kManifestName = "MANIFEST.json";
constexpr std::size_t kMaxManifestOctets = 16u << 20;
constexpr std::size_t kPiece = 256u << 10;

using Writer = std::unique_ptr<archive, int (*)(archive*)>;
using Entry = std::unique_ptr<archive_entry, void (*)(archive_entry*)>;

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
      throw IoError("backup: SHA-256 is not available");
    }
  }
  void add(const void* octets, std::size_t n) { EVP_DigestUpdate(context_.get(), octets, n); }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &length);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < length; ++i) {
      text += kDigits[digest[i] >> 4];
      text += kDigits[digest[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

[[noreturn]] void fail(const fs::path& file, const std::string& why) {
  throw IoError(file.string() + ": " + why);
}

[[noreturn]] void fail(const fs::path& file, archive* a, const char* what) {
  const char* why = archive_error_string(a);
  fail(file, std::string(what) + (why == nullptr ? "" : std::string(": ") + why));
}

/// Calls `take` for each piece.
template <typename Take>
void read_pieces(const fs::path& path, const Take& take) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> piece(kPiece);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    take(piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (!in.eof()) fail(path, std::string("cannot be read: ") + std::strerror(errno));
}

std::vector<ArchivedFile> files_below(const fs::path& folder) {
  std::vector<ArchivedFile> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    Sha256 hash;
    std::uint64_t octets = 0;
    read_pieces(entry.path(), [&](const char* data, std::size_t n) {
      hash.add(data, n);
      octets += n;
    });
    files.push_back({fs::relative(entry.path(), folder).generic_string(), octets, hash.hex()});
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

std::string manifest_text(const Manifest& m) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const ArchivedFile& f : m.files) {
    files.push_back({{"name", f.name}, {"octets", f.octets}, {"sha256", f.sha256}});
  }
  return nlohmann::ordered_json{{"format", "flowlens-backup-1"},
                                {"release", m.release},
                                {"made", m.made},
                                {"schema", m.schema},
                                {"files", std::move(files)}}
             .dump(2) +
         "\n";
}

/// Names from an archive are a stranger's.
bool is_safe(const std::string& name) {
  const fs::path path(name);
  if (name.empty() || path.is_absolute() || name.find('\0') != name.npos) return false;
  return std::none_of(path.begin(), path.end(), [](const fs::path& part) {
    return part == ".." || part == "." || part.empty();
  });
}

Manifest parse_manifest(const fs::path& file, const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.at("format") != "flowlens-backup-1")
      fail(file, "was made by a newer release; use that");
    Manifest m{json.at("release"), json.at("made"), json.at("schema"), {}};
    std::set<std::string> names;
    for (const auto& f : json.at("files")) {
      m.files.push_back({f.at("name"), f.at("octets"), f.at("sha256")});
      if (!is_safe(m.files.back().name) || !names.insert(m.files.back().name).second) {
        fail(file, "its manifest names a file that cannot be");
      }
    }
    return m;
  } catch (const nlohmann::json::exception&) {
    fail(file, "its manifest cannot be read: it is damaged, or no backup of FlowLens");
  }
}

void write_header(const fs::path& file, archive* out, const std::string& name,
                  std::uint64_t octets) {
  const Entry entry{archive_entry_new(), archive_entry_free};
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(octets));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0600);
  if (archive_write_header(out, entry.get()) != ARCHIVE_OK) fail(file, out, "cannot be written");
}

void write_data(const fs::path& file, archive* out, const void* octets, std::size_t n) {
  if (archive_write_data(out, octets, n) != static_cast<la_ssize_t>(n)) {
    fail(file, out, "cannot be written");
  }
}

void add_compression(archive* out, const std::string& name) {
  if (name.ends_with(".gz") || name.ends_with(".tgz")) archive_write_add_filter_gzip(out);
  if (name.ends_with(".zst")) archive_write_add_filter_zstd(out);
}

/// An open descriptor.
class Descriptor {
 public:
  Descriptor(const fs::path& file, int flags)
      : held_(::open(file.c_str(), flags | O_CLOEXEC, 0600)) {
    if (held_ < 0) fail(file, std::string("cannot be opened: ") + std::strerror(errno));
  }
  ~Descriptor() { ::close(held_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return held_; }

 private:
  int held_;
};

/// The data of the present entry goes to `take`. \return octets.
template <typename Take>
std::uint64_t read_entry(const fs::path& file, archive* in, std::uint64_t most, const Take& take) {
  std::vector<char> piece(kPiece);
  std::uint64_t octets = 0;
  while (true) {
    const la_ssize_t n = archive_read_data(in, piece.data(), piece.size());
    if (n < 0) fail(file, in, "is damaged");
    if (n == 0) return octets;
    octets += static_cast<std::uint64_t>(n);
    if (octets > most) fail(file, "is damaged: it holds more than its manifest says");
    take(piece.data(), static_cast<std::size_t>(n));
  }
}

void take_file(const fs::path& file, archive* in, const ArchivedFile& want,
               const fs::path& folder) {
  Sha256 hash;
  std::ofstream out;
  if (!folder.empty()) {
    const fs::path to = folder / want.name;
    fs::create_directories(to.parent_path());
    out.open(to, std::ios::binary);
    fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
  }
  const std::uint64_t octets =
      read_entry(file, in, want.octets, [&](const char* data, std::size_t n) {
        hash.add(data, n);
        if (out.is_open()) out.write(data, static_cast<std::streamsize>(n));
      });
  if (out.is_open() && !out.flush()) {
    fail(folder / want.name, std::string("cannot be written: ") + std::strerror(errno));
  }
  if (octets != want.octets || hash.hex() != want.sha256) {
    fail(file, "is damaged: " + want.name + " is not what was written");
  }
}

}  // namespace

void write_archive(const fs::path& file, const std::string& name, const fs::path& folder,
                   Manifest manifest) {
  manifest.files = files_below(folder);
  const Descriptor descriptor(file, O_WRONLY | O_CREAT | O_TRUNC);
  const Writer out{archive_write_new(), archive_write_free};
  archive_write_set_format_pax_restricted(out.get());
  add_compression(out.get(), name);
  if (archive_write_open_fd(out.get(), descriptor.get()) != ARCHIVE_OK) {
    fail(file, out.get(), "cannot be written");
  }
  const std::string text = manifest_text(manifest);
  write_header(file, out.get(), kManifestName, text.size());
  write_data(file, out.get(), text.data(), text.size());
  for (const ArchivedFile& f : manifest.files) {
    write_header(file, out.get(), f.name, f.octets);
    read_pieces(folder / f.name,
                [&](const char* data, std::size_t n) { write_data(file, out.get(), data, n); });
  }
  if (archive_write_close(out.get()) != ARCHIVE_OK) fail(file, out.get(), "cannot be written");
  if (fsync(descriptor.get()) != 0) {
    fail(file, std::string("cannot be synced to disk: ") + std::strerror(errno));
  }
}

Manifest read_archive(const fs::path& file, const fs::path& folder) {
  const Descriptor descriptor(file, O_RDONLY);
  const Writer in{archive_read_new(), archive_read_free};
  archive_read_support_format_tar(in.get());
  archive_read_support_filter_gzip(in.get());
  archive_read_support_filter_zstd(in.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_fd(in.get(), descriptor.get(), kPiece) != ARCHIVE_OK ||
      archive_read_next_header(in.get(), &entry) != ARCHIVE_OK ||
      std::string_view(archive_entry_pathname(entry)) != kManifestName) {
    fail(file, "is no backup of FlowLens");
  }
  std::string text;
  read_entry(file, in.get(), kMaxManifestOctets,
             [&](const char* data, std::size_t n) { text.append(data, n); });
  Manifest manifest = parse_manifest(file, text);
  std::size_t next = 0;
  for (;; ++next) {
    const int result = archive_read_next_header(in.get(), &entry);
    if (result == ARCHIVE_EOF) break;
    if (result != ARCHIVE_OK) fail(file, in.get(), "is damaged");
    if (next >= manifest.files.size() || archive_entry_filetype(entry) != AE_IFREG ||
        manifest.files[next].name != archive_entry_pathname(entry)) {
      fail(file, "is damaged: it holds something that its manifest does not name");
    }
    take_file(file, in.get(), manifest.files[next], folder);
  }
  if (next != manifest.files.size()) {
    fail(file, "is damaged: " + manifest.files[next].name + " is missing");
  }
  return manifest;
}

}  // namespace flowlensd
