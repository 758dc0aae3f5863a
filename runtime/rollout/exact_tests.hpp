// The statistical tests of a rollout: exact at every sample size, without assumptions about the
// distribution of latencies and without resampling.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/monitoring/log_histogram.hpp"

namespace greenroom::runtime::rollout {

/// log(n!)
double log_factorial(std::uint64_t n);

/// P(X <= k) and P(X >= k) of X ~ Binomial(n, p).
double binomial_at_most(std::uint64_t k, std::uint64_t n, double p);
double binomial_at_least(std::uint64_t k, std::uint64_t n, double p);

/// One-sided lower Clopper–Pearson bound (1934) of a proportion with `k` of `n` observed: above the
/// true value with a probability of at most `alpha`. n > 0.
double proportion_lower(std::uint64_t k, std::uint64_t n, double alpha);

/// Fisher's exact test, one-sided: the probability, under equal error rates, that the canary has at
/// least this many of all errors. 1 when there are no errors.
double fisher_greater(std::uint64_t canary_errors, std::uint64_t canary_total,
                      std::uint64_t control_errors, std::uint64_t control_total);

/// The exceedance (precedence) test: `above` of the `canary` values are greater than the control
/// value of rank `rank` among `control` values. Returns the probability of at least as many under
/// one continuous distribution; conservative under ties. A negative hypergeometric tail
/// (Balakrishnan and Ng, Precedence-Type Tests, 2006, chapter 3). rank in [1, control].
double exceedance(std::uint64_t above, std::uint64_t canary, std::uint64_t rank,
                  std::uint64_t control);

/// Distribution-free bounds of the q-quantile by order statistics, each with a confidence of at
/// least 1 − alpha. Nothing where there are too few values.
struct quantile_bounds {
  std::optional<double> lower;
  std::optional<double> upper;
};
quantile_bounds bound_quantile(const monitoring::log_histogram& values, double q, double alpha);

/// The part of `alpha` for look number `look` (from 1): alpha · 6 / (π² look²). The sum over all
/// looks is alpha, so repeated looks do not turn chance into a verdict.
double alpha_at_look(double alpha, std::uint32_t look);

}  // namespace greenroom::runtime::rollout
