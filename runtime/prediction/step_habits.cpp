#include "runtime/prediction/step_habits.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {

namespace {

// An instance is over after the time that only this share of times between steps exceeds.
constexpr double survival_least = 0.005;
// An instance may end for reasons outside the statistics.
constexpr double ends_least = 0.003;

}  // namespace

step_habits::step_habits() {
  // Prior: any time between steps from 1/64 s to days is possible, minutes are the most likely.
  for (std::size_t i = 0; i < gap_classes; ++i) {
    const double from_minute = std::abs(std::log2(std::max(gap_from(i), 1.0 / 64) / 30.0));
    gaps_[i] = 0.2 / (1.0 + 0.25 * from_minute * from_minute);
    gaps_sum_ += gaps_[i];
  }
  sum_gaps();
}

std::size_t step_habits::gap_class(double gap_s) {
  const double place = 2.0 * std::log2(std::clamp(gap_s, 1.0 / 64, 1e6) * 64);
  return std::min<std::size_t>(static_cast<std::size_t>(place), gap_classes - 1);
}

double step_habits::gap_from(std::size_t which) {
  static const std::array<double, gap_classes + 1> edges = [] {
    std::array<double, gap_classes + 1> from{};
    for (std::size_t i = 1; i <= gap_classes; ++i) {
      from[i] = std::exp2(static_cast<double>(i) / 2.0) / 64;
    }
    return from;
  }();
  return edges[which];
}

double step_habits::density(double age_s) const {
  const std::size_t at = gap_class(age_s);
  return gaps_[at] / gaps_sum_ / (gap_from(at + 1) - gap_from(at));
}

double step_habits::survival(double age_s) const {
  const std::size_t at = gap_class(age_s);
  const double inside =
      std::clamp((gap_from(at + 1) - age_s) / (gap_from(at + 1) - gap_from(at)), 0.0, 1.0);
  return longer_[at + 1] + inside * (longer_[at] - longer_[at + 1]);
}

void step_habits::sum_gaps() {
  longer_[gap_classes] = 0;
  for (std::size_t i = gap_classes; i-- > 0;) longer_[i] = longer_[i + 1] + gaps_[i] / gaps_sum_;
  given_up_s_ = gap_from(1);
  for (std::size_t i = 1; i < gap_classes && longer_[i] >= survival_least; ++i) {
    given_up_s_ = gap_from(i + 1);
  }
}

void step_habits::learn_gap(double gap_s, double weight) {
  // Neighbouring classes get a share, since the distribution of times is smooth.
  const std::size_t at = gap_class(gap_s);
  gaps_[at] += 0.5 * weight;
  if (at > 0) gaps_[at - 1] += 0.25 * weight;
  if (at + 1 < gap_classes) gaps_[at + 1] += 0.25 * weight;
  gaps_sum_ += weight;
  if (gaps_sum_ >= 2000) {
    gaps_sum_ = 0;
    for (double& gap : gaps_) gaps_sum_ += gap *= 0.5;
  }
  sum_gaps();
}

void step_habits::follow(double gap_s, std::size_t passed_over, double weight) {
  learn_gap(gap_s, weight);
  regular_ += weight;
  passed_over_ += weight * static_cast<double>(passed_over);
  if (regular_ + passed_over_ < 4000) return;
  regular_ *= 0.5;
  passed_over_ *= 0.5;
}

void step_habits::late(double gap_s, double weight) {
  learn_gap(gap_s, weight);
  late_ += weight;
}

void step_habits::lost(double weight) {
  lost_ += weight;
  if (late_ + lost_ < 1000) return;
  late_ *= 0.5;
  lost_ *= 0.5;
}

void step_habits::broke_off(std::size_t left, double weight) {
  passed_over_ += weight * static_cast<double>(left);
}

step_chances step_habits::chances(std::size_t left, bool owed) const {
  const double passed = missing();
  const double comes_late = late_ / (late_ + lost_);
  const double dropped = passed * (1.0 - comes_late);
  double all_dropped = 1;
  double all_passed = 1;
  for (std::size_t i = 0; i < std::min<std::size_t>(left, 8); ++i) {
    all_dropped *= dropped;
    all_passed *= passed;
  }
  step_chances chance;
  chance.late = owed ? comes_late : 0.0;
  chance.ends = std::max(ends_least, (1.0 - chance.late) * all_dropped);
  chance.goes_on = 1.0 - chance.ends;
  chance.regular =
      left == 0 ? 0.0
                : std::max(0.0, chance.goes_on - chance.late) * (1.0 - passed) / (1.0 - all_passed);
  return chance;
}

void step_habits::save(state_writer& to) const {
  to.put(regular_);
  to.put(passed_over_);
  to.put(late_);
  to.put(lost_);
  for (const double gap : gaps_) to.put(gap);
}

void step_habits::restore(state_reader& from) {
  constexpr double most = 1e15;
  regular_ = from.number_within(1e-3, most);
  passed_over_ = from.number_within(0, most);
  late_ = from.number_within(1e-3, most);
  lost_ = from.number_within(1e-3, most);
  gaps_sum_ = 0;
  for (double& gap : gaps_) gaps_sum_ += gap = from.number_within(1e-300, most);
  if (!from.failed()) sum_gaps();
}

}  // namespace greenroom::runtime
