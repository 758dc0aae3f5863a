// A line chart as one self-contained SVG element.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/rollout/root_cause.hpp"

namespace greenroom::runtime::rollout {

struct chart_line {
  std::string name;
  std::vector<point> points;  ///< By time.
  bool dashed = false;
};

struct chart_mark {
  double at_s = 0;
  std::string text;
};

struct line_chart {
  std::string title;
  std::string unit;  ///< "MB", "ms", "%"
  std::vector<chart_line> lines;
  std::vector<chart_mark> marks;  ///< By time; vertical lines at phase changes and rollbacks.
  int width = 720;
  int height = 260;
};

/// The y axis begins at 0 and ends at a round number; the x axis counts minutes or hours from the
/// first point, whose time is written below. A mark has its text beside its line where there is
/// room, and always as the line's title. More points than `points_max` are thinned to the extremes
/// of each bucket, so that peaks remain. With fewer than two points the chart says that there is no
/// data.
std::string svg_of(const line_chart& chart, std::size_t points_max = 600);

/// `&`, `<`, `>` and quotes as entities; control characters dropped.
std::string escaped_for_html(std::string_view text);

/// The smallest of 1, 2, 2.5, 5 × 10^n that is at least `value` > 0.
double round_up(double value);

}  // namespace greenroom::runtime::rollout
