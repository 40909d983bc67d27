#include "aggregate/doubtful_rows.hpp"

namespace flowlens::aggregate {

void DoubtfulRows::add(const ServiceKey& other, const DependencyKey& row) {
  const std::uint32_t known = by_end_.find(other);
  if (known != by_end_.kNone) {
    for (std::uint32_t i = by_end_[known].value; i != kNone; i = doubts_[i].next) {
      if (doubts_[i].row == row) return;
    }
  }
  std::uint32_t position = static_cast<std::uint32_t>(doubts_.size());
  if (doubts_.size() < max_rows_) {
    doubts_.emplace_back();
  } else {
    position = oldest_;
    oldest_ = oldest_ + 1 < doubts_.size() ? oldest_ + 1 : 0;
    if (doubts_[position].alive) remove(position);
  }
  const auto [end, is_new] = by_end_.insert(other);
  if (end == by_end_.kNone) return;
  doubts_[position] = {other, row, is_new ? kNone : by_end_[end].value, true};
  by_end_[end].value = position;
  ++size_;
}

void DoubtfulRows::take(const ServiceKey& other, std::vector<DependencyKey>& out) {
  const std::uint32_t end = by_end_.find(other);
  if (end == by_end_.kNone) return;
  for (std::uint32_t i = by_end_[end].value; i != kNone; i = doubts_[i].next) {
    out.push_back(doubts_[i].row);
    doubts_[i].alive = false;
    --size_;
  }
  by_end_.erase(end);
}

void DoubtfulRows::remove(std::uint32_t position) {
  const std::uint32_t end = by_end_.find(doubts_[position].other);
  std::uint32_t* link = &by_end_[end].value;
  while (*link != position) link = &doubts_[*link].next;
  *link = doubts_[position].next;
  doubts_[position].alive = false;
  --size_;
  if (by_end_[end].value == kNone) by_end_.erase(end);
}

}  // namespace flowlens::aggregate
