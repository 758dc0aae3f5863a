#include "runtime/rollout/root_cause.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "protocols/base/number.hpp"
#include "runtime/record.hpp"

namespace greenroom::runtime::rollout {

namespace {

using monitoring::metric;

constexpr std::string_view evidence_record = "greenroom-evidence";
constexpr unsigned evidence_record_version = 1;
constexpr std::string_view pool_prefix = "pool:";

/// Smaller changes are ignored whatever the band: 1 % of tasks, one queued task.
double floor_of(metric what, const analysis_settings& settings) {
  switch (what) {
    case metric::memory_mb: return 5;
    case metric::queue_depth: return 2;
    case metric::response_mean_ms:
    case metric::response_p95_ms:
    case metric::response_p99_ms: return settings.response_floor_ms;
    case metric::response_ratio: return 0.25;
    case metric::warm: return 2;
    case metric::error_rate:
    case metric::success_rate: return 0.01;
    default: return 0.05;
  }
}

enum class worse : std::uint8_t { up, down, either };

worse worse_of(metric what) {
  switch (what) {
    case metric::memory_efficiency:
    case metric::success_rate:
    case metric::warm_hit_rate:
    case metric::prediction_accuracy:
    case metric::health: return worse::down;
    case metric::warm: return worse::either;
    default: return worse::up;
  }
}

/// Health and success rate are derived from other metrics, so they are never a cause.
bool derived(metric what) { return what == metric::health || what == metric::success_rate; }

double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

bool outside(metric what, double value, double low, double high) {
  switch (worse_of(what)) {
    case worse::up: return value > high;
    case worse::down: return value < low;
    case worse::either: return value > high || value < low;
  }
  return false;
}

struct good_time {
  std::vector<double> values;
  double until_s = 0;  ///< The onset is searched after this time.
};

good_time good_values(const std::deque<point>& points, double end_s,
                      const analysis_settings& settings) {
  good_time out;
  out.until_s = end_s - settings.good_to_s;
  for (const auto& each : points) {
    if (each.at_s >= end_s - settings.good_from_s && each.at_s <= out.until_s) {
      out.values.push_back(each.value);
    }
  }
  if (out.values.size() >= settings.good_points_min) return out;
  // A short record: its first third is the best reference available.
  out.values.clear();
  const auto third = points.size() / 3;
  for (std::size_t i = 0; i < third; ++i) {
    out.values.push_back(points[i].value);
    out.until_s = points[i].at_s;
  }
  if (out.values.size() < settings.short_points_min) out.values.clear();
  return out;
}

void set_band(cause_finding& out, std::vector<double> good, const analysis_settings& settings) {
  out.usual = median_of(good);
  for (auto& each : good) each = std::abs(each - out.usual);
  // 1.4826 makes the median deviation of a normal distribution its standard deviation.
  const double spread = 1.4826 * median_of(good);
  const double half =
      std::max({settings.deviations * spread, settings.relative * std::abs(out.usual),
                floor_of(out.what, settings)});
  out.band_low = out.usual - half;
  out.band_high = out.usual + half;
}

std::optional<cause_finding> look_at(const series_key& key, const std::deque<point>& points,
                                     double end_s, const analysis_settings& settings,
                                     bool& has_band) {
  auto good = good_values(points, end_s, settings);
  const auto allowed = settings.allowed.find(key.what);
  has_band = !good.values.empty() || allowed != settings.allowed.end();
  if (!has_band) return std::nullopt;
  cause_finding out;
  out.subject = key.subject;
  out.what = key.what;
  if (!good.values.empty()) set_band(out, good.values, settings);
  if (allowed != settings.allowed.end()
      && (good.values.empty() || outside(key.what, out.usual, allowed->second, allowed->second))) {
    out.usual = out.band_low = out.band_high = allowed->second;
    out.by_limit = true;
    good.until_s = end_s - settings.good_from_s;
  }
  const double half = std::max(out.band_high - out.usual, floor_of(key.what, settings));

  out.explains = std::find(settings.explains.begin(), settings.explains.end(), key.what)
                 != settings.explains.end();
  std::size_t in_a_row = 0;
  double first_out_s = 0;
  bool found = false;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto& each = points[i];
    if (each.at_s <= good.until_s || each.at_s > end_s) continue;
    if (!outside(key.what, each.value, out.band_low, out.band_high)) {
      in_a_row = 0;
      out.lasted = false;
      continue;
    }
    if (in_a_row++ == 0) first_out_s = each.at_s;
    const bool is_last = i + 1 == points.size() || points[i + 1].at_s > end_s;
    const bool at_last = out.explains && is_last;
    const bool stays = in_a_row >= settings.stays_out || at_last;
    if (stays && !found) {
      found = true;
      out.onset_s = first_out_s;
      out.worst = each.value;
    }
    out.lasted = stays;
    if (found && std::abs(each.value - out.usual) > std::abs(out.worst - out.usual)) {
      out.worst = each.value;
    }
  }
  if (!found) return std::nullopt;
  out.deviation = std::abs(out.worst - out.usual) / half;
  return out;
}

std::string described(const cause_finding& each, double end_s) {
  char text[96];
  std::snprintf(text, sizeof text, " %.0f s before the rollback", end_s - each.onset_s);
  const auto usual = monitoring::written(each.what, each.usual);
  const auto worst = monitoring::written(each.what, each.worst);
  std::string out = each.subject + ": " + std::string(name_of(each.what))
                    + (each.by_limit ? " was " + worst + ", where " + usual + " is allowed, from"
                                     : " went from " + usual + " to " + worst)
                    + text + (each.lasted ? "" : ", and came back");
  if (!each.before.empty()) {
    const auto& near = each.before.front();
    const double apart = each.onset_s - near.at_s;
    std::snprintf(text, sizeof text, "; %.0f s %s: ", std::abs(apart),
                  apart >= 0 ? "earlier" : "later");
    out += text + near.kind + (near.subject.empty() ? "" : " " + near.subject)
           + (near.text.empty() ? "" : " (" + near.text + ")");
  }
  return out;
}

}  // namespace

