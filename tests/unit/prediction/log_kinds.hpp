// Logs of many different kinds, from a seed: for what must hold whatever the log is like.
#pragma once

#include "protocols/base/hash.hpp"
#include "runtime/prediction/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace greenroom::runtime::testing {

enum class log_kind : std::uint8_t {
  last_step,        ///< The next step hangs on the last one.
  last_two,         ///< On the last two.
  last_five,        ///< On the last five.
  loops,            ///< A process with a part that is run again.
  parallel,         ///< Branches in any order.
  slow_drift,       ///< One law gives way to another, from the first case to the last.
  far_memory,       ///< The end hangs on the beginning.
  noise,            ///< Nothing to learn but when a case ends.
  skewed_noise,     ///< Nothing to learn but what is common.
  few_cases,        ///< Sixty cases.
  many_activities,  ///< Three hundred steps to choose from.
  deterministic,    ///< Five fixed sequences.
  same_as_before,   ///< The last step again, four times of five.
  rare_switches,    ///< Two laws; a case changes over now and then.
  heavy_tail,       ///< Lengths between 2 and 150.
  interleaved,      ///< Two fixed sequences at once.
  typed,            ///< The first step decides the law.
  by_the_hour,      ///< Another law every six hours.
  counters,         ///< The second round is as long as the first.
  half_fixed,       ///< Half the cases are fixed sequences.
};
inline constexpr std::size_t log_kinds = 20;

class kind_generator {
public:
  kind_generator(log_kind kind, std::uint64_t seed, std::size_t cases, std::size_t cast)
      : kind_(kind),
        engine_(seed * 7919 + static_cast<std::uint64_t>(kind)),
        seed_(seed),
        cases_(kind == log_kind::few_cases ? 60 : cases),
        cast_(kind == log_kind::many_activities ? 300 : cast) {
    for (auto& steps : fixed_) {
      for (std::size_t i = 0, size = 4 + below(4); i < size; ++i) steps.push_back(below(cast_));
    }
  }

