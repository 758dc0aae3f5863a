#include "runtime/simulation/comparison.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>

#include "protocols/base/duration.hpp"
#include "runtime/pooling/predictive_policy.hpp"
#include "runtime/simulation/keep_alive.hpp"
#include "runtime/simulation/slots.hpp"
#include "runtime/simulation/warm_policy_run.hpp"

namespace greenroom::runtime {
namespace {

struct known_policy {
  std::string_view name;
  policy_kind kind;
  double default_s;  ///< 0: takes no duration.
};

constexpr known_policy known[] = {
    {"greenroom", policy_kind::greenroom, 0},
    {"ttl", policy_kind::ttl, 600},
    {"hybrid", policy_kind::hybrid, 14400},
    {"lru", policy_kind::lru, 0},
    {"lfu", policy_kind::lfu, 0},
    {"greedy-dual", policy_kind::greedy_dual, 0},
    {"w-tinylfu", policy_kind::w_tinylfu, 0},
    {"belady", policy_kind::belady, 0},
    {"always-warm", policy_kind::always_warm, 0},
    {"just-in-time", policy_kind::just_in_time, 0},
    {"reactive", policy_kind::shortest_gaps, 3600},
};

bool has_slots(policy_kind kind) {
  return kind == policy_kind::lru || kind == policy_kind::lfu || kind == policy_kind::greedy_dual
         || kind == policy_kind::w_tinylfu || kind == policy_kind::belady;
}

bool has_duration(policy_kind kind) {
  return kind == policy_kind::ttl || kind == policy_kind::hybrid
         || kind == policy_kind::shortest_gaps;
}

std::size_t default_slots(const workload& work) {
  const std::size_t count = work.traffic->specialists.size();
  return std::max<std::size_t>(1, (count + 4) / 5);
}

simulation_result run_with_slots(const workload& work, policy_kind kind, std::size_t slots) {
  const trace& traffic = *work.traffic;
  std::unique_ptr<slot_rule> rule;
  switch (kind) {
    case policy_kind::lfu: rule = make_lfu_slots(traffic); break;
    case policy_kind::greedy_dual: rule = make_greedy_dual_slots(traffic); break;
    case policy_kind::w_tinylfu:
      rule = make_w_tinylfu_slots(traffic.specialists.size(), slots);
      break;
    case policy_kind::belady: rule = make_belady_slots(traffic); break;
    default: rule = make_lru_slots(traffic); break;
  }
  return run_slots(work, *rule, slots);
}

simulation_result run_ours(const workload& work, const comparison_settings& settings,
                           double price) {
  predictive_options options;
  warm_policy_run how;
  how.epoch_s = settings.epoch_s;
  how.limits.adaptive = false;
  how.limits.min_residency_s = settings.min_residency_s;
  how.surplus_until_miss = settings.slots > 0;
  how.limits.max_warm = settings.slots > 0 ? settings.slots : work.traffic->specialists.size();
  if (price > 0) {
    options.price = price;
  } else if (settings.slots > 0) {
    options.fill_slots = true;
  } else {
    how.limits.target_memory = settings.target_memory;
  }
  predictive_policy policy(options);
  return run_warm_policy(work, policy, how);
}

std::string short_number(double value) {
  char digits[32];
  const auto end =
      std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 3);
  return {digits, end.ptr};
}

std::string knob_text(policy_kind kind, double knob) {
  if (kind == policy_kind::greenroom) return "price " + short_number(knob);
  if (has_slots(kind)) return std::to_string(static_cast<std::size_t>(knob)) + " slots";
  if (kind == policy_kind::hybrid) return "range " + short_number(knob) + " s";
  return "keep " + short_number(knob) + " s";
}

/// The range of a knob, from least to most memory.
struct knob_range {
  double least = 0;
  double most = 0;
  bool whole = false;
};

knob_range range_of(const workload& work, policy_kind kind) {
  if (kind == policy_kind::greenroom) return {1.0, 1e-8, false};
  if (has_slots(kind)) {
    return {1, static_cast<double>(work.traffic->specialists.size()), true};
  }
  if (kind == policy_kind::hybrid) return {60, std::max(120.0, work.horizon_s), false};
  return {std::max(0.5, work.load_s * 0.05), std::max(1.0, work.horizon_s), false};
}

double between(const knob_range& range, double share) {
  if (range.whole) return std::floor(std::lerp(range.least, range.most, share));
  return std::exp(std::lerp(std::log(range.least), std::log(range.most), share));
}

}  // namespace

