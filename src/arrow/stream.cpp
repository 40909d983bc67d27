#include "arrow/stream.hpp"

#include <cerrno>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace flowlens::arrow {

namespace {

struct Stream {
  Producer producer;
  bool is_over = false;
  std::string error;
  bool has_error = false;
};

Stream& stream_of(ArrowArrayStream* stream) noexcept {
  return *static_cast<Stream*>(stream->private_data);
}

int remember(Stream& stream, int code, const char* message) noexcept {
  stream.has_error = true;
  try {
    stream.error = message;
  } catch (...) {
    stream.error.clear();
  }
  return code;
}

/// Runs what answers the receiver: no exception may reach it, since it is not C++ perhaps.
template <typename Answer>
int answer(ArrowArrayStream* given, Answer&& with) noexcept {
  Stream& stream = stream_of(given);
  try {
    with(stream);
    stream.has_error = false;
    return 0;
  } catch (const std::bad_alloc&) {
    return remember(stream, ENOMEM, "out of memory");
  } catch (const std::exception& e) {
    return remember(stream, EIO, e.what());
  } catch (...) {
    return remember(stream, EIO, "unknown error");
  }
}

extern "C" {

int flowlens_stream_schema(ArrowArrayStream* given, ArrowSchema* out) {
  return answer(given, [&](Stream& stream) { give(stream.producer.schema(), out); });
}

int flowlens_stream_next(ArrowArrayStream* given, ArrowArray* out) {
  return answer(given, [&](Stream& stream) {
    std::optional<ArrayData> data;
    // Over until told otherwise: after what was thrown there is nothing to go on with.
    if (!std::exchange(stream.is_over, true)) data = stream.producer.next();
    if (!data) {
      *out = ArrowArray{};
      return;
    }
    give(std::move(*data), out);
    stream.is_over = false;
  });
}

const char* flowlens_stream_error(ArrowArrayStream* given) {
  const Stream& stream = stream_of(given);
  return stream.has_error ? stream.error.c_str() : nullptr;
}

void flowlens_stream_release(ArrowArrayStream* given) {
  delete &stream_of(given);
  *given = ArrowArrayStream{};
}

}  // extern "C"

}  // namespace

void give(Producer producer, ArrowArrayStream* out) {
  auto stream = std::make_unique<Stream>();
  stream->producer = std::move(producer);
  *out = ArrowArrayStream{flowlens_stream_schema, flowlens_stream_next, flowlens_stream_error,
                          flowlens_stream_release, stream.release()};
}

}  // namespace flowlens::arrow
