#include "store/term.hpp"

#include "flowlens/store.hpp"

namespace flowlens::store {
namespace {

[[noreturn]] void refuse(Epoch epoch, const Term& term, Epoch newest, const std::string& what) {
  throw StaleEpochError("store: epoch " + std::to_string(epoch.value) + " of " + term.where +
                        " is over, epoch " + std::to_string(newest.value) +
                        " has begun: another process " + what + " now");
}

}  // namespace

void check_revision(const Term& term, Epoch newest, const Revision& revision) {
  if (term.epoch != newest || revision.epoch < term.epoch) {
    refuse(revision.epoch, term, newest, "writes this map");
  }
  if (revision.epoch == term.epoch && revision.number >= term.first_revision) return;
  throw ConfigError("store: revision " + std::to_string(revision.number) + " of epoch " +
                    std::to_string(revision.epoch.value) +
                    " does not follow on what open() gave: epoch " +
                    std::to_string(term.epoch.value) + ", revision " +
                    std::to_string(term.first_revision) + " or later");
}

void check_resumed(const Term& term, Epoch newest) {
  if (term.epoch == newest) return;
  throw StaleEpochError("store: epoch " + std::to_string(term.epoch.value) + " cannot go on in " +
                        term.where + ", where the newest is " + std::to_string(newest.value));
}

void check_epoch(const Term& term, Epoch newest, const char* what) {
  if (term.epoch == newest) return;
  refuse(term.epoch, term, newest, std::string{"keeps "} + what + " of this map");
}

}  // namespace flowlens::store