std::variant<policy_choice, std::string> parse_policy(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const auto found = std::find_if(std::begin(known), std::end(known),
                                  [name](const known_policy& one) { return one.name == name; });
  if (found == std::end(known)) {
    std::string names;
    for (const known_policy& one : known) {
      names += names.empty() ? "" : ", ";
      names += one.name;
    }
    return "no policy is called '" + std::string(name) + "' — there are " + names;
  }
  policy_choice choice{found->kind, std::string(text), found->default_s};
  if (colon == std::string_view::npos) return choice;
  const auto duration_s = base::parse_seconds(text.substr(colon + 1));
  if (found->default_s == 0) {
    return "'" + std::string(name) + "' takes no duration — write it alone";
  }
  if (!duration_s || *duration_s <= 0) {
    return "'" + std::string(text) + "' has no duration — write it like " + std::string(name)
           + ":600s";
  }
  choice.duration_s = *duration_s;
  return choice;
}

std::vector<std::string> default_policies() {
  return {"greenroom", "ttl:45s",     "ttl:600s",  "hybrid:4h", "lru",
          "lfu",       "greedy-dual", "w-tinylfu", "belady",    "always-warm"};
}

simulation_result simulate(const workload& work, const policy_choice& choice,
                           const comparison_settings& settings, double knob) {
  const double duration_s = knob > 0 ? knob : choice.duration_s;
  switch (choice.kind) {
    case policy_kind::always_warm: return run_keep_alive(work, *make_always_warm());
    case policy_kind::ttl: return run_keep_alive(work, *make_fixed_keep_alive(duration_s));
    case policy_kind::hybrid:
      return run_keep_alive(
          work, *make_hybrid_histogram(duration_s, work.load_s, work.traffic->specialists.size()));
    case policy_kind::just_in_time: return run_keep_alive(work, *make_just_in_time(work.load_s));
    case policy_kind::shortest_gaps: return run_keep_alive(work, *make_shortest_gaps(duration_s));
    case policy_kind::greenroom: return run_ours(work, settings, knob);
    default: break;
  }
  std::size_t slots = settings.slots > 0 ? settings.slots : default_slots(work);
  if (knob > 0) slots = static_cast<std::size_t>(knob);
  return run_with_slots(work, choice.kind, std::max<std::size_t>(1, slots));
}

namespace {

/// Searches the knob's value for the wanted memory. Memory varies about with the root of a price,
/// and less than proportionally with a duration: the first run leads close to the target, then
/// interpolation on logarithms. Halving bounds the number of runs.
class knob_search {
public:
  static constexpr std::size_t steps_max = 24;

  knob_search(const knob_range& range, double memory_ratio)
      : range_{range}, memory_ratio_{memory_ratio} {}

  [[nodiscard]] bool is_open() const { return high_ - low_ > 1e-4; }

