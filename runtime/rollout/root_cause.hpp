// Why did it turn bad? Which metric left its band first, for which specialists, and what changed
// before: from what was recorded, ranked, with the evidence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/monitoring/pool_sample.hpp"

namespace greenroom::runtime::rollout {

struct evidence_settings {
  std::size_t points_max = 240;   ///< Of each series: an hour of samples every 15 s.
  std::size_t series_max = 8192;  ///< 500 specialists with 15 metrics, and the pools.
  std::size_t events_max = 512;
};

/// Something that was done or happened: `config`, `percentage`, `deploy`, `tuning`, `worker-crash`,
/// `breaker`, `profile` …
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

/// Bounded: the oldest points and events go, and series beyond the limit are not taken in.
class evidence_recorder {
public:
  explicit evidence_recorder(evidence_settings settings = {});

  /// False when there is no room for another series, or the value is not finite.
  bool add(std::string_view subject, monitoring::metric what, double value, double now_s);
  /// Every metric of the sample that is known.
  void add(std::string_view subject, const monitoring::pool_sample& sample);
  void add(recorded_event event);
  /// Everything of another record that is newer than what is here.
  void merge(const evidence_recorder& other);

  const std::map<series_key, std::deque<point>>& series() const { return series_; }
  const std::deque<recorded_event>& events() const { return events_; }

  std::string encode() const;
  static std::optional<evidence_recorder> decode(std::string_view text, evidence_settings settings,
                                                 std::string& error);

private:
  evidence_settings settings_;
  std::map<series_key, std::deque<point>> series_;
  std::deque<recorded_event> events_;
};

struct analysis_settings {
  double good_from_s = 3600;  ///< Before the rollback: where the time that is compared with begins,
  double good_to_s = 300;     ///< and ends. With too few points there, the first third is taken.
  std::size_t good_points_min = 6;
  std::size_t short_points_min = 3;  ///< Of that first third.
  double deviations = 4;   ///< How many robust standard deviations are still within the band.
  double relative = 0.25;  ///< And at least this share of the median.
  /// So many points in a row are outside: one is chance. Of what the trigger is made of, the last
  /// point alone will do: the trigger says that it is none.
  std::size_t stays_out = 2;
  double lookback_s = 300;     ///< Events before the onset that may have caused it.
  std::size_t events_max = 5;  ///< Of one finding, the nearest.
  double slack_s = 15;         ///< And after it: a sample is late by up to a check interval.
  std::size_t findings_max = 20;
  /// What is allowed by name, whatever was usual: the band of a series that was never good, or not
  /// recorded long enough to know.
  std::map<monitoring::metric, double> allowed;
  /// What the trigger is made of; a finding of these ranks before every other. Empty: all alike.
  std::vector<monitoring::metric> explains;
  double response_floor_ms = 5;  ///< A response time that moved by less is no news.
};

/// A metric of a subject that left its band towards worse, and when.
struct cause_finding {
  std::string subject;
  monitoring::metric what = monitoring::metric::error_rate;
  double onset_s = 0;
  double usual = 0;  ///< The median of the good time.
  double band_low = 0;
  double band_high = 0;
  double worst = 0;                    ///< The furthest out until the rollback.
  double deviation = 0;                ///< |worst − usual| in widths of the band's half.
  bool lasted = false;                 ///< It was still out when everything was rolled back.
  bool explains = false;               ///< The trigger is made of this metric.
  bool by_limit = false;               ///< It was never good: `usual` is what is allowed.
  std::size_t rank = 0;                ///< 1 is the likeliest.
  std::vector<recorded_event> before;  ///< What changed, the nearest first.
  std::string text;
};

struct cause_report {
  std::vector<cause_finding> findings;   ///< Ranked, the likeliest first.
  std::vector<std::string> specialists;  ///< Those whose metrics left their band, in that order.
  std::string summary;                   ///< One paragraph for people.
  std::size_t series_looked_at = 0;
  std::size_t series_without_band = 0;  ///< Too few points in the good time to say anything.
};

/// The band of a series is its median in the good time ± max(deviations · 1.4826 · MAD,
/// relative · |median|, a floor by metric): robust against a few outliers (Hampel, 1974). Ranks
/// what the trigger is made of first, and what lasted until the rollback before what passed; then
/// by onset in steps of one sampling interval, specialists before pools (a pool's metric is the sum
/// of theirs), then by deviation. Deterministic: the same record gives the same report.
cause_report find_causes(const evidence_recorder& record, double rolled_back_at_s,
                         const analysis_settings& settings = {});

}  // namespace greenroom::runtime::rollout
