#include "pipeline/learned_state.hpp"

#include "log.hpp"
#include "pipeline/replace_file.hpp"

namespace flowlensd {

void LearnedState::load() const {
  try {
    const auto state = read_file(file_);
    if (!state) return;
    const Diagnostic d = load_(std::as_bytes(std::span{*state}));
    if (d.code == DiagnosticCode::none) return;
    log::warning(part_,
                 "what was learned is of another release or window length, or damaged: it is "
                 "learned anew",
                 {{"file", file_.string()}, {"problem", to_string(d)}});
  } catch (const IoError& e) {
    log::warning(part_, "what was learned cannot be read: it is learned anew",
                 {{"reason", e.what()}});
  }
}

void LearnedState::save() const {
  try {
    const std::vector<std::byte> state = save_();
    replace_file(file_, {reinterpret_cast<const char*>(state.data()), state.size()});
  } catch (const std::exception& e) {
    log::error(part_, "what was learned could not be saved", {{"reason", e.what()}});
  }
}

}  // namespace flowlensd
