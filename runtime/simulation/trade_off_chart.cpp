#include "runtime/simulation/trade_off_chart.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace greenroom::runtime {
namespace {

constexpr double width = 960;
constexpr double height = 600;
constexpr double left = 80;
constexpr double right = 220;
constexpr double top = 50;
constexpr double bottom = 60;
// A logarithmic axis has no zero: a policy without cold starts is drawn at the bottom.
constexpr double cold_least = 1e-5;
constexpr double memory_least = 1e-4;

// Distinguishable without red against green (Okabe and Ito's palette, plus more colours for eleven
// policies); `greenroom` is drawn thicker.
constexpr std::array<const char*, 12> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                              "#e69f00", "#56b4e9", "#000000", "#8c8c8c",
                                              "#7a3e9d", "#8b5a2b", "#9aa800", "#33415c"};

std::string number(double value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                 std::chars_format::fixed, 1);
  return {digits.data(), end.ptr};
}

std::string percent(double share) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), 100 * share,
                                 std::chars_format::general, 3);
  return std::string(digits.data(), end.ptr) + " %";
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<') {
      safe += "&lt;";
    } else if (c == '>') {
      safe += "&gt;";
    } else if (c == '&') {
      safe += "&amp;";
    } else if (c == '"') {
      safe += "&quot;";
    } else {
      safe += c;
    }
  }
  return safe;
}

struct axis {
  double least = 0;  ///< Base-10 logarithms.
  double most = 0;
  double from = 0;  ///< Pixels.
  double to = 0;

  double at(double value) const {
    return from + (to - from) * (std::log10(value) - least) / (most - least);
  }
};

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">"
         + escaped(text) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const char* colour) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\""
         + number(y2) + "\" stroke=\"" + colour + "\"/>\n";
}

std::string grid(const axis& memory, const axis& cold) {
  std::string out;
  for (int decade = static_cast<int>(memory.least); decade <= static_cast<int>(memory.most);
       ++decade) {
    const double x = memory.at(std::pow(10, decade));
    out += line(x, top, x, height - bottom, "#dddddd");
    out += label(x, height - bottom + 20, "middle", percent(std::pow(10, decade)));
  }
  for (int decade = static_cast<int>(cold.least); decade <= static_cast<int>(cold.most); ++decade) {
    const double y = cold.at(std::pow(10, decade));
    out += line(left, y, width - right, y, "#dddddd");
    out += label(left - 8, y + 4, "end", percent(std::pow(10, decade)));
  }
  return out;
}

}  // namespace

std::string trade_off_chart(const std::string& title, const std::vector<chart_series>& series) {
  double memory_min = 1;
  double cold_min = 1;
  double cold_max = cold_least;
  for (const chart_series& one : series) {
    for (const simulation_result& point : one.points) {
      memory_min = std::min(memory_min, std::max(memory_least, point.memory_ratio));
      cold_min = std::min(cold_min, std::max(cold_least, point.cold_ratio));
      cold_max = std::max(cold_max, point.cold_ratio);
    }
  }
  const axis memory{std::min(-1.0, std::floor(std::log10(memory_min))), 0, left, width - right};
  const double cold_top = std::ceil(std::log10(cold_max));
  const axis cold{std::min(cold_top - 1, std::floor(std::log10(cold_min))), cold_top,
                  height - bottom, top};

  std::string out = R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 )" + number(width) + " "
                    + number(height) + R"(" font-family="sans-serif" font-size="13">)" + "\n"
                    + R"(<rect width="100%" height="100%" fill="white"/>)" + "\n";
  out +=
      R"(<text x=")" + number(left) + R"(" y="28" font-size="17">)" + escaped(title) + "</text>\n";
  out += grid(memory, cold);
  out += label((left + width - right) / 2, height - 15, "middle", "memory, share of always-warm");
  out += "<text transform=\"translate(20," + number((top + height - bottom) / 2)
         + ") rotate(-90)\" text-anchor=\"middle\">cold starts, share of requests</text>\n";

  for (std::size_t i = 0; i < series.size(); ++i) {
    const chart_series& one = series[i];
    const char* colour = colours[i % colours.size()];
    const bool ours = one.name.starts_with("greenroom");
    std::string path;
    std::string dots;
    for (const simulation_result& point : one.points) {
      const double x = memory.at(std::clamp(point.memory_ratio, memory_least, 1.0));
      const double y = cold.at(std::clamp(point.cold_ratio, std::pow(10, cold.least), 1.0));
      path += number(x) + "," + number(y) + " ";
      dots += "<circle cx=\"" + number(x) + "\" cy=\"" + number(y) + "\" r=\""
              + (one.points.size() > 1 ? "2.5" : "5") + "\" fill=\"" + colour + "\"><title>"
              + escaped(one.name) + ": " + percent(point.cold_ratio) + " cold at "
              + percent(point.memory_ratio) + " of memory</title></circle>\n";
    }
    if (one.points.size() > 1) {
      out += R"(<polyline fill="none" stroke=")" + std::string(colour) + R"(" stroke-width=")"
             + (ours ? "3" : "1.5") + R"(" points=")" + path + "\"/>\n";
    }
    out += dots;
    const double y = top + 10 + 20 * static_cast<double>(i);
    out += R"(<rect x=")" + number(width - right + 20) + R"(" y=")" + number(y - 5)
           + R"(" width="18" height=")" + (ours ? "5" : "3") + R"(" fill=")" + colour + "\"/>\n";
    out += label(width - right + 45, y + 2, "start", one.name);
  }
  return out + "</svg>\n";
}

}  // namespace greenroom::runtime
