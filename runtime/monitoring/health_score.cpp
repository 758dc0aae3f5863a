#include "runtime/monitoring/health_score.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::runtime::monitoring {

namespace {

double factor_of(double value, double good, double bad, double depth) {
  return 1 - depth * std::clamp((value - good) / (bad - good), 0.0, 1.0);
}

}  // namespace

health_report health_score(const pool_sample& sample) {
  health_report out;
  const auto weigh = [&out](const char* name, std::optional<double> value, double good, double bad,
                            double depth) {
    if (!value) return;
    const double factor = factor_of(*value, good, bad, depth);
    out.score *= factor;
    out.factors.push_back({name, *value, factor});
  };
  weigh("error_rate", sample.error_rate, 0.02, 0.20, 1.0);
  if (sample.response_ratio) {
    weigh("response_ratio", sample.response_ratio, 1.5, 4, 0.6);
  } else {
    weigh("response_mean_ms", sample.response_mean_ms, 2000, 10000, 0.6);
  }
  weigh("memory_use", sample.memory_use, 0.80, 1.0, 0.5);
  weigh("queue_depth", sample.queue_depth, 5, 50, 0.4);
  if (sample.specialists > 0) {
    weigh("failed_specialists",
          static_cast<double>(sample.failed) / static_cast<double>(sample.specialists), 0, 0.5,
          0.6);
  }
  weigh("warm_hit_rate", sample.warm_hit_rate, 0.60, 0.20, 0.2);
  weigh("memory_efficiency", sample.memory_efficiency, 0.20, 0.0, 0.2);
  weigh("prediction_accuracy", sample.prediction_accuracy, 0.50, 0.10, 0.1);
  std::stable_sort(out.factors.begin(), out.factors.end(),
                   [](const auto& a, const auto& b) { return a.factor < b.factor; });
  return out;
}

}  // namespace greenroom::runtime::monitoring
