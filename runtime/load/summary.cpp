#include "runtime/load/summary.hpp"

#include "protocols/base/number.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <limits>

namespace greenroom::runtime::load {
namespace {

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

double milliseconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

}  // namespace

void load_summary::count(ending how) {
  switch (how) {
    case ending::completed: ++completed; return;
    case ending::shed: ++shed; return;
    case ending::timed_out: ++timed_out; return;
    case ending::failed: ++failed; return;
    case ending::broken: ++broken; return;
  }
}

std::uint64_t load_summary::ended() const { return completed + shed + timed_out + failed + broken; }
double load_summary::error_rate() const { return share(timed_out + failed + broken, ended()); }
double load_summary::shed_rate() const { return share(shed, ended()); }
double load_summary::cold_rate() const { return share(cold_starts, completed); }
double load_summary::throughput() const {
  return measured_s > 0 ? static_cast<double>(completed) / measured_s : 0;
}

const std::vector<std::string>& threshold_metrics() {
  static const std::vector<std::string> names = {
      "p50_ms",     "p90_ms",    "p95_ms",    "p99_ms",        "p999_ms",    "mean_ms",  "max_ms",
      "error_rate", "shed_rate", "cold_rate", "warm_hit_rate", "throughput", "completed"};
  return names;
}

base::expected<threshold> parse_threshold(std::string_view text) {
  const auto at = text.find_first_of("<>");
  if (at == std::string_view::npos) return base::problem{"comparison", "has neither < nor >"};
  threshold one;
  one.metric = trimmed(text.substr(0, at));
  one.below = text[at] == '<';
  auto rest = text.substr(at + 1);
  if (rest.starts_with('=')) {
    one.or_equal = true;
    rest.remove_prefix(1);
  }
  rest = trimmed(rest);
  const auto limit = base::parse_number<double>(rest);
  const auto& known = threshold_metrics();
  if (!limit) return base::problem{"limit", "has no number as the limit"};
  if (std::find(known.begin(), known.end(), one.metric) == known.end())
    return base::problem{"metric", "names a metric that is not measured: " + one.metric};
  one.limit = *limit;
  return one;
}

std::string to_string(const threshold& one) {
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof digits, one.limit);
  return one.metric + (one.below ? "<" : ">") + (one.or_equal ? "=" : "")
         + std::string(digits, written.ptr);
}

double metric_of(const load_summary& summary, std::string_view metric) {
  const auto at = [&](double q) { return milliseconds(summary.response.quantile(q)); };
  if (metric == "p50_ms") return at(0.5);
  if (metric == "p90_ms") return at(0.9);
  if (metric == "p95_ms") return at(0.95);
  if (metric == "p99_ms") return at(0.99);
  if (metric == "p999_ms") return at(0.999);
  if (metric == "mean_ms") return summary.response.mean() / 1e6;
  if (metric == "max_ms") return milliseconds(summary.response.max());
  if (metric == "error_rate") return summary.error_rate();
  if (metric == "shed_rate") return summary.shed_rate();
  if (metric == "cold_rate") return summary.cold_rate();
  if (metric == "warm_hit_rate") return summary.completed == 0 ? 0 : 1 - summary.cold_rate();
  if (metric == "throughput") return summary.throughput();
  assert(metric == "completed");
  return static_cast<double>(summary.completed);
}

bool meets(const load_summary& summary, const threshold& one) {
  if (one.metric.ends_with("_ms") && summary.completed == 0) return false;
  const double value = metric_of(summary, one.metric);
  if (one.or_equal && value == one.limit) return true;
  return one.below ? value < one.limit : value > one.limit;
}

}  // namespace greenroom::runtime::load
