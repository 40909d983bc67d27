#include "pipeline/geo.hpp"

#include <sys/stat.h>

#include <string>
#include <utility>

#include "flowlens/error.hpp"
#include "log.hpp"

namespace flowlensd {
namespace {

std::shared_ptr<const GeoDatabase> open_sound(const std::string& path) {
  auto opened = std::make_shared<const GeoDatabase>(path);
  if (opened->seems_sound()) return opened;
  throw IoError(path + ": is damaged: some of its records cannot be read; fetch it again");
}

void log_open(const std::string& path, const GeoDatabase& opened) {
  log::info("geoip", "a database is open",
            {{"file", path}, {"type", opened.type()}, {"built", to_string(opened.built())}});
}

void open(std::optional<GeoFile>& file, const std::string& path, const char* setting) {
  if (path.empty()) return;
  try {
    file.emplace(path);
    log_open(path, *file->current());
  } catch (const IoError& e) {
    throw ConfigError(std::string(setting) + ": " + e.what());
  }
}

}  // namespace

GeoFile::GeoFile(std::string path)
    : path_(std::move(path)), seen_(stamp_of(path_)), current_(open_sound(path_)) {}

GeoFile::Stamp GeoFile::stamp_of(const std::string& path) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) return {};
  return {s.st_dev, s.st_ino, static_cast<std::uint64_t>(s.st_size), s.st_mtim.tv_sec,
          s.st_mtim.tv_nsec};
}

std::string GeoFile::reload() {
  const std::lock_guard reloading(reloading_);
  // Taken before the file is opened: one that comes meanwhile is seen the next time.
  const Stamp now = stamp_of(path_);
  if (now == seen_) return {};
  seen_ = now;
  try {
    auto opened = open_sound(path_);
    log_open(path_, *opened);
    const std::lock_guard lock(mutex_);
    current_ = std::move(opened);
    ++reloads_;
    problem_.clear();
    return path_ + " was read again";
  } catch (const IoError& e) {
    const std::string why = std::string(e.what()) + "; the one before stays in use";
    log::warning("geoip", why, {{"file", path_}});
    const std::lock_guard lock(mutex_);
    problem_ = why;
    return why;
  }
}

std::shared_ptr<const GeoDatabase> GeoFile::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::uint64_t GeoFile::reloads() const {
  const std::lock_guard lock(mutex_);
  return reloads_;
}

std::string GeoFile::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

Geo::Geo(const Settings& s) {
  if (s.geoip_enabled) {
    open(places_, s.geoip_database_path, "enrichment.geoip.database_path");
    open(systems_, s.geoip_asn_database_path, "enrichment.geoip.asn_database_path");
  }
  const auto grouping = parse_peer_grouping(s.external_grouping);
  if (grouping == PeerGrouping::country && !places_) {
    log::warning("geoip",
                 "external peers are grouped by country, but no database tells it: give "
                 "enrichment.geoip.database_path");
  }
}

GeoRecord Geo::find(const IpAddress& address) const {
  GeoRecord record;
  if (places_) record = places_->current()->find(address).record;
  if (!systems_) return record;
  GeoRecord system = systems_->current()->find(address).record;
  if (system.as_number == 0) return record;
  record.as_number = system.as_number;
  record.as_organization = std::move(system.as_organization);
  return record;
}

std::vector<std::string> Geo::reload() {
  std::vector<std::string> happened;
  for (std::optional<GeoFile>* file : {&places_, &systems_}) {
    if (!*file) continue;
    if (std::string what = (*file)->reload(); !what.empty()) happened.push_back(std::move(what));
  }
  return happened;
}

std::uint64_t Geo::reloads() const {
  return (places_ ? places_->reloads() : 0) + (systems_ ? systems_->reloads() : 0);
}

std::vector<std::string> Geo::problems() const {
  std::vector<std::string> found;
  for (const std::optional<GeoFile>* file : {&places_, &systems_}) {
    if (!*file) continue;
    if (std::string why = (*file)->problem(); !why.empty()) found.push_back(std::move(why));
  }
  return found;
}

}  // namespace flowlensd
