#include "runtime/rollout/line_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "protocols/base/time_text.hpp"
#include "runtime/monitoring/node_status.hpp"
#include "runtime/rollout/formatted.hpp"

namespace greenroom::runtime::rollout {

namespace {

/// The lowest and the highest point of every bucket, in time order.
std::vector<point> thinned(const std::vector<point>& points, std::size_t points_max) {
  if (points.size() <= points_max || points_max < 4) return points;
  std::vector<point> out;
  const std::size_t buckets = points_max / 2;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    const auto from =
        points.begin() + static_cast<std::ptrdiff_t>(bucket * points.size() / buckets);
    const auto to =
        points.begin() + static_cast<std::ptrdiff_t>((bucket + 1) * points.size() / buckets);
    if (from == to) continue;
    auto [low, high] = std::minmax_element(
        from, to, [](const point& a, const point& b) { return a.value < b.value; });
    if (high < low) std::swap(low, high);
    out.push_back(*low);
    if (low != high) out.push_back(*high);
  }
  return out;
}

/// Interval between time labels: a round value that gives four to eight labels.
double time_step(double span_s) {
  for (const double step : {1., 2., 5., 10., 15., 30., 60., 120., 300., 600., 900., 1800., 3600.,
                            7200., 10800., 21600., 43200.})
    if (span_s <= 7 * step) return step;
  return 86400 * std::ceil(span_s / (7 * 86400));
}

constexpr double mark_row = 13;
constexpr std::size_t mark_rows = 3;

/// Places the text of marks: the first row without overlap. Nothing when there is no such row; the
/// line with its title remains.
class label_rows {
public:
  struct label {
    std::size_t row = 0;
    bool before = false;  ///< The text ends at the mark, for lack of room to the right.
  };
  std::optional<label> place(double x, std::string_view text, double right) {
    constexpr double letter = 6.2;  // A little above the mean width at 10 px.
    const auto width = letter * static_cast<double>(text.size()) + 6;
    const bool before = x + width > right;
    for (std::size_t row = 0; row < mark_rows; ++row) {
      if (x - (before ? width : 0) < ends_[row]) continue;
      ends_[row] = before ? x : x + width;
      used_ = std::max(used_, row + 1);
      return label{row, before};
    }
    return std::nullopt;
  }
  std::size_t used() const { return used_; }

private:
  std::array<double, mark_rows> ends_{};
  std::size_t used_ = 0;
};

}  // namespace

double round_up(double value) {
  const double base = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * base >= value * (1 - 1e-12)) return factor * base;
  }
  return 10 * base;
}

std::string escaped_for_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char each : text) {
    switch (each) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default:
        if (static_cast<unsigned char>(each) >= 0x20 || each == '\n' || each == '\t') out += each;
    }
  }
  return out;
}

namespace {

/// Draws one chart. All positions are in the units of the SVG's view box.
class chart_drawing {
public:
  explicit chart_drawing(const line_chart& chart)
      : chart_{chart}, width_{chart.width - left - right} {
    for (const auto& line : chart.lines) {
      for (const auto& each : line.points) {
        first_s_ = std::min(first_s_, each.at_s);
        last_s_ = std::max(last_s_, each.at_s);
        largest_ = std::max(largest_, each.value);
      }
      point_count_ += line.points.size();
    }
  }

  [[nodiscard]] bool is_empty() const { return point_count_ < 2 || last_s_ <= first_s_; }

  [[nodiscard]] std::string heading() const {
    const auto title =
        escaped_for_html(chart_.title + (chart_.unit.empty() ? "" : ", " + chart_.unit));
    return text_of("<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", chart_.width,
                   chart_.height)
           + title + "\"><title>" + title + "</title>"
           + "<text class=\"chart-title\" x=\"0\" y=\"14\">" + title + "</text>";
  }

  [[nodiscard]] std::string no_data() const {
    return text_of("<text class=\"axis\" x=\"%.0f\" y=\"%.0f\">nothing recorded</text></svg>", left,
                   chart_.height / 2.0);
  }

  /// Everything below the heading. @pre not `is_empty`.
  std::string content(std::size_t points_max) {
    // Marks after the last point are shown too.
    for (const auto& each : chart_.marks) last_s_ = std::max(last_s_, each.at_s);
    ceiling_ = largest_ > 0 ? round_up(largest_) : 1;
    place_labels();
    std::string out = value_axis() + time_axis() + marks();
    out += text_of("<text class=\"axis\" text-anchor=\"end\" x=\"%.0f\" y=\"%.0f\">since %s</text>",
                   left + width_, chart_.height - 5.0, base::rfc3339_of_seconds(first_s_).c_str());
    return out + lines_and_legend(points_max);
  }

private:
  static constexpr double left = 64, right = 24, bottom = 44;

