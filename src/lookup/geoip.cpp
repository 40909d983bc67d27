#include "flowlens/geoip.hpp"

#include <maxminddb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "flowlens/error.hpp"

namespace flowlens {

namespace {

/// Reads one record. Files may be damaged anywhere: every answer of the library is looked at.
class RecordReader {
 public:
  explicit RecordReader(MMDB_entry_s& entry) : entry_(entry) {}

  GeoRecord read() {
    GeoRecord r;
    r.continent = text("continent", "code");
    const char* const place = has("country", "iso_code") ? "country" : "registered_country";
    r.country = text(place, "iso_code");
    r.country_name = text(place, "names", "en");
    r.region = text("subdivisions", "0", "iso_code");
    r.city = text("city", "names", "en");
    r.latitude = degrees("latitude");
    r.longitude = degrees("longitude");
    r.as_number = number("autonomous_system_number");
    r.as_organization = text("autonomous_system_organization");
    return r;
  }
  [[nodiscard]] bool is_damaged() const noexcept { return is_damaged_; }

 private:
  template <typename... Path>
  std::optional<MMDB_entry_data_s> value(Path... path) {
    MMDB_entry_data_s data{};
    const int status = MMDB_get_value(&entry_, &data, path..., nullptr);
    if (status == MMDB_SUCCESS && data.has_data) return data;
    is_damaged_ |= status != MMDB_SUCCESS && status != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR;
    return std::nullopt;
  }
  template <typename... Path>
  bool has(Path... path) {
    return value(path...).has_value();
  }
  template <typename... Path>
  std::string text(Path... path) {
    const auto data = value(path...);
    if (!data || data->type != MMDB_DATA_TYPE_UTF8_STRING) return {};
    return {data->utf8_string, data->data_size};
  }
  std::optional<double> degrees(const char* name) {
    const auto data = value("location", name);
    if (!data || data->type != MMDB_DATA_TYPE_DOUBLE) return std::nullopt;
    return data->double_value;
  }
  std::uint32_t number(const char* name) {
    const auto data = value(name);
    return data && data->type == MMDB_DATA_TYPE_UINT32 ? data->uint32 : 0;
  }

  MMDB_entry_s& entry_;
  bool is_damaged_ = false;
};

MMDB_lookup_result_s look_up(const MMDB_s& file, const IpAddress& address, int& error) {
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, address.octets().data() + 12, 4);
    return MMDB_lookup_sockaddr(&file, reinterpret_cast<const sockaddr*>(&v4), &error);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, address.octets().data(), 16);
  return MMDB_lookup_sockaddr(&file, reinterpret_cast<const sockaddr*>(&v6), &error);
}

/// Where a node of the search tree leads. \param entry  of a record, read to its end.
bool is_sound(std::uint8_t type, MMDB_entry_s entry) {
  if (type == MMDB_RECORD_TYPE_INVALID) return false;
  if (type != MMDB_RECORD_TYPE_DATA) return true;
  MMDB_entry_data_list_s* list = nullptr;
  const int status = MMDB_get_entry_data_list(&entry, &list);
  MMDB_free_entry_data_list(list);
  return status == MMDB_SUCCESS;
}

}  // namespace

struct GeoDatabase::Impl {
  explicit Impl(const std::filesystem::path& path) {
    const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &file);
    if (status == MMDB_SUCCESS) return;
    if (status == MMDB_FILE_OPEN_ERROR) throw IoError(path.string() + ": " + std::strerror(errno));
    throw IoError(path.string() + ": is no sound database in MaxMind's format (" +
                  MMDB_strerror(status) + "); fetch it again");
  }
  ~Impl() { MMDB_close(&file); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  MMDB_s file{};
  std::string type;
};

GeoDatabase::GeoDatabase(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {
  impl_->type = impl_->file.metadata.database_type;
}
GeoDatabase::~GeoDatabase() = default;
GeoDatabase::GeoDatabase(GeoDatabase&&) noexcept = default;
GeoDatabase& GeoDatabase::operator=(GeoDatabase&&) noexcept = default;

GeoAnswer GeoDatabase::find(const IpAddress& address) const {
  int error = MMDB_SUCCESS;
  MMDB_lookup_result_s result = look_up(impl_->file, address, error);
  // A file of IPv4 networks alone says nothing of IPv6.
  if (error == MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR) return {GeoStatus::unknown, {}};
  if (error != MMDB_SUCCESS) return {GeoStatus::damaged, {}};
  if (!result.found_entry) return {GeoStatus::unknown, {}};
  RecordReader reader{result.entry};
  GeoRecord record = reader.read();
  if (reader.is_damaged()) return {GeoStatus::damaged, {}};
  return {GeoStatus::found, std::move(record)};
}

bool GeoDatabase::seems_sound() const {
  constexpr std::uint32_t kMostNodes = 16'384;
  const std::uint32_t count = impl_->file.metadata.node_count;
  const std::uint32_t step = count / kMostNodes + 1;
  for (std::uint32_t at = 0; at < count; at += step) {
    MMDB_search_node_s node{};
    if (MMDB_read_node(&impl_->file, at, &node) != MMDB_SUCCESS) return false;
    if (!is_sound(node.left_record_type, node.left_record_entry) ||
        !is_sound(node.right_record_type, node.right_record_entry)) {
      return false;
    }
  }
  return true;
}

const std::string& GeoDatabase::type() const noexcept { return impl_->type; }

Timestamp GeoDatabase::built() const noexcept {
  // Past the year 2262 there is no Timestamp; a damaged file may say so.
  constexpr std::uint64_t kMost = 9'000'000'000;
  const std::uint64_t seconds = std::min<std::uint64_t>(impl_->file.metadata.build_epoch, kMost);
  return Timestamp{std::chrono::seconds{static_cast<std::int64_t>(seconds)}};
}

std::vector<Fact> geo_facts(const GeoRecord& record, const Endpoint& endpoint, Timestamp now) {
  std::vector<Fact> facts;
  const auto say = [&](const char* attribute, std::string value) {
    // Text of a file is as long as the file likes.
    if (value.empty() || value.size() > kLongestFactValue) return;
    Fact fact{endpoint, attribute, std::move(value), FactSource::inferred, now, std::nullopt};
    fact.origin = "geoip";
    facts.push_back(std::move(fact));
  };
  say("country", record.country);
  say("region", record.region);
  say("city", record.city);
  if (record.as_number != 0) say("as_number", std::to_string(record.as_number));
  say("as_organization", record.as_organization);
  return facts;
}

}  // namespace flowlens
