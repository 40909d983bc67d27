// Versions, statuses, addresses, ids, times, buffers.
#include <cstring>

#include "flowlens/id.hpp"
#include "flowlens/time.hpp"
#include "flowlens/version.hpp"
#include "handles.hpp"

namespace capi = flowlens::capi;

namespace flowlens::capi {

IpAddress address_of(const flowlens_address& address) noexcept {
  std::array<std::uint8_t, 16> octets;
  std::memcpy(octets.data(), address.octets, octets.size());
  return IpAddress::v6(octets);
}

flowlens_address c_address(const IpAddress& address) noexcept {
  flowlens_address out;
  std::memcpy(out.octets, address.octets().data(), sizeof out.octets);
  return out;
}

Id id_of(const flowlens_id& id) noexcept {
  Id out;
  std::memcpy(out.octets.data(), id.octets, out.octets.size());
  return out;
}

flowlens_id c_id(const Id& id) noexcept {
  flowlens_id out;
  std::memcpy(out.octets, id.octets.data(), sizeof out.octets);
  return out;
}

std::span<const std::byte> octets_of(const void* begin, std::size_t length) {
  require(begin != nullptr || length == 0, "octets are NULL but have a length");
  return {static_cast<const std::byte*>(begin), length};
}

std::unique_ptr<flowlens_buffer> buffer_of(std::string_view text) {
  return std::make_unique<flowlens_buffer>(flowlens_buffer{std::string(text)});
}

std::unique_ptr<flowlens_buffer> buffer_of(std::span<const std::byte> octets) {
  return buffer_of({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

}  // namespace flowlens::capi

namespace {

/// Writes a text for functions that return nothing, and so cannot tell of a failure.
template <typename Text>
void write_text(char* to, std::size_t size, Text&& text) noexcept {
  if (to == nullptr) return;
  to[0] = '\0';
  capi::guarded(nullptr, [&] { capi::copy_text(text(), to, size); });
}

}  // namespace

const char* flowlens_version(void) { return flowlens::kVersion.data(); }

const char* flowlens_status_name(flowlens_status status) {
  switch (status) {
    case FLOWLENS_OK:
      return "ok";
    case FLOWLENS_INVALID_ARGUMENT:
      return "invalid_argument";
    case FLOWLENS_OUT_OF_MEMORY:
      return "out_of_memory";
    case FLOWLENS_IO_ERROR:
      return "io_error";
    case FLOWLENS_NOT_FOUND:
      return "not_found";
    case FLOWLENS_DAMAGED:
      return "damaged";
    case FLOWLENS_NOT_BUILT:
      return "not_built";
    case FLOWLENS_INTERNAL:
      return "internal";
  }
  return "unknown";
}

flowlens_status flowlens_address_parse(const char* text, flowlens_address* out,
                                       flowlens_error* error) {
  if (out != nullptr) *out = {};
  return capi::guarded(error, [&] {
    const auto parsed = flowlens::IpAddress::parse(capi::need_text(text, "text"));
    if (!parsed)
      throw capi::Refused{FLOWLENS_INVALID_ARGUMENT, "'" + std::string(text) + "' is no address"};
    capi::need(out, "out") = capi::c_address(*parsed);
  });
}

void flowlens_address_text(const flowlens_address* address, char text[FLOWLENS_ADDRESS_TEXT_SIZE]) {
  write_text(text, FLOWLENS_ADDRESS_TEXT_SIZE,
             [&] { return capi::address_of(capi::need(address, "address")).to_string(); });
}

flowlens_status flowlens_id_parse(const char* text, flowlens_id* out, flowlens_error* error) {
  if (out != nullptr) *out = {};
  return capi::guarded(error, [&] {
    const auto parsed = flowlens::Id::parse(capi::need_text(text, "text"));
    if (!parsed)
      throw capi::Refused{FLOWLENS_INVALID_ARGUMENT, "'" + std::string(text) + "' is no id"};
    capi::need(out, "out") = capi::c_id(*parsed);
  });
}

void flowlens_id_text(const flowlens_id* id, char text[FLOWLENS_ID_TEXT_SIZE]) {
  write_text(text, FLOWLENS_ID_TEXT_SIZE,
             [&] { return capi::id_of(capi::need(id, "id")).to_string(); });
}

void flowlens_time_text(int64_t time_ns, char text[FLOWLENS_TIME_TEXT_SIZE]) {
  write_text(text, FLOWLENS_TIME_TEXT_SIZE,
             [&] { return flowlens::to_string(flowlens::from_unix_ns(time_ns)); });
}

// Names are literals, so there is a NUL behind each; where there is none, the view is empty.
const char* flowlens_service_name(uint8_t protocol, uint16_t port) {
  const std::string_view name = flowlens::service_name(flowlens::find_service(protocol, port));
  return name.empty() ? "" : name.data();
}

const char* flowlens_protocol_name(uint8_t protocol) {
  const std::string_view name = flowlens::protocol_name(protocol);
  return name.empty() ? "" : name.data();
}

const void* flowlens_buffer_data(const flowlens_buffer* buffer) {
  return buffer != nullptr ? buffer->octets.c_str() : nullptr;
}

size_t flowlens_buffer_size(const flowlens_buffer* buffer) {
  return buffer != nullptr ? buffer->octets.size() : 0;
}

void flowlens_buffer_destroy(flowlens_buffer* buffer) { delete buffer; }
