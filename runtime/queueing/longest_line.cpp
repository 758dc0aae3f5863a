#include "runtime/queueing/longest_line.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <queue>

namespace greenroom::runtime {

std::vector<std::size_t> longest_lines(const trace& traffic,
                                       const std::vector<std::size_t>& concurrency) {
  struct server {
    std::priority_queue<double, std::vector<double>, std::greater<>> busy_until;
    std::deque<double> starts;  // Starts of tasks that may still wait, in order.
  };
  std::vector<server> servers(traffic.specialists.size());
  std::vector<std::size_t> longest(traffic.specialists.size(), 0);
  for (const auto& one : traffic.requests) {
    auto& mine = servers[one.who];
    while (!mine.starts.empty() && mine.starts.front() <= one.time_s) mine.starts.pop_front();
    double start_s = one.time_s;
    if (mine.busy_until.size() >= concurrency[one.who]) {
      start_s = std::max(start_s, mine.busy_until.top());
      mine.busy_until.pop();
    }
    mine.busy_until.push(start_s + one.duration_s);
    if (start_s > one.time_s) mine.starts.push_back(start_s);
    longest[one.who] = std::max(longest[one.who], mine.starts.size());
  }
  return longest;
}

}  // namespace greenroom::runtime