evidence_recorder::evidence_recorder(evidence_settings settings) : settings_(settings) {}

bool evidence_recorder::add(std::string_view subject, metric what, double value, double now_s) {
  if (!std::isfinite(value)) return false;
  series_key key{std::string(subject), what};
  auto found = series_.find(key);
  if (found == series_.end()) {
    if (series_.size() >= settings_.series_max) return false;
    found = series_.emplace(std::move(key), std::deque<point>{}).first;
  }
  found->second.push_back({now_s, value});
  if (found->second.size() > settings_.points_max) found->second.pop_front();
  return true;
}

void evidence_recorder::add(std::string_view subject, const monitoring::pool_sample& sample) {
  for (const auto what : monitoring::all_metrics) {
    if (const auto value = value_of(sample, what)) add(subject, what, *value, sample.at_s);
  }
}

void evidence_recorder::add(recorded_event event) {
  events_.push_back(std::move(event));
  if (events_.size() > settings_.events_max) events_.pop_front();
}

void evidence_recorder::merge(const evidence_recorder& other) {
  for (const auto& [key, points] : other.series_) {
    const auto mine = series_.find(key);
    const auto from_s = mine == series_.end() || mine->second.empty()
                            ? -std::numeric_limits<double>::infinity()
                            : mine->second.back().at_s;
    for (const auto& each : points) {
      if (each.at_s > from_s) add(key.subject, key.what, each.value, each.at_s);
    }
  }
  const auto from_s =
      events_.empty() ? -std::numeric_limits<double>::infinity() : events_.back().at_s;
  for (const auto& each : other.events_) {
    if (each.at_s > from_s) add(each);
  }
}

std::string evidence_recorder::encode() const {
  record_writer out{evidence_record, evidence_record_version};
  for (const auto& [key, points] : series_) {
    std::vector<std::string> fields{key.subject, std::string(name_of(key.what))};
    for (const auto& each : points) {
      fields.push_back(base::exact_text(each.at_s));
      fields.push_back(base::exact_text(each.value));
    }
    out.put("series", fields);
  }
  for (const auto& each : events_) {
    out.put("event", std::vector<std::string>{base::exact_text(each.at_s), each.kind, each.subject,
                                              each.text});
  }
  return std::move(out).finish();
}