  [[nodiscard]] double x(double at_s) const {
    return left + width_ * (at_s - first_s_) / (last_s_ - first_s_);
  }
  [[nodiscard]] double y(double value) const {
    return top_ + height_ * (1 - std::clamp(value / ceiling_, 0.0, 1.0));
  }

  /// The rows of labels decide how much height remains for the curves.
  void place_labels() {
    label_rows rows;
    for (const auto& each : chart_.marks)
      labels_.push_back(each.at_s < first_s_
                            ? std::nullopt
                            : rows.place(x(each.at_s), each.text, left + width_ + right));
    top_ = 28 + mark_row * static_cast<double>(rows.used());
    height_ = chart_.height - top_ - bottom;
  }

  [[nodiscard]] std::string value_axis() const {
    std::string out;
    for (int i = 0; i <= 4; ++i) {
      const double value = ceiling_ * i / 4;
      out += text_of("<line class=\"grid\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>", left,
                     left + width_, y(value), y(value));
      out += text_of("<text class=\"axis\" text-anchor=\"end\" x=\"%.0f\" y=\"%.1f\">%.6g</text>",
                     left - 6, y(value) + 4, value);
    }
    return out;
  }

  [[nodiscard]] std::string time_axis() const {
    const double span = last_s_ - first_s_;
    const bool hours = span > 3 * 3600;
    const bool minutes = span > 180;
    const double unit = hours ? 3600 : (minutes ? 60 : 1);
    const double step = time_step(span);
    std::string out;
    for (int i = 0; i * step <= span; ++i) {
      const double at = i * step;
      out += text_of(
          "<text class=\"axis\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%.3g %s"
          "</text>",
          x(first_s_ + at), top_ + height_ + 16, at / unit, hours ? "h" : (minutes ? "min" : "s"));
    }
    return out;
  }

  [[nodiscard]] std::string marks() const {
    std::string out;
    for (std::size_t i = 0; i < chart_.marks.size(); ++i) {
      const auto& each = chart_.marks[i];
      if (each.at_s < first_s_) continue;
      out += text_of("<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.0f\" y2=\"%.0f\"><title>",
                     x(each.at_s), x(each.at_s), top_, top_ + height_)
             + escaped_for_html(each.text) + "</title></line>";
      if (!labels_[i]) continue;
      const double base = top_ - 4 - mark_row * static_cast<double>(labels_[i]->row);
      out += text_of("<text class=\"mark-text\"%s x=\"%.1f\" y=\"%.1f\">",
                     labels_[i]->before ? " text-anchor=\"end\"" : "",
                     x(each.at_s) + (labels_[i]->before ? -2 : 2), base)
             + escaped_for_html(each.text) + "</text>";
    }
    return out;
  }

  [[nodiscard]] std::string lines_and_legend(std::size_t points_max) const {
    std::string out;
    double legend = left;
    for (std::size_t i = 0; i < chart_.lines.size(); ++i) {
      const auto& line = chart_.lines[i];
      const char* const dashes = line.dashed ? " stroke-dasharray=\"6 4\"" : "";
      out += text_of("<polyline class=\"line l%zu\"%s points=\"", i % 6, dashes);
      for (const auto& each : thinned(line.points, points_max)) {
        if (std::isfinite(each.value)) out += text_of("%.1f,%.1f ", x(each.at_s), y(each.value));
      }
      out += "\"/>";
      out +=
          text_of("<line class=\"line l%zu\"%s x1=\"%.0f\" x2=\"%.0f\" y1=\"%.0f\" y2=\"%.0f\"/>",
                  i % 6, dashes, legend, legend + 18, chart_.height - 9.0, chart_.height - 9.0);
      out +=
          text_of("<text class=\"axis\" x=\"%.0f\" y=\"%.0f\">", legend + 23, chart_.height - 5.0)
          + escaped_for_html(line.name) + "</text>";
      legend += 40 + 7.5 * static_cast<double>(line.name.size());
    }
    return out;
  }

  const line_chart& chart_;
  double width_;
  double first_s_ = std::numeric_limits<double>::infinity();
  double last_s_ = -std::numeric_limits<double>::infinity();
  double largest_ = 0;
  std::size_t point_count_ = 0;
  double ceiling_ = 1;  ///< The value at the top.
  double top_ = 0;
  double height_ = 0;
  std::vector<std::optional<label_rows::label>> labels_;  ///< One for each mark.
};

}  // namespace

std::string svg_of(const line_chart& chart, std::size_t points_max) {
  chart_drawing drawing{chart};
  const auto heading = drawing.heading();
  if (drawing.is_empty()) return heading + drawing.no_data();
  return heading + drawing.content(points_max) + "</svg>";
}

}  // namespace greenroom::runtime::rollout
