#include "runtime/chaos/answer_book.hpp"

namespace greenroom::runtime::chaos {

answer_book::ticket answer_book::open() {
  entries_.emplace_back();
  return entries_.size() - 1;
}

void answer_book::accepted(ticket which) {
  auto& one = entries_[which];
  if (one.accepted) return;
  one.accepted = true;
  ++accepted_;
}

void answer_book::refused(ticket which) {
  auto& one = entries_[which];
  one.refused = true;
  ++refused_;
  if (one.answered) ++doubled_;
}

bool answer_book::answered(ticket which) {
  auto& one = entries_[which];
  if (one.answered || one.refused) {
    ++doubled_;
    return false;
  }
  one.answered = true;
  ++answered_;
  return true;
}

std::uint64_t answer_book::pending() const {
  std::uint64_t result = 0;
  for (const auto& one : entries_)
    if (one.accepted && !one.answered) ++result;
  return result;
}

ledger_bounds judge(const ledger_reading& seen) {
  ledger_bounds result;
  const auto less = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; };
  // Lower bound of the tasks accepted before the reading and not ended after it.
  const auto surely = less(seen.accepted_before, seen.ended_after);
  result.lost = less(surely, seen.alive);
  const auto possibly = less(seen.accepted_after, seen.ended_before);
  result.surplus = less(seen.alive, possibly);
  return result;
}

}  // namespace greenroom::runtime::chaos
