#include "runtime/simulation/cost_ledger.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {
namespace {

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double rank = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], rank - static_cast<double>(below));
}

}  // namespace

cost_ledger::cost_ledger(const workload& work)
    : tallies_(work.traffic->specialists.size()), horizon_s_(work.horizon_s) {}

void cost_ledger::serve_cold(specialist_index who, double wait_s) {
  ++tallies_[who].requests;
  ++tallies_[who].cold;
  waited_s_ += wait_s;
}

void cost_ledger::serve_delayed(specialist_index who, double wait_s) {
  ++tallies_[who].requests;
  ++delayed_;
  waited_s_ += wait_s;
}

void cost_ledger::charge(specialist_index, double from_s, double to_s, bool prewarmed, bool used) {
  if (from_s >= horizon_s_) return;
  to_s = std::clamp(to_s, from_s, horizon_s_);
  memory_s_ += to_s - from_s;
  starts_.push_back(from_s);
  ends_.push_back(to_s);
  if (prewarmed && used) ++prewarm_hits_;
  if (prewarmed && !used) wasted_s_ += to_s - from_s;
}

simulation_result cost_ledger::close() const {
  simulation_result sum;
  std::vector<double> ratios;
  for (const tally& one : tallies_) {
    if (one.requests == 0) continue;
    sum.requests += one.requests;
    sum.cold += one.cold;
    ratios.push_back(static_cast<double>(one.cold) / static_cast<double>(one.requests));
  }
  const double requests = std::max<double>(1, static_cast<double>(sum.requests));
  sum.cold_ratio = static_cast<double>(sum.cold) / requests;
  sum.cold_ratio_p75 = percentile(std::move(ratios), 0.75);
  sum.delayed_ratio = static_cast<double>(delayed_) / requests;
  sum.wait_s = waited_s_ / requests;
  const double always_s = static_cast<double>(tallies_.size()) * horizon_s_;
  sum.memory_ratio = always_s > 0 ? memory_s_ / always_s : 0;
  sum.loads = starts_.size();
  sum.prewarm_hits = prewarm_hits_;
  sum.prewarm_wasted_s = wasted_s_;

  // A worker that ends when another one starts frees its slot first.
  std::vector<double> starts = starts_;
  std::vector<double> ends = ends_;
  std::sort(starts.begin(), starts.end());
  std::sort(ends.begin(), ends.end());
  std::size_t gone = 0;
  for (std::size_t begun = 0; begun < starts.size(); ++begun) {
    while (gone < ends.size() && ends[gone] <= starts[begun]) ++gone;
    sum.peak_warm = std::max(sum.peak_warm, begun + 1 - std::min(gone, begun));
  }
  return sum;
}

}  // namespace greenroom::runtime
