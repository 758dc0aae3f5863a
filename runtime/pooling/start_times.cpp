#include "runtime/pooling/start_times.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace greenroom::runtime {
namespace {

constexpr double least_s = 1e-4;
constexpr double member_fade = 0.9;    // About the last ten starts of each.
constexpr double within_fade = 0.995;  // About the last two hundred of all.
// Before any measurement: starts vary by a third, with the weight of ten starts.
constexpr double within_prior = 0.1;
constexpr double within_prior_count = 10;
// A larger factor (about seven) means another worker, not a busy machine.
constexpr double off_most = 4;

}  // namespace

std::size_t start_times::resize(std::size_t specialists) {
  const auto before = members_.size();
  if (specialists > before) members_.resize(specialists);
  return before;
}

double start_times::typical_s() const {
  return specialists_measured_ == 0 ? 0
                                    : std::exp(sum_ / static_cast<double>(specialists_measured_));
}

void start_times::forget(specialist_index who) {
  assert(who < members_.size());
  member& one = members_[who];
  if (one.count <= 0) return;
  --specialists_measured_;
  sum_ -= one.mean;
  squares_ -= one.mean * one.mean;
  reciprocals_ -= 1 / one.count;
  one = {};
}

void start_times::record_start(specialist_index who, double seconds) {
  assert(who < members_.size());
  member& one = members_[who];
  const double taken = std::log(std::max(seconds, least_s));
  if (one.count > 0) {
    sum_ -= one.mean;
    squares_ -= one.mean * one.mean;
    reciprocals_ -= 1 / one.count;
    const double off = taken - one.mean;
    // A start deviates from the mean of n others with (n + 1) ÷ n times the variance.
    within_squares_ =
        within_squares_ * within_fade + std::min(off * off, off_most) * one.count / (one.count + 1);
    within_samples_ = within_samples_ * within_fade + 1;
  } else {
    ++specialists_measured_;
  }
  one.count = one.count * member_fade + 1;
  one.mean += (taken - one.mean) / one.count;
  sum_ += one.mean;
  squares_ += one.mean * one.mean;
  reciprocals_ += 1 / one.count;
}

double start_times::expected_s(specialist_index who, double default_s) const {
  assert(who < members_.size());
  if (specialists_measured_ == 0) return default_s;
  const member& one = members_[who];
  const double centre = sum_ / static_cast<double>(specialists_measured_);
  if (one.count <= 0) return std::exp(centre);
  const double within = (within_squares_ + within_prior * within_prior_count)
                        / (within_samples_ + within_prior_count);
  if (specialists_measured_ < 3)
    return std::exp(one.mean);  // Too few to estimate how much they differ.
  const auto members = static_cast<double>(specialists_measured_);
  // The variance between the means, less the variance due to chance.
  const double between =
      std::max(0.0, squares_ / members - centre * centre - within * reciprocals_ / members);
  const double trust = one.count * between / (one.count * between + within);
  return std::exp(std::lerp(centre, one.mean, trust));
}

}  // namespace greenroom::runtime
