#include "runtime/monitoring/sample_history.hpp"

#include <algorithm>

namespace greenroom::runtime::monitoring {

void sample_history::add(const pool_sample& sample) {
  history_point point;
  point.at_s = sample.at_s;
  for (const auto what : all_metrics)
    if (const auto value = value_of(sample, what))
      point.values[static_cast<std::size_t>(what)] = static_cast<float>(*value);
  points_.push_back(point);
  if (points_.size() > points_max_) points_.pop_front();
}

std::vector<history_point> sample_history::since(double from_s, std::size_t most) const {
  const auto from = std::ranges::lower_bound(points_, from_s, {}, &history_point::at_s);
  const auto count = static_cast<std::size_t>(points_.end() - from);
  if (count <= most || most == 0) return {from, points_.end()};
  const auto group = (count + most - 1) / most;
  std::vector<history_point> result;
  for (std::size_t at = 0; at < count; at += group) {
    const auto end = std::min(at + group, count);
    history_point mean;
    mean.at_s = from[static_cast<std::ptrdiff_t>(end - 1)].at_s;
    for (std::size_t what = 0; what < mean.values.size(); ++what) {
      double sum = 0;
      std::size_t known = 0;
      for (auto i = at; i < end; ++i)
        if (const auto value = from[static_cast<std::ptrdiff_t>(i)].values[what]) {
          sum += double{*value};
          ++known;
        }
      if (known > 0) mean.values[what] = static_cast<float>(sum / static_cast<double>(known));
    }
    result.push_back(mean);
  }
  return result;
}

metric_summary sample_history::summary(metric what, double from_s) const {
  metric_summary result;
  double sum = 0;
  const auto from = std::ranges::lower_bound(points_, from_s, {}, &history_point::at_s);
  for (auto at = from; at != points_.end(); ++at) {
    const auto known = at->of(what);
    if (!known) continue;
    const auto value = double{*known};
    result.min = result.points == 0 ? value : std::min(result.min, value);
    result.max = result.points == 0 ? value : std::max(result.max, value);
    result.last = value;
    sum += value;
    ++result.points;
  }
  if (result.points > 0) result.mean = sum / static_cast<double>(result.points);
  return result;
}

}  // namespace greenroom::runtime::monitoring
