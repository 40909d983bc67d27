#include "flowlens/input_merge.hpp"

#include <algorithm>

#include "flowlens/error.hpp"

namespace flowlens {

InputMerge::InputMerge(const std::vector<std::filesystem::path>& paths,
                       CaptureReaderOptions options)
    : taken_(paths.size()) {
  for (const auto& path : paths) {
    sources_.push_back({path, open_input(path, options, paths.size()), {}, {}});
    ++options.observation_point;
  }
  for (std::size_t i = 0; i < sources_.size(); ++i) advance(i);
}

bool InputMerge::comes_later(std::size_t a, std::size_t b) const {
  const Timestamp at_a = time_of(sources_[a].head);
  const Timestamp at_b = time_of(sources_[b].head);
  return at_a != at_b ? at_a > at_b : a > b;
}

void InputMerge::advance(std::size_t source) {
  Source& s = sources_[source];
  try {
    if (!s.reader->next(s.head)) return;
  } catch (const IoError& e) {
    s.problem = e.what();
    return;
  }
  heap_.push_back(source);
  std::push_heap(heap_.begin(), heap_.end(),
                 [this](std::size_t a, std::size_t b) { return comes_later(a, b); });
}

bool InputMerge::next(InputItem& item) {
  if (taken_ < sources_.size()) advance(taken_);
  taken_ = sources_.size();
  if (heap_.empty()) return false;
  std::pop_heap(heap_.begin(), heap_.end(),
                [this](std::size_t a, std::size_t b) { return comes_later(a, b); });
  taken_ = heap_.back();
  heap_.pop_back();
  item = sources_[taken_].head;
  return true;
}

std::vector<InputFile> InputMerge::files() const {
  std::vector<InputFile> out;
  for (const Source& s : sources_) {
    InputFile& file = out.emplace_back();
    file.path = s.path;
    file.problem = s.problem;
    s.reader->describe(file);
  }
  return out;
}

}  // namespace flowlens
