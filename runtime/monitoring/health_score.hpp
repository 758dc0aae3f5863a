// The health score of a pool, between 0 and 1, with the factor of each measurement.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/monitoring/pool_sample.hpp"

namespace greenroom::runtime::monitoring {

/// score = product over the measurements i of (1 − depth_i · ramp_i), where
/// ramp_i = clamp((x_i − good_i) / (bad_i − good_i), 0, 1).
///
/// | measurement                     | good    | bad      | depth |
/// | error rate                      | 2 %     | 20 %     | 1.0   |
/// | response ÷ baseline's           | 1.5     | 4        | 0.6   |
/// | mean response (no baseline)     | 2000 ms | 10000 ms | 0.6   |
/// | memory use                      | 80 %    | 100 %    | 0.5   |
/// | tasks that wait                 | 5       | 50       | 0.4   |
/// | specialists failed ÷ all        | 0       | 50 %     | 0.6   |
/// | warm hit rate                   | 60 %    | 20 %     | 0.2   |
/// | memory efficiency               | 20 %    | 0 %      | 0.2   |
/// | prediction accuracy             | 50 %    | 10 %     | 0.1   |
///
/// A product and not a mean: a pool in which every task fails has 0 whatever its memory use, and
/// with an error rate of 10 %, where a rollback is due, the score is 0.556, below the 0.60 that
/// also makes a rollback due. An unknown measurement has a factor of 1. `greenroom:health_score` in
/// config/prometheus/recording.yml computes the same from the exported metrics.
struct health_factor {
  std::string name;   ///< `error_rate`
  double value = 0;   ///< The measurement.
  double factor = 1;  ///< Its factor in the score.
};

struct health_report {
  double score = 1;
  std::vector<health_factor> factors;  ///< Every known factor, lowest first.
};

health_report health_score(const pool_sample& sample);

}  // namespace greenroom::runtime::monitoring
