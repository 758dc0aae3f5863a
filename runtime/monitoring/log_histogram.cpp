#include "runtime/monitoring/log_histogram.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

namespace greenroom::runtime::monitoring {

namespace {

struct place {
  std::size_t octave = 0;
  std::size_t bucket = 0;
};

/// `frexp` and the products below are exact, so a value never lands in a neighbouring bucket.
place place_of(double value) {
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);  // in [0.5, 1)
  const auto octave = static_cast<std::size_t>(exponent - 1 - log_histogram::octave_min);
  const auto bucket = static_cast<std::size_t>((mantissa * 2 - 1) * 128.0);
  return {octave, bucket};
}

double lower_edge(std::size_t octave, std::size_t bucket) {
  const double base = std::ldexp(1.0, static_cast<int>(octave) + log_histogram::octave_min);
  return base * (1.0 + static_cast<double>(bucket) / 128.0);
}

double width(std::size_t octave) {
  return std::ldexp(1.0, static_cast<int>(octave) + log_histogram::octave_min - 7);
}

void append(std::string& out, double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

/// Takes a number and the character after the number off the text.
template <class T>
std::optional<T> take(std::string_view& text, char stop) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty() || text.front() != stop) return std::nullopt;
  text.remove_prefix(1);
  return value;
}

}  // namespace

std::array<std::uint8_t, log_histogram::octaves> log_histogram::no_slots() {
  std::array<std::uint8_t, octaves> slots{};
  slots.fill(absent);
  return slots;
}

log_histogram::block& log_histogram::block_of(std::size_t octave) {
  if (slot_[octave] == absent) {
    slot_[octave] = static_cast<std::uint8_t>(blocks_.size());
    blocks_.emplace_back();
    blocks_.back().fill(0);
  }
  return blocks_[slot_[octave]];
}

const log_histogram::block* log_histogram::find_block(std::size_t octave) const {
  return slot_[octave] == absent ? nullptr : &blocks_[slot_[octave]];
}

bool log_histogram::add(double value, std::uint32_t times) {
  if (!std::isfinite(value) || value < 0) return false;
  if (times == 0) return true;
  if (value < smallest) {
    below_ += times;
  } else if (value >= largest) {
    above_ += times;
  } else {
    const auto at = place_of(value);
    block_of(at.octave)[at.bucket] += times;
  }
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = count_ == 0 ? value : std::max(max_, value);
  count_ += times;
  sum_ += value * times;
  return true;
}

void log_histogram::merge(const log_histogram& other) {
  if (other.count_ == 0) return;
  for (std::size_t octave = 0; octave < octaves; ++octave) {
    const auto* theirs = other.find_block(octave);
    if (!theirs) continue;
    auto& ours = block_of(octave);
    for (std::size_t i = 0; i < buckets_per_octave; ++i) ours[i] += (*theirs)[i];
  }
  below_ += other.below_;
  above_ += other.above_;
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = count_ == 0 ? other.max_ : std::max(max_, other.max_);
  count_ += other.count_;
  sum_ += other.sum_;
}

void log_histogram::clear() {
  for (auto& each : blocks_) each.fill(0);
  below_ = above_ = count_ = 0;
  sum_ = min_ = max_ = 0;
}

std::optional<double> log_histogram::mean() const {
  if (count_ == 0) return std::nullopt;
  return sum_ / static_cast<double>(count_);
}

log_histogram::interval log_histogram::bounds_at_rank(std::uint64_t rank) const {
  assert(rank >= 1 && rank <= count_);
  // The true value also lies between minimum and maximum.
  const auto within = [this](double lower, double upper) {
    return interval{std::max(lower, min_), std::min(upper, max_)};
  };
  if (rank <= below_) return within(0, smallest);
  auto seen = below_;
  for (std::size_t octave = 0; octave < octaves; ++octave) {
    const auto* counts = find_block(octave);
    if (!counts) continue;
    for (std::size_t i = 0; i < buckets_per_octave; ++i) {
      seen += (*counts)[i];
      if (rank <= seen) {
        const double lower = lower_edge(octave, i);
        return within(lower, lower + width(octave));
      }
    }
  }
  return {std::max(largest, min_), max_};
}