  std::vector<logged_case> log() {
    std::vector<logged_case> cases(cases_);
    for (number_ = 0; number_ < cases_; ++number_) {
      at_s_ = static_cast<double>(number_) * 600 + 1000 * uniform();
      one_ = &cases[number_];
      write_case();
    }
    return cases;
  }

private:
  // Written out, because the library's distributions differ between implementations.
  double uniform() { return static_cast<double>(engine_() >> 11U) * 0x1.0p-53; }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  std::size_t by_rank(std::size_t n, double power) {
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) total += std::pow(static_cast<double>(i + 1), -power);
    double x = uniform() * total;
    for (std::size_t i = 0; i < n; ++i) {
      x -= std::pow(static_cast<double>(i + 1), -power);
      if (x < 0) return i;
    }
    return n - 1;
  }
  void put(std::size_t who) {
    at_s_ += 60 * (0.5 + uniform());
    one_->push_back({at_s_, static_cast<specialist_index>(who)});
  }
  /// The last `order` steps and `salt` as one number.
  std::uint64_t context(std::size_t order, std::uint64_t salt = 0) const {
    std::uint64_t hash = salt;
    for (std::size_t i = 0; i < order; ++i) {
      hash = base::mixed(hash, i < one_->size() ? (*one_)[one_->size() - 1 - i].who : 0xFFFF + i);
    }
    return hash;
  }
  /// One of four successors of a context, the first with probability `first`.
  std::size_t successor(std::uint64_t hash, double first = 0.55) {
    const double u = uniform();
    const double rest = 1 - first;
    const std::uint64_t place = u < first                 ? 0
                                : u < first + rest * 0.55 ? 1
                                : u < first + rest * 0.82 ? 2
                                                          : 3;
    return static_cast<std::size_t>(base::mixed(base::mixed(seed_, hash), place) % cast_);
  }
  void put_shuffled(std::vector<std::size_t> steps) {
    for (std::size_t n = steps.size(); n > 1; --n) std::swap(steps[n - 1], steps[below(n)]);
    for (const std::size_t step : steps) put(step);
  }
  void put_all(const std::vector<std::size_t>& steps) {
    for (const std::size_t step : steps) put(step);
  }
  void follow(std::size_t length, std::size_t order, std::uint64_t salt = 0, double first = 0.55) {
    for (std::size_t i = 0; i < length; ++i) put(successor(context(order, salt), first));
  }

  void write_case() {
    const std::size_t length = 3 + below(10);
    switch (kind_) {
      case log_kind::last_step:
      case log_kind::few_cases:
      case log_kind::many_activities: follow(length, 1); break;
      case log_kind::last_two: follow(length, 2); break;
      case log_kind::last_five: follow(length + 4, 5, 0, 0.75); break;
      case log_kind::loops: write_loops(); break;
      case log_kind::parallel: write_parallel(); break;
      case log_kind::slow_drift: follow(length, 1, below(cases_) < number_ ? 1 : 0); break;
      case log_kind::far_memory: write_far_memory(); break;
      case log_kind::noise:
        for (std::size_t i = 0; i < length; ++i) put(below(cast_));
        break;
      case log_kind::skewed_noise:
        for (std::size_t i = 0; i < length; ++i) put(by_rank(cast_, 1.2));
        break;
      case log_kind::deterministic: put_all(fixed_[below(5)]); break;
      case log_kind::same_as_before: write_same_as_before(length); break;
      case log_kind::rare_switches: write_rare_switches(length); break;
      case log_kind::heavy_tail: write_heavy_tail(); break;
      case log_kind::interleaved: write_interleaved(); break;
      case log_kind::typed: write_typed(length); break;
      case log_kind::by_the_hour:
        follow(length, 1, static_cast<std::uint64_t>(at_s_ / 21600) % 4, 0.6);
        break;
      case log_kind::counters: write_counters(); break;
      case log_kind::half_fixed: write_half_fixed(length); break;
    }
  }
  void write_parallel() {
    put(0);
    put_shuffled({1, 2, 3, 4});
    put(5);
    put_shuffled({6, 7, 0});
  }
  void write_same_as_before(std::size_t length) {
    std::size_t step = below(cast_);
    for (std::size_t i = 0; i < length + 5; ++i, step = uniform() < 0.2 ? below(cast_) : step) {
      put(step);
    }
  }
  void write_rare_switches(std::size_t length) {
    std::uint64_t law = below(2);
    for (std::size_t i = 0; i < length + 8; ++i) {
      if (uniform() < 0.05) law ^= 1U;
      put(successor(context(1, law), 0.85));
    }
  }
  void write_heavy_tail() {
    const double many = 2 / std::pow(uniform() + 1e-9, 0.8);
    for (std::size_t i = 0; i < static_cast<std::size_t>(std::min(many, 150.0)); ++i) {
      put(successor(context(i % 2 + 1), 0.6));
    }
  }
  void write_typed(std::size_t length) {
    const std::size_t type = by_rank(6, 1);
    put(type);
    follow(length, 1, type, 0.6);
  }
  void write_counters() {
    const std::size_t round = 2 + below(4);
    for (std::size_t i = 0; i < 2 * (round + 1); ++i) put((i + 1) % (round + 1) == 0 ? 2 : 1);
    put(3);
  }
  void write_half_fixed(std::size_t length) {
    if (uniform() < 0.5) {
      put_all(fixed_[below(fixed_.size())]);
    } else {
      follow(length, 1);
    }
  }
  void write_loops() {
    put(0);
    while (one_->size() < 40) {
      put(1);
      put(2);
      if (uniform() < 0.3) put(3);
      const double u = uniform();
      if (u >= 0.6) break;
      if (u >= 0.45) put(4);
    }
    put(5);
    if (uniform() < 0.2) put(6);
  }
  void write_far_memory() {
    const std::size_t type = below(4);
    put(type);
    for (std::size_t i = 0, size = 8 + below(3); i < size; ++i) {
      put(4 + (i + (uniform() < 0.15 ? 1 : 0)) % 5);
    }
    put(9 + type);
    put(13 + type);
  }
  void write_interleaved() {
    const auto& a = fixed_[below(fixed_.size())];
    const auto& b = fixed_[below(fixed_.size())];
    for (std::size_t i = 0, k = 0; i < a.size() || k < b.size();) {
      const bool first = k >= b.size() || (i < a.size() && uniform() < 0.5);
      put(first ? a[i++] : b[k++]);
    }
  }

  log_kind kind_;
  std::mt19937_64 engine_;
  std::uint64_t seed_;
  std::size_t cases_;
  std::size_t cast_;
  std::array<std::vector<std::size_t>, 12> fixed_;
  std::size_t number_ = 0;
  double at_s_ = 0;
  logged_case* one_ = nullptr;
};

}  // namespace greenroom::runtime::testing
