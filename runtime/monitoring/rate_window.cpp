#include "runtime/monitoring/rate_window.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace greenroom::runtime::monitoring {

rate_window::rate_window(double span_s, std::size_t slices) : span_s_(span_s), ring_(slices) {
  assert(span_s > 0 && slices >= 1);
}

std::optional<double> rate_window::tally::rate() const {
  if (total == 0) return std::nullopt;
  return static_cast<double>(counted) / static_cast<double>(total);
}

std::int64_t rate_window::number_of(double now_s) const {
  const double width_s = span_s_ / static_cast<double>(ring_.size());
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(now_s / width_s)));
}

void rate_window::add(std::uint64_t counted, std::uint64_t total, double now_s) {
  assert(counted <= total);
  newest_ = std::max(newest_, number_of(now_s));
  auto& into = ring_[static_cast<std::size_t>(newest_) % ring_.size()];
  if (into.number != newest_) into = slice{newest_, {}};
  into.events.counted += counted;
  into.events.total += total;
}

rate_window::tally rate_window::at(double now_s) const {
  const auto newest = std::max(newest_, number_of(now_s));
  tally sum;
  for (const auto& each : ring_) {
    if (each.number < 0 || each.number > newest
        || each.number <= newest - static_cast<std::int64_t>(ring_.size())) {
      continue;
    }
    sum.counted += each.events.counted;
    sum.total += each.events.total;
  }
  return sum;
}

}  // namespace greenroom::runtime::monitoring
