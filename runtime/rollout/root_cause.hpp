// Finds the causes of a rollback from recorded metrics: which metric left its band first, for which
// specialists, and what changed before; ranked, with evidence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/base/expected.hpp"
#include "runtime/monitoring/pool_sample.hpp"

namespace greenroom::runtime::rollout {

struct evidence_settings {
  std::size_t points_max = 240;   ///< Per series: an hour of samples every 15 s.
  std::size_t series_max = 8192;  ///< 500 specialists with 15 metrics, and the pools.
  std::size_t events_max = 512;
};

/// A recorded event: `config`, `percentage`, `deploy`, `tuning`, `worker-crash`, `breaker`,
/// `profile` …
struct recorded_event {
  double at_s = 0;
  std::string kind;
  std::string subject;  ///< A specialist, a pool, or empty for the node.
  std::string text;
};

struct series_key {
  std::string subject;  ///< A specialist, or `pool:intelligent`.
  monitoring::metric what = monitoring::metric::error_rate;
  auto operator<=>(const series_key&) const =
      default;  // NOLINT(modernize-use-nullptr): taken for 0
};

struct point {
  double at_s = 0;
  double value = 0;
};

/// Bounded: the oldest points and events are dropped, and series beyond the limit are refused.
class evidence_recorder {
public:
  explicit evidence_recorder(evidence_settings settings = {});

  /// False when there is no room for another series, or the value is not finite.
  bool add(std::string_view subject, monitoring::metric what, double value, double now_s);
  /// Adds every known metric of the sample.
  void add(std::string_view subject, const monitoring::pool_sample& sample);
  void add(recorded_event event);
  /// Adds everything from another record that is newer than this record.
  void merge(const evidence_recorder& other);

  const std::map<series_key, std::deque<point>>& series() const { return series_; }
  const std::deque<recorded_event>& events() const { return events_; }

  std::string encode() const;
  static base::expected<evidence_recorder> decode(std::string_view text,
                                                  evidence_settings settings);

private:
  evidence_settings settings_;
  std::map<series_key, std::deque<point>> series_;
  std::deque<recorded_event> events_;
};

struct analysis_settings {
  double good_from_s = 3600;  ///< Start of the reference time, before the rollback,
  double good_to_s = 300;     ///< and its end. With too few points: the first third.
  std::size_t good_points_min = 6;
  std::size_t short_points_min = 3;  ///< In that first third.
  double deviations = 4;             ///< Half width of the band in robust standard deviations.
  double relative = 0.25;            ///< And at least this share of the median.
  /// Consecutive points that must be outside: one may be chance. For a metric of the trigger the
  /// last point alone is enough, because the trigger confirms it.
  std::size_t stays_out = 2;
  double lookback_s = 300;     ///< How long before the onset an event may be a cause.
  std::size_t events_max = 5;  ///< Per finding, the nearest.
  double slack_s = 15;         ///< And how long after: a sample is late by up to a check interval.
  std::size_t findings_max = 20;
  /// Configured limits, used as the band of a series that was never good or was recorded too
  /// briefly.
  std::map<monitoring::metric, double> allowed;
  /// The metrics behind the trigger; their findings rank first. Empty: no preference.
  std::vector<monitoring::metric> explains;
  double response_floor_ms = 5;  ///< Smaller changes of a response time are ignored.
};

/// A metric of a subject that left its band for the worse.
struct cause_finding {
  std::string subject;
  monitoring::metric what = monitoring::metric::error_rate;
  double onset_s = 0;
  double usual = 0;  ///< The median of the reference time.
  double band_low = 0;
  double band_high = 0;
  double worst = 0;                    ///< The value furthest outside before the rollback.
  double deviation = 0;                ///< |worst − usual| in half widths of the band.
  bool lasted = false;                 ///< Still outside at the rollback.
  bool explains = false;               ///< The metric is one of the trigger's.
  bool by_limit = false;               ///< Never good: `usual` is the configured limit.
  std::size_t rank = 0;                ///< 1 is the most likely cause.
  std::vector<recorded_event> before;  ///< Events before the onset, nearest first.
  std::string text;
};

struct cause_report {
  std::vector<cause_finding> findings;   ///< Ranked, most likely first.
  std::vector<std::string> specialists;  ///< Specialists with a finding, in that order.
  std::string summary;                   ///< One paragraph for operators.
  std::size_t series_looked_at = 0;
  std::size_t series_without_band = 0;  ///< Too few points in the reference time.
};

/// The band of a series is its median in the reference time ± max(deviations · 1.4826 · MAD,
/// relative · |median|, a floor per metric): robust against a few outliers (Hampel, 1974). Ranks
/// the trigger's metrics first, then findings that lasted until the rollback, then by onset in
/// steps of one sampling interval, then specialists before pools (a pool's metric is the sum over
/// its specialists), then by deviation. Deterministic: the same record gives the same report.
cause_report find_causes(const evidence_recorder& record, double rolled_back_at_s,
                         const analysis_settings& settings = {});

}  // namespace greenroom::runtime::rollout