  /// The share of the range to try in this step.
  [[nodiscard]] double next_share(std::size_t step) const {
    const double wanted = memory_ratio_ * 0.998;
    if (step % 4 != 3 && low_memory_ > 0 && high_memory_ > low_memory_) {
      return low_
             + (high_ - low_)
                   * std::clamp(
                       std::log(wanted / low_memory_) / std::log(high_memory_ / low_memory_), 0.02,
                       0.98);
    }
    if (step < 6 && !range_.whole && (low_memory_ > 0 || high_memory_ > 0)) {
      const double from = low_memory_ > 0 ? low_ : high_;
      const double memory = low_memory_ > 0 ? low_memory_ : high_memory_;
      const double span = std::abs(std::log(range_.most / range_.least));
      const double stride = 2.4 * std::log(memory_ratio_ / memory) / span;
      return std::clamp(from + stride, low_ + 0.02 * (high_ - low_), high_ - 0.02 * (high_ - low_));
    }
    return 0.5 * (low_ + high_);
  }

  void add(double share, double memory_ratio) {
    if (memory_ratio <= memory_ratio_) {
      low_ = share;
      low_memory_ = memory_ratio;
    } else {
      high_ = share;
      high_memory_ = memory_ratio;
    }
  }

  /// No whole number is left between the bounds.
  [[nodiscard]] bool is_exhausted() const {
    return range_.whole && between(range_, high_) - between(range_, low_) < 1.5;
  }

private:
  knob_range range_;
  double memory_ratio_;
  double low_ = 0;
  double high_ = 1;
  double low_memory_ = 0;   ///< 0: not measured.
  double high_memory_ = 0;  ///< 0: not measured.
};

}  // namespace

tuned_result tune(const workload& work, const policy_choice& choice,
                  const comparison_settings& settings) {
  assert(settings.memory_ratio > 0);
  std::size_t runs = 0;
  const auto run = [&](double knob) {
    if (settings.progress) settings.progress(choice.name, ++runs);
    return simulate(work, choice, settings, knob);
  };
  tuned_result best;
  if (choice.kind == policy_kind::always_warm || choice.kind == policy_kind::just_in_time) {
    best.result = run(0);
    best.reached = best.result.memory_ratio <= settings.memory_ratio;
    return best;
  }
  const knob_range range = range_of(work, choice.kind);
  knob_search search{range, settings.memory_ratio};
  bool found = false;
  for (std::size_t i = 0; i < knob_search::steps_max && search.is_open(); ++i) {
    const double share = search.next_share(i);
    const double knob = between(range, share);
    const simulation_result now = run(knob);
    search.add(share, now.memory_ratio);
    if (now.memory_ratio <= settings.memory_ratio) {
      if (!found || now.memory_ratio >= best.result.memory_ratio) {
        best.result = now;
        best.knob = knob_text(choice.kind, knob);
        found = true;
      }
      if (now.memory_ratio >= settings.memory_ratio * 0.995) break;
    }
    if (search.is_exhausted()) break;
  }
  if (!found) {
    best.result = run(range.least);
    best.knob = knob_text(choice.kind, range.least);
    best.reached = best.result.memory_ratio <= settings.memory_ratio;
  }
  return best;
}

std::vector<simulation_result> sweep(const workload& work, const policy_choice& choice,
                                     const comparison_settings& settings, std::size_t points) {
  std::vector<simulation_result> found;
  if (choice.kind == policy_kind::always_warm || choice.kind == policy_kind::just_in_time) {
    found.push_back(simulate(work, choice, settings));
    return found;
  }
  knob_range range = range_of(work, choice.kind);
  // The ends of a range are trivial: nothing kept, and everything kept.
  if (choice.kind == policy_kind::greenroom) range = {3e-3, 3e-6, false};
  if (has_duration(choice.kind)) range = {60, std::min(86400.0, work.horizon_s), false};
  for (std::size_t i = 0; i < points; ++i) {
    const double share = points > 1 ? static_cast<double>(i) / static_cast<double>(points - 1) : 0;
    const double knob = between(range, share);
    if (settings.progress) settings.progress(choice.name, i + 1);
    found.push_back(simulate(work, choice, settings, knob));
  }
  std::sort(found.begin(), found.end(), [](const simulation_result& a, const simulation_result& b) {
    return a.memory_ratio < b.memory_ratio;
  });
  return found;
}

}  // namespace greenroom::runtime
