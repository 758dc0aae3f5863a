#include "runtime/prediction/transition_matrix.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {

namespace {

constexpr double first_s = 1.0 / 16;
// The prior from the whole cast counts as this many times, and this many calls.
constexpr double prior_gaps = 4;
constexpr double prior_calls = 4;

double edge(std::size_t which) {
  return which == 0 ? 0.0 : std::ldexp(first_s, static_cast<int>(which));
}

}  // namespace

transition_matrix::transition_matrix(std::size_t cast, double decay) : rows_(cast), decay_(decay) {
  // Prior: seconds to an hour, uniform over magnitudes.
  for (std::size_t i = 4; i < 16; ++i) all_.gaps[i] = 0.1F;
  all_.gaps_sum = 1.2F;
}

void transition_matrix::add_gap(row& to, std::size_t which, float decay) {
  for (float& gap : to.gaps) gap *= 1.0F - decay;
  to.gaps[which] += 1.0F;
  to.gaps_sum = to.gaps_sum * (1.0F - decay) + 1.0F;
}

void transition_matrix::begin(specialist_index from) {
  if (from >= rows_.size()) return;
  row& mine = rows_[from];
  const auto kept = static_cast<float>(1.0 - decay_);
  mine.calls = mine.calls * kept + 1.0F;
  mine.followed *= kept;
}

void transition_matrix::observe(specialist_index from, specialist_index to, double gap_s) {
  if (from >= rows_.size()) return;
  rows_[from].next.observe(to, decay_);
  rows_[from].followed = std::min(rows_[from].followed + 1.0F, rows_[from].calls);
  const double place = std::log2(std::max(gap_s, first_s) / first_s);
  const std::size_t which = std::min<std::size_t>(static_cast<std::size_t>(place), gap_classes - 1);
  add_gap(rows_[from], which, static_cast<float>(decay_));
  add_gap(all_, which, 0.002F);
}

double transition_matrix::share(specialist_index from, specialist_index to) const {
  return from < rows_.size() ? rows_[from].next.share(to) : 0;
}

std::span<const specialist_index> transition_matrix::successors(specialist_index from) const {
  if (from >= rows_.size()) return {};
  return rows_[from].next.kept();
}

transition_matrix::outlook transition_matrix::next_call(specialist_index from, double age_s,
                                                        double horizon_s, double ends) const {
  const double scale = prior_gaps / static_cast<double>(all_.gaps_sum);
  double all = 1e-6;
  double later = 1e-6;
  double soon = 0;
  for (std::size_t i = 0; i < gap_classes; ++i) {
    double weight = static_cast<double>(all_.gaps[i]) * scale;
    if (from < rows_.size()) weight += static_cast<double>(rows_[from].gaps[i]);
    const double low = edge(i);
    const double high = edge(i + 1);
    const auto beyond = [low, high, weight](double t) {
      return weight * std::clamp((high - t) / (high - low), 0.0, 1.0);
    };
    all += weight;
    later += beyond(age_s);
    soon += beyond(age_s) - beyond(age_s + horizon_s);
  }
  if (ends > 0 && from < rows_.size()) {
    const row& mine = rows_[from];
    ends = 1.0
           - (static_cast<double>(mine.followed) + prior_calls * (1.0 - ends))
                 / (static_cast<double>(mine.calls) + prior_calls);
  }
  // Cases that go on after this silence, against cases that ended.
  const double silent = (1.0 - ends) * later / all + ends;
  outlook found;
  found.goes_on = silent > 0 ? std::clamp((1.0 - ends) * later / all / silent, 0.0, 1.0) : 0.0;
  found.within = found.goes_on * std::clamp(soon / later, 0.0, 1.0);
  return found;
}

void transition_matrix::save(state_writer& to) const {
  const auto put = [&to](const row& one) {
    one.next.save(to);
    for (const float gap : one.gaps) to.put(gap);
    to.put(one.gaps_sum);
    to.put(one.calls);
    to.put(one.followed);
  };
  to.put(static_cast<std::uint64_t>(rows_.size()));
  put(all_);
  for (const row& one : rows_) put(one);
}

void transition_matrix::restore(state_reader& from) {
  const auto take = [&from](row& one) {
    one.next.restore(from);
    for (float& gap : one.gaps) gap = from.small_number_within(0, 1e9F);
    one.gaps_sum = from.small_number_within(0, 1e9F);
    one.calls = from.small_number_within(0, 1e9F);
    one.followed = from.small_number_within(0, one.calls);
  };
  rows_.assign(from.count(1U << 24U, 100), {});
  take(all_);
  if (all_.gaps_sum <= 0) from.fail();
  for (row& one : rows_) take(one);
}

}  // namespace greenroom::runtime
