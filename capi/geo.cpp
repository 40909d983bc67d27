// Where an address is.
#include <memory>

#include "handles.hpp"

namespace capi = flowlens::capi;

#ifdef FLOWLENS_CAPI_LOOKUP

#include "flowlens/geoip.hpp"

struct flowlens_geo {
  explicit flowlens_geo(const char* path) : database(path) {}
  flowlens::GeoDatabase database;
};

namespace {

flowlens_geo_record c_record(const flowlens::GeoRecord& record) {
  flowlens_geo_record c{};
  c.has_position = record.latitude && record.longitude ? 1 : 0;
  c.latitude = record.latitude.value_or(0);
  c.longitude = record.longitude.value_or(0);
  c.as_number = record.as_number;
  capi::copy_text(record.continent, c.continent);
  capi::copy_text(record.country, c.country);
  capi::copy_text(record.region, c.region);
  capi::copy_text(record.country_name, c.country_name);
  capi::copy_text(record.city, c.city);
  capi::copy_text(record.as_organization, c.as_organization);
  return c;
}

}  // namespace

flowlens_status flowlens_geo_open(const char* path, flowlens_geo** out, flowlens_error* error) {
  return capi::guarded_make(
      out, error, [&] { return std::make_unique<flowlens_geo>(&capi::need(path, "path")); });
}

void flowlens_geo_destroy(flowlens_geo* geo) { delete geo; }

flowlens_status flowlens_geo_find(const flowlens_geo* geo, const flowlens_address* address,
                                  flowlens_geo_record* out, flowlens_error* error) {
  return capi::guarded_fill(out, FLOWLENS_OLDEST(flowlens_geo_record, as_organization), error, [&] {
    const auto where = capi::address_of(capi::need(address, "address"));
    const auto answer = capi::need(geo, "geo").database.find(where);
    if (answer.status == flowlens::GeoStatus::unknown) {
      throw capi::Refused{FLOWLENS_NOT_FOUND, "the file has no record of " + where.to_string()};
    }
    if (answer.status == flowlens::GeoStatus::damaged) {
      throw capi::Refused{FLOWLENS_DAMAGED,
                          "the file is damaged where " + where.to_string() + " should be"};
    }
    return c_record(answer.record);
  });
}

#else

struct flowlens_geo {};

namespace {

[[noreturn]] void not_built() {
  throw capi::Refused{FLOWLENS_NOT_BUILT,
                      "this library was built without lookup, which reads GeoIP files"};
}

}  // namespace

flowlens_status flowlens_geo_open(const char*, flowlens_geo** out, flowlens_error* error) {
  return capi::guarded_make(out, error, []() -> std::unique_ptr<flowlens_geo> { not_built(); });
}

void flowlens_geo_destroy(flowlens_geo*) {}

flowlens_status flowlens_geo_find(const flowlens_geo*, const flowlens_address*,
                                  flowlens_geo_record* out, flowlens_error* error) {
  return capi::guarded_fill(out, FLOWLENS_OLDEST(flowlens_geo_record, as_organization), error,
                            []() -> flowlens_geo_record { not_built(); });
}

#endif