std::optional<double> log_histogram::quantile(double q) const {
  if (count_ == 0) return std::nullopt;
  assert(q >= 0 && q <= 1);
  const double exact = std::ceil(q * static_cast<double>(count_));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(exact), 1, count_);
  if (rank == count_) return max_;
  const auto at = bounds_at_rank(rank);
  if (at.lower >= largest) return max_;
  return (at.lower + at.upper) / 2;
}

std::uint64_t log_histogram::certainly_above(double threshold) const {
  if (count_ == 0 || threshold >= max_) return 0;
  if (threshold < min_) return count_;
  std::uint64_t found = largest > threshold ? above_ : 0;
  for (std::size_t octave = 0; octave < octaves; ++octave) {
    const auto* counts = find_block(octave);
    if (!counts) continue;
    for (std::size_t i = 0; i < buckets_per_octave; ++i) {
      if (lower_edge(octave, i) > threshold) found += (*counts)[i];
    }
  }
  // The maximum is above the threshold, even if its bucket is not entirely above.
  return std::max<std::uint64_t>(found, 1);
}

std::string log_histogram::encode() const {
  std::string out = "h1:";
  append(out, sum_);
  out += ',';
  append(out, min_);
  out += ',';
  append(out, max_);
  out += ',' + std::to_string(below_) + ',' + std::to_string(above_) + ';';
  for (std::size_t octave = 0; octave < octaves; ++octave) {
    const auto* counts = find_block(octave);
    if (!counts) continue;
    for (std::size_t i = 0; i < buckets_per_octave; ++i) {
      if ((*counts)[i] == 0) continue;
      out += std::to_string(octave * buckets_per_octave + i) + '=' + std::to_string((*counts)[i])
             + ',';
    }
  }
  return out + '.';
}

base::expected<log_histogram> log_histogram::decode(std::string_view text) {
  const auto wrong = [](std::string why) { return base::problem{"histogram", std::move(why)}; };
  if (!text.starts_with("h1:")) return wrong("is no histogram");
  text.remove_prefix(3);
  const auto sum = take<double>(text, ',');
  const auto min = take<double>(text, ',');
  const auto max = take<double>(text, ',');
  const auto below = take<std::uint64_t>(text, ',');
  const auto above = take<std::uint64_t>(text, ';');
  if (!sum || !min || !max || !below || !above) return wrong("has a head that cannot be read");
  if (!std::isfinite(*sum) || !std::isfinite(*min) || !std::isfinite(*max) || *min < 0
      || *max < *min) {
    return wrong("has values out of range");
  }
  // Larger counts are damage, and their sums could overflow.
  constexpr std::uint64_t most = std::uint64_t{1} << 53;
  if (*below > most || *above > most) return wrong("has counts out of range");
  log_histogram out;
  out.sum_ = *sum;
  out.min_ = *min;
  out.max_ = *max;
  out.below_ = *below;
  out.above_ = *above;
  out.count_ = *below + *above;
  while (!text.empty() && text.front() != '.') {
    const auto at = take<std::size_t>(text, '=');
    const auto times = at ? take<std::uint32_t>(text, ',') : std::nullopt;
    if (!times || *at >= octaves * buckets_per_octave)
      return wrong("has a bucket that cannot be read");
    auto& bucket = out.block_of(*at / buckets_per_octave)[*at % buckets_per_octave];
    if (bucket != 0) return wrong("has a bucket twice");
    bucket = *times;
    out.count_ += *times;
  }
  if (text != ".") return wrong("is cut off");
  return out;
}

bool log_histogram::operator==(const log_histogram& other) const {
  if (count_ != other.count_ || sum_ != other.sum_ || min_ != other.min_ || max_ != other.max_
      || below_ != other.below_ || above_ != other.above_) {
    return false;
  }
  static const block empty{};
  for (std::size_t octave = 0; octave < octaves; ++octave) {
    const auto* ours = find_block(octave);
    const auto* theirs = other.find_block(octave);
    if ((ours ? *ours : empty) != (theirs ? *theirs : empty)) return false;
  }
  return true;
}

}  // namespace greenroom::runtime::monitoring
