#include "apps/demo/stage.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace greenroom::apps {
namespace {

/// Lines per phase when stdout is not a terminal.
constexpr int lines_per_phase = 6;
constexpr std::size_t cell_gap = 3;

std::string mark_of(worker_state state) {
  switch (state) {
    case worker_state::busy: return paint("●", colour::blue);
    case worker_state::warm: return paint("●", colour::green);
    case worker_state::warming: return paint("◐", colour::yellow);
    case worker_state::cooling: return paint("◌", colour::yellow);
    case worker_state::failed: return paint("✗", colour::red);
    case worker_state::cold: return paint("·", colour::grey);
  }
  return "?";
}

std::string clock_of(double day_s) {
  const auto minutes = static_cast<int>(day_s / 60);
  char text[16];
  std::snprintf(text, sizeof text, "%02d:%02d", minutes / 60 % 24, minutes % 60);
  return text;
}

double hit_rate(const phase_progress& now) {
  return now.completed == 0
             ? 0
             : 1 - static_cast<double>(now.cold_starts) / static_cast<double>(now.completed);
}

struct row {
  std::string name;
  std::string marks;
  std::size_t members = 0;
};

std::vector<row> departments_of(const std::vector<specialist_view>& specialists) {
  std::vector<row> rows;
  for (const auto& one : specialists) {
    auto found = std::find_if(rows.begin(), rows.end(),
                              [&](const row& each) { return each.name == one.department; });
    if (found == rows.end()) found = rows.insert(rows.end(), row{one.department, {}, 0});
    found->marks += mark_of(one.state);
    ++found->members;
  }
  return rows;
}

/// As many departments side by side as fit the terminal. Large departments are not wrapped; they
/// widen the columns.
std::vector<std::string> map_of(const std::vector<specialist_view>& specialists) {
  const auto rows = departments_of(specialists);
  std::size_t name_width = 0;
  std::size_t most = 0;
  for (const auto& one : rows) {
    name_width = std::max(name_width, width_of(one.name));
    most = std::max(most, one.members);
  }
  const auto cell = name_width + 1 + most + cell_gap;
  const auto across = std::max<std::size_t>(1, terminal_width() / std::max<std::size_t>(cell, 1));
  const auto down = (rows.size() + across - 1) / across;
  std::vector<std::string> lines(down);
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const auto& one = rows[at];
    lines[at % down] += paint(one.name, colour::grey)
                        + std::string(name_width - width_of(one.name) + 1, ' ') + one.marks
                        + std::string(most - one.members + cell_gap, ' ');
  }
  return lines;
}

}  // namespace

void stage::say(const std::string& what) {
  if (silent_ || what == last_said_) return;
  last_said_ = what;
  if (is_terminal()) block_.draw({paint(title_, colour::bold), what});
}

void stage::show(const phase_progress& now) {
  if (silent_) return;
  const auto figures = grouped(now.completed) + " tasks, " + fixed(now.rate, 0) + "/s   warm hits "
                       + fixed(hit_rate(now) * 100, 1) + " %   p50 " + fixed(now.p50_ms, 1)
                       + "  p95 " + fixed(now.p95_ms, 1) + " ms";
  const auto workers = std::to_string(now.workers_up) + " workers, " + fixed(now.memory_mb, 0)
                       + " MB PSS   shed " + grouped(now.shed);
  if (!is_terminal()) {
    if (now.share * lines_per_phase < lines_said_) return;
    ++lines_said_;
    std::printf("  %s  %s   %s\n", clock_of(now.day_s).c_str(), figures.c_str(), workers.c_str());
    std::fflush(stdout);
    return;
  }
  constexpr std::size_t bar_width = 40;
  std::string bar;
  const auto full = static_cast<std::size_t>(now.share * static_cast<double>(bar_width));
  for (std::size_t at = 0; at < bar_width; ++at) bar += at < full ? "█" : "░";
  std::vector<std::string> lines{paint(title_, colour::bold), bar + "  " + clock_of(now.day_s),
                                 figures, workers, ""};
  if (now.specialists != nullptr)
    for (auto& line : map_of(*now.specialists)) lines.push_back(std::move(line));
  block_.draw(lines);
}

void stage::finish() { block_.clear(); }

}  // namespace greenroom::apps
