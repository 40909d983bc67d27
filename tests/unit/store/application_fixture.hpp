/// \file
/// Applications as a book would give them to a store.
#pragma once

#include "flowlens/application_book.hpp"
#include "store_fixture.hpp"

namespace flowlens::test {

inline Id application_id(int n) {
  return derive_id(asset_namespace(), "test application " + std::to_string(n));
}

/// One that was merged into another, a rejected one, and an asset in each.
inline ApplicationChanges merged_applications() {
  ApplicationChanges changes;
  for (int n = 1; n <= 3; ++n) {
    ApplicationEntry& entry = changes.entries.emplace_back();
    entry.id = application_id(n);
    entry.said_by = "anna";
    entry.said_at = at_second(n);
    changes.seats.push_back({asset_id(n), entry.id, entry.id, at_second(n)});
  }
  changes.entries[0].name = "shop";
  changes.entries[0].status = ApplicationStatus::confirmed;
  changes.entries[1].status = ApplicationStatus::merged;
  changes.entries[1].into = changes.entries[0].id;
  changes.entries[2].status = ApplicationStatus::rejected;
  return changes;
}

}  // namespace flowlens::test
