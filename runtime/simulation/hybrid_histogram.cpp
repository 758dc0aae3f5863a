#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "runtime/simulation/keep_alive.hpp"

namespace greenroom::runtime {
namespace {

constexpr double bin_s = 60;
constexpr std::size_t recent_max = 8;

class hybrid_histogram final : public keep_alive_rule {
public:
  hybrid_histogram(double range_s, double load_s, std::size_t specialists)
      : range_s_(range_s),
        load_s_(load_s),
        bins_(static_cast<std::size_t>(std::max(1.0, std::ceil(range_s / bin_s)))),
        known_(specialists) {}

  void observe_gap(specialist_index who, double gap_s) override {
    record& one = known_[who];
    one.recent[one.seen % recent_max] = gap_s;
    ++one.seen;
    const auto bin = static_cast<std::size_t>(gap_s / bin_s);
    if (gap_s >= range_s_ || bin >= bins_) {
      ++one.outside;
      return;
    }
    if (one.counts.empty()) one.counts.resize(bins_);
    // Sums of counts and squares give the variation in constant time.
    one.squares += 2.0 * one.counts[bin] + 1.0;
    ++one.counts[bin];
    ++one.inside;
  }

  idle_window after_task(specialist_index who, double) override {
    const record& one = known_[who];
    if (one.seen >= 4 && 2 * one.outside > one.seen) return forecast(one);
    if (one.inside == 0 || variation(one) < 2.0) return {0, range_s_};
    const double head_s = 0.9 * bin_s * static_cast<double>(percentile_bin(one, 0.05));
    const double tail_s = 1.1 * bin_s * static_cast<double>(percentile_bin(one, 0.99) + 1);
    return between(head_s, tail_s);
  }

private:
  struct record {
    std::vector<std::uint32_t> counts;
    double squares = 0;
    std::size_t inside = 0;
    std::size_t outside = 0;
    std::size_t seen = 0;
    std::array<double, recent_max> recent{};
  };

  // The load starts early enough to be complete at the head of the window.
  idle_window between(double head_s, double tail_s) const {
    return {std::max(0.0, head_s - load_s_), tail_s};
  }

  idle_window forecast(const record& one) const {
    const std::size_t count = std::min(one.seen, recent_max);
    double sum_s = 0;
    for (std::size_t i = 0; i < count; ++i) sum_s += one.recent[i];
    const double mean_s = sum_s / static_cast<double>(count);
    return between(0.85 * mean_s, 1.15 * mean_s);
  }

  double variation(const record& one) const {
    const auto bins = static_cast<double>(bins_);
    const double mean = static_cast<double>(one.inside) / bins;
    const double variance = one.squares / bins - mean * mean;
    return std::sqrt(std::max(0.0, variance)) / mean;
  }

  static std::size_t percentile_bin(const record& one, double share) {
    const double wanted = share * static_cast<double>(one.inside);
    double below = 0;
    for (std::size_t bin = 0; bin < one.counts.size(); ++bin) {
      below += one.counts[bin];
      if (below >= wanted) return bin;
    }
    return one.counts.size() - 1;
  }

  double range_s_;
  double load_s_;
  std::size_t bins_;
  std::vector<record> known_;
};

}  // namespace

std::unique_ptr<keep_alive_rule> make_hybrid_histogram(double range_s, double load_s,
                                                       std::size_t specialists) {
  return std::make_unique<hybrid_histogram>(range_s, load_s, specialists);
}

}  // namespace greenroom::runtime
