#include "runtime/prediction/alike_counts.hpp"

#include <algorithm>

namespace greenroom::runtime {

namespace {

// Bounds of the gamma distribution's shape, which is the weight of the mean in counts.
constexpr double shape_least = 1.0;
constexpr double shape_most = 100.0;
constexpr double mean_least = 1e-9;

}  // namespace

alike_counts::alike_counts(std::size_t many, double each)
    : counts_(many, each),
      sum_(each * static_cast<double>(many)),
      squares_(each * each * static_cast<double>(many)) {}

void alike_counts::grow(std::size_t many) {
  if (many > counts_.size()) counts_.resize(many, 0);
}

void alike_counts::add(std::size_t which, double amount) {
  const double before = counts_[which];
  const double after = before + amount;
  counts_[which] = after;
  sum_ += after - before;
  squares_ += after * after - before * before;
}

void alike_counts::divide(double by) {
  for (double& count : counts_) count /= by;
  sum_ /= by;
  squares_ /= by * by;
}

double alike_counts::expect(std::size_t which, double unit) const {
  const auto many = static_cast<double>(counts_.size());
  const double mean = std::max(mean_least, sum_ / unit / many);
  // With equal expectations the counts alone have a variance equal to their mean.
  const double spread = squares_ / unit / unit / many - mean * mean - mean;
  const double shape = std::clamp(mean * mean / std::max(1e-9, spread), shape_least, shape_most);
  return (at(which) / unit + shape) / (1.0 + shape / mean);
}

void alike_counts::save(state_writer& to, double unit) const {
  for (std::size_t i = 0; i < counts_.size(); ++i) to.put(at(i) / unit);
}

void alike_counts::restore(state_reader& from) {
  constexpr double most = 1e15;
  sum_ = 0;
  squares_ = 0;
  for (double& count : counts_) {
    count = from.number_within(0, most);
    sum_ += count;
    squares_ += count * count;
  }
}

}  // namespace greenroom::runtime
