#include "guarded.hpp"

#include <exception>
#include <new>

#include "flowlens/error.hpp"

namespace flowlens::capi {

void copy_text(std::string_view text, char* to, std::size_t size) noexcept {
  if (size == 0) return;
  std::size_t length = std::min(text.size(), size - 1);
  // Not within a character: octets 10xxxxxx go on with the one before.
  while (length > 0 && length < text.size() && (text[length] & 0xc0) == 0x80) --length;
  if (length != 0) std::memcpy(to, text.data(), length);
  to[length] = '\0';
}

flowlens_status report(flowlens_error* error, flowlens_status status, std::string_view message,
                       std::uint32_t column) noexcept {
  if (error != nullptr) {
    error->status = status;
    error->column = column;
    copy_text(message, error->message);
  }
  return status;
}

flowlens_status report_exception(flowlens_error* error) noexcept {
  try {
    throw;
  } catch (const Refused& refused) {
    return report(error, refused.status, refused.message, refused.column);
  } catch (const ConfigError& e) {
    return report(error, FLOWLENS_INVALID_ARGUMENT, e.what());
  } catch (const IoError& e) {
    return report(error, FLOWLENS_IO_ERROR, e.what());
  } catch (const std::bad_alloc&) {
    return report(error, FLOWLENS_OUT_OF_MEMORY, "out of memory");
  } catch (const std::length_error&) {
    return report(error, FLOWLENS_OUT_OF_MEMORY, "more than memory can hold");
  } catch (const std::exception& e) {
    return report(error, FLOWLENS_INTERNAL, e.what());
  } catch (...) {
    return report(error, FLOWLENS_INTERNAL, "unknown exception");
  }
}

}  // namespace flowlens::capi