base::expected<evidence_recorder> evidence_recorder::decode(std::string_view text,
                                                            evidence_settings settings) {
  const auto in = record_reader::open(text, evidence_record, evidence_record_version);
  if (!in) return in.error();
  const base::problem unreadable{"damaged", "greenroom-evidence has a field that cannot be read"};
  evidence_recorder out{settings};
  for (const auto& each : in->fields("series")) {
    if (each.size() < 2 || each.size() % 2 != 0) return unreadable;
    const auto what = monitoring::metric_named(each[1]);
    if (!what) return unreadable;
    for (std::size_t i = 2; i < each.size(); i += 2) {
      const auto at_s = base::parse_finite(each[i]);
      const auto value = base::parse_number<double>(each[i + 1]);
      if (!at_s || !value) return unreadable;
      if (std::isfinite(*value)) out.add(each[0], *what, *value, *at_s);
    }
  }
  for (auto& each : in->fields("event")) {
    const auto at_s = each.size() == 4 ? base::parse_finite(each[0]) : std::nullopt;
    if (!at_s) return unreadable;
    out.add({*at_s, std::move(each[1]), std::move(each[2]), std::move(each[3])});
  }
  return out;
}

namespace {

bool is_about_pool(std::string_view subject) { return subject.starts_with(pool_prefix); }

/// The events that may have caused the finding, nearest first.
std::vector<recorded_event> events_before(const cause_finding& found,
                                          const std::deque<recorded_event>& events,
                                          const analysis_settings& settings) {
  std::vector<recorded_event> result;
  for (const auto& event : events) {
    if (event.at_s < found.onset_s - settings.lookback_s
        || event.at_s > found.onset_s + settings.slack_s) {
      continue;
    }
    const bool concerns = event.subject.empty() || event.subject == found.subject
                          || is_about_pool(event.subject) || is_about_pool(found.subject);
    if (concerns) result.push_back(event);
  }
  std::stable_sort(result.begin(), result.end(),
                   [&](const recorded_event& a, const recorded_event& b) {
                     return std::abs(found.onset_s - a.at_s) < std::abs(found.onset_s - b.at_s);
                   });
  if (result.size() > settings.events_max) result.resize(settings.events_max);
  return result;
}

/// Most likely cause first.
void sort_by_likelihood(std::vector<cause_finding>& findings, const analysis_settings& settings) {
  const auto step = [&](const cause_finding& each) {
    return std::llround(each.onset_s / std::max(1.0, settings.slack_s));
  };
  std::stable_sort(findings.begin(), findings.end(),
                   [&](const cause_finding& a, const cause_finding& b) {
                     if (a.explains != b.explains) return a.explains;
                     if (a.lasted != b.lasted) return a.lasted;
                     if (step(a) != step(b)) return step(a) < step(b);
                     const bool a_pool = is_about_pool(a.subject);
                     const bool b_pool = is_about_pool(b.subject);
                     if (a_pool != b_pool) return b_pool;
                     return a.deviation > b.deviation;
                   });
}

std::vector<std::string> specialists_in(const std::vector<cause_finding>& findings) {
  std::vector<std::string> result;
  for (const auto& each : findings) {
    if (is_about_pool(each.subject)) continue;
    if (std::find(result.begin(), result.end(), each.subject) == result.end())
      result.push_back(each.subject);
  }
  return result;
}

std::string summary_of(const cause_report& report) {
  if (report.findings.empty()) {
    return report.series_looked_at == report.series_without_band
               ? "nothing was recorded long enough before the rollback to compare with"
               : "no metric was outside its usual range before the rollback";
  }
  std::string text = "First, " + report.findings.front().text + ".";
  const auto& names = report.specialists;
  if (names.size() <= 1) return text;
  text += " Specialists affected: " + std::to_string(names.size()) + " (";
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 5); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return text + (names.size() > 5 ? " …)." : ").");
}

}  // namespace

cause_report find_causes(const evidence_recorder& record, double rolled_back_at_s,
                         const analysis_settings& settings) {
  cause_report out;
  for (const auto& [key, points] : record.series()) {
    if (derived(key.what)) continue;
    ++out.series_looked_at;
    bool has_band = false;
    auto found = look_at(key, points, rolled_back_at_s, settings, has_band);
    if (!has_band) ++out.series_without_band;
    if (!found) continue;
    found->before = events_before(*found, record.events(), settings);
    out.findings.push_back(std::move(*found));
  }
  sort_by_likelihood(out.findings, settings);
  out.specialists = specialists_in(out.findings);
  if (out.findings.size() > settings.findings_max) out.findings.resize(settings.findings_max);
  for (std::size_t i = 0; i < out.findings.size(); ++i) {
    out.findings[i].rank = i + 1;
    out.findings[i].text = described(out.findings[i], rolled_back_at_s);
  }
  out.summary = summary_of(out);
  return out;
}

}  // namespace greenroom::runtime::rollout
