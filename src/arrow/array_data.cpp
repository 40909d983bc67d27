#include "arrow/array_data.hpp"

#include <cstdlib>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

namespace flowlens::arrow {

namespace {

constexpr std::size_t kAlignment = 64;

/// What a given struct holds, behind its `private_data`. Its children are given, too, each with its own: a receiver
/// may take one out and keep it longer than the rest.
template <typename Given>
struct Held {
  std::vector<Given> children;
  std::vector<Given*> child_pointers;
  Given dictionary{};

  Held() = default;
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    for (Given& child : children) release(child);
    release(dictionary);
  }
  /// Makes place first, so that the children keep their addresses.
  void reserve(std::size_t count) {
    children.resize(count);
    for (Given& child : children) child_pointers.push_back(&child);
  }

 private:
  static void release(Given& given) {
    if (given.release != nullptr) given.release(&given);
  }
};

struct HeldArray : Held<ArrowArray> {
  std::vector<Buffer> buffers;
  std::vector<const void*> buffer_pointers;
};

struct HeldSchema : Held<ArrowSchema> {
  std::string format;
  std::string name;
};

template <typename What, typename Given>
void release(Given* given) noexcept {
  delete static_cast<What*>(given->private_data);
  *given = Given{};
}

extern "C" {
void flowlens_release_array(ArrowArray* array) { release<HeldArray>(array); }
void flowlens_release_schema(ArrowSchema* schema) { release<HeldSchema>(schema); }
}

template <typename Data, typename What>
void give_parts(Data& data, What& held) {
  held.reserve(data.children.size());
  for (std::size_t i = 0; i < data.children.size(); ++i) {
    give(std::move(data.children[i]), &held.children[i]);
  }
  if (data.dictionary) give(std::move(*data.dictionary), &held.dictionary);
}

}  // namespace

void Buffer::Free::operator()(std::uint8_t* data) const noexcept { std::free(data); }

Buffer Buffer::room(std::size_t octets) {
  Buffer made;
  const std::size_t whole = (octets / kAlignment + 1) * kAlignment;
  made.data_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(kAlignment, whole)));
  if (!made.data_) throw std::bad_alloc{};
  return made;
}

Buffer Buffer::zeros(std::size_t octets) {
  Buffer made = room(octets);
  std::memset(made.data(), 0, octets);
  return made;
}

Buffer Buffer::of(const void* begin, std::size_t octets) {
  Buffer made = room(octets);
  if (octets != 0) std::memcpy(made.data(), begin, octets);
  return made;
}

void give(ArrayData data, ArrowArray* out) {
  auto held = std::make_unique<HeldArray>();
  give_parts(data, *held);
  held->buffers = std::move(data.buffers);
  for (const Buffer& buffer : held->buffers) held->buffer_pointers.push_back(buffer.data());

  *out = ArrowArray{};
  out->length = data.length;
  out->null_count = data.null_count;
  out->n_buffers = static_cast<std::int64_t>(held->buffers.size());
  out->buffers = held->buffer_pointers.data();
  out->n_children = static_cast<std::int64_t>(held->children.size());
  out->children = held->child_pointers.data();
  out->dictionary = held->dictionary.release != nullptr ? &held->dictionary : nullptr;
  out->release = flowlens_release_array;
  out->private_data = held.release();
}

void give(SchemaData data, ArrowSchema* out) {
  auto held = std::make_unique<HeldSchema>();
  give_parts(data, *held);
  held->format = std::move(data.format);
  held->name = std::move(data.name);

  *out = ArrowSchema{};
  out->format = held->format.c_str();
  out->name = held->name.c_str();
  out->flags = data.nullable ? ARROW_FLAG_NULLABLE : 0;
  out->n_children = static_cast<std::int64_t>(held->children.size());
  out->children = held->child_pointers.data();
  out->dictionary = held->dictionary.release != nullptr ? &held->dictionary : nullptr;
  out->release = flowlens_release_schema;
  out->private_data = held.release();
}

ArrayData TextBuilder::take(Buffer validity, std::int64_t null_count) {
  if (octets_.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw std::length_error("the texts of one batch pass 2 GiB: ask for fewer rows a batch");
  }
  ArrayData data;
  data.length = static_cast<std::int64_t>(ends_.size()) - 1;
  data.null_count = null_count;
  data.buffers.push_back(std::move(validity));
  data.buffers.push_back(Buffer::of(ends_));
  data.buffers.push_back(Buffer::of(octets_));
  return data;
}

ArrayData dictionary_of(const std::string_view* words, std::size_t count) {
  TextBuilder texts;
  for (std::size_t i = 0; i < count; ++i) texts.add(words[i]);
  return texts.take({}, 0);
}

}  // namespace flowlens::arrow
