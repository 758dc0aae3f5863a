// Logs of cases with a known law, from a seed, for tests of what foresees their next steps.
#pragma once

#include "protocols/base/hash.hpp"
#include "runtime/prediction/evaluation.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace greenroom::runtime::testing {

enum class law : std::uint8_t {
  markov_1,         ///< The next step hangs on the last one alone.
  order_3,          ///< It hangs on the last three.
  noisy_workflows,  ///< Twelve workflows; each step is replaced at random with 20 %.
  drift,            ///< Markov, with another matrix in each of six periods; shuffled cases.
  habits,           ///< Few, long cases; each repeats its own favourites.
  random_choice,    ///< Nothing to learn but shares.
};

inline std::vector<logged_case> generated_log(law which, std::size_t cases, std::size_t cast,
                                              std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  // Written out, because the library's distributions differ between implementations.
  const auto uniform = [&engine] { return static_cast<double>(engine() >> 11U) * 0x1.0p-53; };
  const auto below = [&engine](std::size_t n) { return static_cast<std::size_t>(engine() % n); };
  const auto favourite = [&](std::uint64_t context) {
    // A fixed law: each context has four likely successors with shares .55 .25 .12 .08.
    const double u = uniform();
    const std::uint64_t place = u < 0.55 ? 0 : u < 0.80 ? 1 : u < 0.92 ? 2 : 3;
    return static_cast<specialist_index>(base::mixed(base::mixed(seed, context), place) % cast);
  };
  std::vector<std::vector<specialist_index>> workflows(12);
  for (auto& steps : workflows) {
    for (std::size_t i = 0; i < 4 + below(3); ++i) {
      steps.push_back(static_cast<specialist_index>(below(cast)));
    }
  }
  std::vector<logged_case> log(cases);
  for (std::size_t n = 0; n < cases; ++n) {
    logged_case& one = log[n];
    double at_s = static_cast<double>(n) * 600 + 1000 * uniform();
    if (which == law::noisy_workflows) {
      for (const specialist_index step : workflows[below(workflows.size())]) {
        at_s += 30 + 60 * uniform();
        one.push_back({at_s, uniform() < 0.2 ? static_cast<specialist_index>(below(cast)) : step});
      }
      continue;
    }
    const std::size_t length = (which == law::habits ? 30 : 3) + below(10);
    const std::uint64_t period = which == law::drift ? n * 6 / cases : 0;
    for (std::size_t i = 0; i < length; ++i) {
      const std::uint64_t a = i > 0 ? one[i - 1].who : 0xFFFF;
      const std::uint64_t b = i > 1 ? one[i - 2].who : 0xFFFF;
      const std::uint64_t c = i > 2 ? one[i - 3].who : 0xFFFF;
      std::uint64_t context = base::mixed(period, a);
      if (which == law::order_3) context = base::mixed(base::mixed(context, b), c);
      if (which == law::habits) context = base::mixed(0, uniform() < 0.9 ? n + (1U << 20U) : a);
      if (which == law::random_choice) context = 0;
      at_s += 30 + 60 * uniform();
      one.push_back({at_s, favourite(context)});
    }
  }
  if (which == law::drift) {
    // As on a real help desk, the order of the cases in the file is not that of their time.
    for (std::size_t n = cases; n > 1; --n) std::swap(log[n - 1], log[below(n)]);
  }
  return log;
}

}  // namespace greenroom::runtime::testing
