#include "runtime/load/latency_recorder.hpp"

#include "protocols/base/log_linear.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime::load {
namespace {

using latency_scheme = base::log_linear<9>;  // 512 buckets in each octave.

}  // namespace

void latency_recorder::add(std::int64_t nanoseconds, std::uint64_t times) {
  if (times == 0) return;
  const auto value = std::max<std::int64_t>(nanoseconds, 0);
  const auto at = latency_scheme::index_of(static_cast<std::uint64_t>(value));
  if (at >= counts_.size()) counts_.resize(at + 1);
  counts_[at] += times;
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = std::max(max_, value);
  count_ += times;
  sum_ += static_cast<double>(value) * static_cast<double>(times);
}

void latency_recorder::merge(const latency_recorder& other) {
  if (other.count_ == 0) return;
  if (counts_.size() < other.counts_.size()) counts_.resize(other.counts_.size());
  for (std::size_t at = 0; at < other.counts_.size(); ++at) counts_[at] += other.counts_[at];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  sum_ += other.sum_;
}

double latency_recorder::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::int64_t latency_recorder::quantile(double q) const {
  if (count_ == 0) return 0;
  const auto wanted =
      static_cast<std::uint64_t>(std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_)));
  const auto rank = std::clamp<std::uint64_t>(wanted, 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t at = 0; at < counts_.size(); ++at) {
    seen += counts_[at];
    if (seen >= rank)
      return std::clamp(static_cast<std::int64_t>(latency_scheme::middle_of(at)), min_, max_);
  }
  return max_;
}

}  // namespace greenroom::runtime::load
