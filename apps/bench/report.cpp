#include "apps/bench/report.hpp"

#include "protocols/base/json_writer.hpp"

#include <algorithm>
#include <cstdio>
#include <span>
#include <utility>

namespace greenroom::bench {

namespace {

constexpr double us = 1e-3;  // Per nanosecond.

std::string number(double value) {
  char text[48];
  std::snprintf(text, sizeof text, value < 1000 ? "%.3f" : "%.0f", value);
  return text;
}

template <class Get>
double median_of(const std::vector<figures>& rounds, Get get) {
  std::vector<double> values;
  values.reserve(rounds.size());
  for (const auto& one : rounds) values.push_back(get(one));
  return median(std::move(values));
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

figures figures_of(const runtime::load::latency_recorder& latencies, double seconds) {
  const auto at = [&](double share) { return static_cast<double>(latencies.quantile(share)) * us; };
  return {seconds > 0 ? static_cast<double>(latencies.count()) / seconds : 0, at(.5), at(.99),
          at(.999)};
}

figures median(const std::vector<figures>& rounds) {
  return {median_of(rounds, [](const figures& one) { return one.tasks_per_s; }),
          median_of(rounds, [](const figures& one) { return one.p50_us; }),
          median_of(rounds, [](const figures& one) { return one.p99_us; }),
          median_of(rounds, [](const figures& one) { return one.p999_us; })};
}

std::string to_json(const result& one) {
  base::json_object text{{"name", one.name}};
  if (!one.wrong.empty()) return text.add("error", one.wrong);
  text.raw("tasks_per_s", number(one.found.tasks_per_s))
      .raw("p50_us", number(one.found.p50_us))
      .raw("p99_us", number(one.found.p99_us))
      .raw("p999_us", number(one.found.p999_us));
  const auto floor = [](const floor_figure& under) {
    base::json_object result{{"name", under.name}};
    result.raw("tasks_per_s", number(under.found.tasks_per_s))
        .raw("p50_us", number(under.found.p50_us))
        .raw("p99_us", number(under.found.p99_us));
    return result;
  };
  if (!one.floors.empty()) {
    text.add("floor", floor(one.floors.front())).raw("ratio", number(one.ratio));
    if (one.floors.size() > 1)
      text.add("other_floors", base::json_array{std::span{one.floors}.subspan(1), floor});
  }
  for (const auto& [key, value] : one.more) text.raw(key, number(value));
  return std::move(text).text();
}

std::string to_text(const result& one) {
  if (!one.wrong.empty()) return one.name + ": " + one.wrong + "\n";
  std::string text;
  const auto line = [&text](const std::string& name, const figures& found) {
    char row[160];
    std::snprintf(row, sizeof row, "%-34s %12.0f %10.1f %10.1f %10.1f\n", name.c_str(),
                  found.tasks_per_s, found.p50_us, found.p99_us, found.p999_us);
    text += row;
  };
  line(one.name, one.found);
  for (const auto& under : one.floors) line("  floor: " + under.name, under.found);
  if (!one.floors.empty()) text += "  ratio " + number(one.ratio) + "\n";
  for (const auto& [key, value] : one.more) text += "  " + key + " " + number(value) + "\n";
  return text;
}

}  // namespace greenroom::bench
