#include "runtime/prediction/collaboration.hpp"

#include <algorithm>

namespace greenroom::runtime {

void collaboration::observe(specialist_index who, std::span<const specialist_index> others) {
  constexpr std::size_t near_max = 4;
  if (who >= rows_.size()) return;
  for (std::size_t i = 0; i < std::min(others.size(), near_max); ++i) {
    if (others[i] == who || others[i] >= rows_.size()) continue;
    rows_[who].observe(others[i], decay_);
    rows_[others[i]].observe(who, decay_);
  }
}

double collaboration::share(specialist_index one, specialist_index other) const {
  return one < rows_.size() ? rows_[one].share(other) : 0;
}

std::span<const specialist_index> collaboration::partners(specialist_index one) const {
  if (one >= rows_.size()) return {};
  return rows_[one].kept();
}

void collaboration::save(state_writer& to) const {
  to.put(static_cast<std::uint64_t>(rows_.size()));
  for (const decayed_shares& row : rows_) row.save(to);
}

void collaboration::restore(state_reader& from) {
  rows_.assign(from.count(1U << 24U, 8), {});
  for (decayed_shares& row : rows_) row.restore(from);
}

}  // namespace greenroom::runtime
