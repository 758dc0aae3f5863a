// The statistics that a rollout is judged by: exact at every sample size, with no assumption about
// the shape of latencies and no resampling.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/monitoring/log_histogram.hpp"

namespace greenroom::runtime::rollout {

/// log(n!), exact sums up to 255, Stirling's series (relative error under 1e-15) beyond.
double log_factorial(std::uint64_t n);

/// P(X <= k) and P(X >= k) of X ~ Binomial(n, p).
double binomial_at_most(std::uint64_t k, std::uint64_t n, double p);
double binomial_at_least(std::uint64_t k, std::uint64_t n, double p);

/// Clopper and Pearson's (1934) lower bound of a proportion of which `k` of `n` were seen: it is
/// above the truth with a probability of at most `alpha`. n > 0.
double proportion_lower(std::uint64_t k, std::uint64_t n, double alpha);

/// Fisher's exact test, one-sided: the probability, were both failing alike, that the canary has at
/// least so many of all the errors. With no error anywhere it is 1.
double fisher_greater(std::uint64_t canary_errors, std::uint64_t canary_total,
                      std::uint64_t control_errors, std::uint64_t control_total);

/// The exceedance (precedence) test: `above` of the `canary` values were greater than the control
/// value of rank `rank` among `control` values. The probability of at least so many, were both
/// drawn from one continuous distribution; conservative under ties. It is a negative hypergeometric
/// tail (Balakrishnan and Ng, Precedence-Type Tests, 2006, chapter 3). rank in [1, control].
double exceedance(std::uint64_t above, std::uint64_t canary, std::uint64_t rank,
                  std::uint64_t control);

/// Bounds of the q-quantile of whatever distribution the values came from, by order statistics:
/// each holds with a confidence of at least 1 − alpha. Nothing where so few values bound nothing.
struct quantile_bounds {
  std::optional<double> lower;
  std::optional<double> upper;
};
quantile_bounds bound_quantile(const monitoring::log_histogram& values, double q, double alpha);

/// What of `alpha` the look number `look` (from 1) may spend: alpha · 6 / (π² look²). The sum over
/// all looks is alpha, so looking again and again does not turn chance into a verdict.
double alpha_at_look(double alpha, std::uint32_t look);

}  // namespace greenroom::runtime::rollout
