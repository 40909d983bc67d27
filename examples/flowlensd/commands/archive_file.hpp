/// \file
/// commands: a backup as one file: a tar archive whose first entry says what else is in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace flowlensd {

/// One file of a backup.
struct ArchivedFile {
  std::string name;  ///< relative to the data folder, with `/` between
  std::uint64_t octets = 0;
  std::string sha256;  ///< in hex
};

/// What MANIFEST.json says.
struct Manifest {
  std::string release;
  std::string made;          ///< RFC 3339
  std::uint32_t schema = 0;  ///< of the map's SQLite database; 0: there is none
  std::vector<ArchivedFile> files;
};

/// Writes all files below `folder`, and syncs the archive to disk. Its mode is 0600: it may hold secrets.
/// \param file  overwritten; `.gz` and `.zst` at its end compress. Manifest::files is filled in.
/// \param name  decides on the compression.
/// \throws flowlens::IoError
void write_archive(const std::filesystem::path& file, const std::string& name,
                   const std::filesystem::path& folder, Manifest manifest);

/// Reads an archive through and compares it with its manifest.
/// \param folder  existing and empty: takes the files; empty path: nothing is written.
/// \throws flowlens::IoError if it is no backup, or anything is missing, more, or other than written.
Manifest read_archive(const std::filesystem::path& file, const std::filesystem::path& folder);

}  // namespace flowlensd
