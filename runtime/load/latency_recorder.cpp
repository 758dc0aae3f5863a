#include "runtime/load/latency_recorder.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace greenroom::runtime::load {
namespace {

constexpr unsigned linear_bits = 10;  ///< 2^10 = 1024 values with a bucket each.
constexpr unsigned octave_bits = 9;   ///< 2^9 = 512 buckets in each octave above.

}  // namespace

// Values below 1024 are their own index. A value in [2^e, 2^(e+1)), e ≥ 10, keeps its highest
// octave_bits + 1 bits: the leading bit selects the octave, the others the bucket.
std::size_t latency_recorder::index_of(std::uint64_t value) {
  if (value < linear) return static_cast<std::size_t>(value);
  const auto exponent = static_cast<unsigned>(std::bit_width(value)) - 1;
  const auto bucket = (value >> (exponent - octave_bits)) - buckets_per_octave;
  return linear + (exponent - linear_bits) * buckets_per_octave + static_cast<std::size_t>(bucket);
}

std::uint64_t latency_recorder::middle_of(std::size_t index) {
  if (index < linear) return index;
  const auto octave = (index - linear) / buckets_per_octave;
  const auto bucket = (index - linear) % buckets_per_octave;
  const auto shift = static_cast<unsigned>(octave) + linear_bits - octave_bits;
  const std::uint64_t lower = (bucket + buckets_per_octave) << shift;
  return lower + (std::uint64_t{1} << shift) / 2;
}

void latency_recorder::add(std::int64_t nanoseconds, std::uint64_t times) {
  if (times == 0) return;
  const auto value = std::max<std::int64_t>(nanoseconds, 0);
  const auto at = index_of(static_cast<std::uint64_t>(value));
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
    if (seen >= rank) return std::clamp(static_cast<std::int64_t>(middle_of(at)), min_, max_);
  }
  return max_;
}

}  // namespace greenroom::runtime::load
