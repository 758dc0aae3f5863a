#include "runtime/chaos/verdict.hpp"

#include <algorithm>
#include <cstdio>

namespace greenroom::runtime::chaos {
namespace {

std::string with(const char* form, double a, double b) {
  char text[200];
  std::snprintf(text, sizeof text, form, a, b);
  return text;
}

}  // namespace

double outcome::success() const {
  return asked == 0 ? 0 : static_cast<double>(completed) / static_cast<double>(asked);
}

double outcome::recovered() const {
  return faults == 0 ? 1 : static_cast<double>(recovery.count) / static_cast<double>(faults);
}

std::vector<std::string> misses(const outcome& came, const bounds& wanted) {
  std::vector<std::string> result;
  const auto unless = [&](bool good, std::string what) {
    if (!good) result.push_back(std::move(what));
  };
  unless(came.faults > 0, "no fault was carried out, so nothing was shown");
  unless(came.asked > 0, "no task was sent, so nothing was shown");
  const double mean_most =
      std::max(wanted.mean_recovery_s, wanted.mean_recovery_starts * came.start_s);
  unless(came.recovery.mean <= mean_most,
         with("mean recovery took %.3f s, at most %.3f s wanted", came.recovery.mean, mean_most));
  unless(came.recovery.max <= wanted.max_recovery_s,
         with("the longest recovery took %.3f s, at most %.3f s wanted", came.recovery.max,
              wanted.max_recovery_s));
  unless(came.recovered() >= wanted.recovered,
         with("%.1f %% of the faults were recovered from, %.1f %% wanted", came.recovered() * 100,
              wanted.recovered * 100));
  if (came.asked > 0)
    unless(came.success() >= wanted.success, with("%.2f %% of the tasks succeeded, %.2f %% wanted",
                                                  came.success() * 100, wanted.success * 100));
  unless(came.lost <= wanted.lost,
         with("%.0f tasks were lost, at most %.0f wanted", static_cast<double>(came.lost),
              static_cast<double>(wanted.lost)));
  unless(came.doubled == 0,
         with("%.0f tasks were answered twice, %.0f wanted", static_cast<double>(came.doubled), 0));
  unless(came.pending == 0, with("%.0f tasks were still pending at the end, %.0f wanted",
                                 static_cast<double>(came.pending), 0));
  unless(came.always_balanced, "accepted was not always answered plus pending");
  unless(came.over_budget_s <= wanted.over_budget_s,
         with("memory was above its budget for %.1f s at a stretch, at most %.1f s wanted",
              came.over_budget_s, wanted.over_budget_s));
  return result;
}

}  // namespace greenroom::runtime::chaos
