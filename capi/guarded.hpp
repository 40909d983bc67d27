/// \file
/// capi: what every function of the C ABI is made of: no exception crosses, sizes of structs are the caller's,
/// out-parameters are always written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "flowlens/flowlens.h"

namespace flowlens::capi {

/// What a function throws to end with a status of its own.
struct Refused {
  flowlens_status status = FLOWLENS_INVALID_ARGUMENT;
  std::string message;
  std::uint32_t column = 0;
};

/// \throws Refused where `holds` is false.
inline void require(bool holds, const char* message) {
  if (!holds) throw Refused{FLOWLENS_INVALID_ARGUMENT, message};
}
/// The object behind a pointer. \param what  its name, for the message.
template <typename T>
T& need(T* object, const char* what) {
  if (object == nullptr) throw Refused{FLOWLENS_INVALID_ARGUMENT, std::string(what) + " is NULL"};
  return *object;
}
inline std::string_view need_text(const char* text, const char* what) { return &need(text, what); }

/// Writes a text into room of a fixed size, with its NUL; a longer one is cut between characters.
void copy_text(std::string_view text, char* to, std::size_t size) noexcept;
template <std::size_t kSize>
void copy_text(std::string_view text, char (&to)[kSize]) noexcept {
  copy_text(text, to, kSize);
}

/// Fills in `error`, if there is one. \return the status.
flowlens_status report(flowlens_error* error, flowlens_status status, std::string_view message,
                       std::uint32_t column = 0) noexcept;
/// What the exception at hand means.
flowlens_status report_exception(flowlens_error* error) noexcept;

/// Runs the body of a function.
template <typename Body>
flowlens_status guarded(flowlens_error* error, Body&& body) noexcept {
  try {
    std::forward<Body>(body)();
    return report(error, FLOWLENS_OK, {});
  } catch (...) {
    return report_exception(error);
  }
}

/// The body of a function that makes an object: `make()` returns it in a std::unique_ptr.
template <typename T, typename Make>
flowlens_status guarded_make(T** out, flowlens_error* error, Make&& make) noexcept {
  if (out != nullptr) *out = nullptr;
  return guarded(error, [&] {
    T*& place = need(out, "out");
    place = std::forward<Make>(make)().release();
  });
}

/// Of a struct in any release to come. A larger size is what memory held that nobody has initialised.
constexpr std::size_t kMostOctets = 4'096;

/// Options as this library knows them: what the caller's release did not have is 0, the default.
/// \throws Refused for a size that no release had, and where a later release's member asks for something
/// that this one would pass over.
template <typename Options>
Options read_options(const Options* given, std::size_t oldest_size) {
  Options options{};
  options.struct_size = sizeof(Options);
  if (given == nullptr) return options;
  const std::size_t size = given->struct_size;
  require(size >= oldest_size && size <= kMostOctets,
          "struct_size is none of any release: use the INIT macro");
  std::memcpy(&options, given, std::min(size, sizeof(Options)));
  options.struct_size = sizeof(Options);
  if (size > sizeof(Options)) {
    const auto* octets = reinterpret_cast<const unsigned char*>(given);
    require(std::all_of(octets + sizeof(Options), octets + size,
                        [](unsigned char c) { return c == 0; }),
            "the struct has members that this release does not know");
  }
  return options;
}

/// Writes what the caller's release knows of a struct. The caller's `struct_size` stays.
/// \throws Refused for a size that no release had.
template <typename Struct>
void write_struct(const Struct& value, Struct* out, std::size_t oldest_size) {
  const std::size_t size = need(out, "out").struct_size;
  require(size >= oldest_size,
          "struct_size of an out-parameter is none of any release: use its INIT macro");
  std::memcpy(reinterpret_cast<unsigned char*>(out) + sizeof(std::size_t),
              reinterpret_cast<const unsigned char*>(&value) + sizeof(std::size_t),
              std::min(size, sizeof(Struct)) - sizeof(std::size_t));
}
/// All zeros, as an out-parameter has to be before something may fail. A size that no release had is left alone.
template <typename Struct>
void clear_struct(Struct* out, std::size_t oldest_size) noexcept {
  if (out == nullptr || out->struct_size < oldest_size) return;
  std::memset(reinterpret_cast<unsigned char*>(out) + sizeof(std::size_t), 0,
              std::min(out->struct_size, sizeof(Struct)) - sizeof(std::size_t));
}

/// Octets of a struct up to and with its last member of release 0.1.
#define FLOWLENS_OLDEST(Struct, last) (offsetof(Struct, last) + sizeof(Struct::last))

/// The body of a function that fills in a struct: `fill()` returns it.
template <typename Struct, typename Fill>
flowlens_status guarded_fill(Struct* out, std::size_t oldest_size, flowlens_error* error,
                             Fill&& fill) noexcept {
  clear_struct(out, oldest_size);
  return guarded(error, [&] { write_struct(std::forward<Fill>(fill)(), out, oldest_size); });
}

}  // namespace flowlens::capi
