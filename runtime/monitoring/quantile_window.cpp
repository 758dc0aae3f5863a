#include "runtime/monitoring/quantile_window.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace greenroom::runtime::monitoring {

quantile_window::quantile_window(double span_s, std::size_t slices)
    : span_s_(span_s), ring_(slices) {
  assert(span_s > 0 && slices >= 1);
}

std::int64_t quantile_window::number_of(double now_s) const {
  const double width_s = span_s_ / static_cast<double>(ring_.size());
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(now_s / width_s)));
}

bool quantile_window::live(const slice& each, std::int64_t newest) const {
  return each.number >= 0 && each.number <= newest
         && each.number > newest - static_cast<std::int64_t>(ring_.size());
}

bool quantile_window::add(double value, double now_s, std::uint32_t times) {
  if (!std::isfinite(value) || value < 0) return false;
  newest_ = std::max(newest_, number_of(now_s));
  auto& into = ring_[static_cast<std::size_t>(newest_) % ring_.size()];
  if (into.number != newest_) {
    into.number = newest_;
    into.values.clear();
  }
  return into.values.add(value, times);
}

log_histogram quantile_window::merged(double now_s) const {
  const auto newest = std::max(newest_, number_of(now_s));
  log_histogram all;
  for (const auto& each : ring_) {
    if (live(each, newest)) all.merge(each.values);
  }
  return all;
}

quantile_summary quantile_window::summary(double now_s) const {
  const auto all = merged(now_s);
  quantile_summary out;
  out.count = all.count();
  if (out.count == 0) return out;
  out.mean = all.mean();
  out.p50 = all.quantile(0.50);
  out.p95 = all.quantile(0.95);
  out.p99 = all.quantile(0.99);
  out.max = all.max();
  return out;
}

}  // namespace greenroom::runtime::monitoring
