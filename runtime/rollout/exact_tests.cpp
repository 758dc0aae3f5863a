#include "runtime/rollout/exact_tests.hpp"

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

namespace greenroom::runtime::rollout {

namespace {

double log_choose(std::uint64_t n, std::uint64_t k) {
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

// No exceptions: an actor judges with these numbers. Arguments are checked before.
using quiet = boost::math::policies::policy<
    boost::math::policies::domain_error<boost::math::policies::ignore_error>,
    boost::math::policies::pole_error<boost::math::policies::ignore_error>,
    boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
    boost::math::policies::underflow_error<boost::math::policies::ignore_error>,
    boost::math::policies::evaluation_error<boost::math::policies::ignore_error>>;
using binomial = boost::math::binomial_distribution<double, quiet>;

binomial binomial_of(std::uint64_t n, double p) { return {static_cast<double>(n), p}; }

}  // namespace

// Not std::lgamma, which writes a global variable: several actors may judge at once.
double log_factorial(std::uint64_t n) {
  return boost::math::lgamma(static_cast<double>(n) + 1, quiet{});
}

double binomial_at_most(std::uint64_t k, std::uint64_t n, double p) {
  if (k >= n || p <= 0) return 1;
  if (p >= 1) return 0;
  return boost::math::cdf(binomial_of(n, p), static_cast<double>(k));
}

double binomial_at_least(std::uint64_t k, std::uint64_t n, double p) {
  if (k == 0) return 1;
  if (k > n || p <= 0) return 0;
  if (p >= 1) return 1;
  return boost::math::cdf(boost::math::complement(binomial_of(n, p), static_cast<double>(k - 1)));
}

double proportion_lower(std::uint64_t k, std::uint64_t n, double alpha) {
  assert(n > 0 && k <= n);
  if (k == 0) return 0;
  return binomial::find_lower_bound_on_p(static_cast<double>(n), static_cast<double>(k), alpha);
}

// The tails of the next two tests are summed here: Boost's hypergeometric distribution takes counts
// of 32 bits, and Boost has no negative hypergeometric distribution.

double fisher_greater(std::uint64_t canary_errors, std::uint64_t canary_total,
                      std::uint64_t control_errors, std::uint64_t control_total) {
  assert(canary_errors <= canary_total && control_errors <= control_total);
  const auto errors = canary_errors + control_errors;
  const auto total = canary_total + control_total;
  if (canary_errors == 0) return 1;
  const auto last = std::min(errors, canary_total);
  const auto log_term = [&](std::uint64_t k) {
    return log_choose(canary_total, k) + log_choose(control_total, errors - k)
           - log_choose(total, errors);
  };
  const double mode = (static_cast<double>(errors) + 1) * (static_cast<double>(canary_total) + 1)
                      / (static_cast<double>(total) + 2);
  const auto start = std::clamp(static_cast<std::uint64_t>(mode), canary_errors, last);
  const auto up = [&](std::uint64_t k) {  // term(k + 1) / term(k)
    return static_cast<double>(canary_total - k) * static_cast<double>(errors - k)
           / (static_cast<double>(k + 1) * static_cast<double>(control_total + k + 1 - errors));
  };
  const double first = std::exp(log_term(start));
  double sum = first;
  double term = first;
  for (auto k = start; k < last; ++k) {
    term *= up(k);
    sum += term;
    if (term < sum * 1e-18) break;
  }
  term = first;
  for (auto k = start; k > canary_errors; --k) {
    term /= up(k - 1);
    sum += term;
    if (term < sum * 1e-18) break;
  }
  return std::min(sum, 1.0);
}

double exceedance(std::uint64_t above, std::uint64_t canary, std::uint64_t rank,
                  std::uint64_t control) {
  assert(above <= canary && rank >= 1 && rank <= control);
  if (above == 0) return 1;
  const auto log_term = [&](std::uint64_t k) {
    return log_choose(canary - k + rank - 1, rank - 1)
           + log_choose(k + control - rank, control - rank) - log_choose(canary + control, control);
  };
  // The terms have one peak; the sum starts there, so that no significant term is lost.
  const auto up = [&](std::uint64_t k) {
    return static_cast<double>(canary - k) / static_cast<double>(canary - k + rank - 1)
           * static_cast<double>(k + 1 + control - rank) / static_cast<double>(k + 1);
  };
  const double expected = static_cast<double>(canary) * static_cast<double>(control - rank + 1)
                          / static_cast<double>(control + 1);
  const auto start = std::clamp(static_cast<std::uint64_t>(expected), above, canary);
  const double first = std::exp(log_term(start));
  double sum = first;
  double term = first;
  for (auto k = start; k < canary; ++k) {
    const double ratio = up(k);
    term *= ratio;
    sum += term;
    if (ratio < 1 && term < sum * 1e-18) break;
  }
  term = first;
  for (auto k = start; k > above; --k) {
    const double ratio = up(k - 1);
    term /= ratio;
    sum += term;
    if (ratio > 1 && term < sum * 1e-18) break;
  }
  return std::min(sum, 1.0);
}

quantile_bounds bound_quantile(const monitoring::log_histogram& values, double q, double alpha) {
  assert(q > 0 && q < 1);
  quantile_bounds out;
  const auto n = values.count();
  if (n == 0) return out;
  // The lower rank: the greatest r with P(Binomial(n, q) <= r - 1) <= alpha.
  std::uint64_t low = 0;
  std::uint64_t high = n;
  while (low < high) {
    const auto middle = low + (high - low + 1) / 2;
    if (binomial_at_most(middle - 1, n, q) <= alpha) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  if (low >= 1) out.lower = values.bounds_at_rank(low).lower;
  // The upper rank: the least s with P(Binomial(n, q) >= s) <= alpha.
  low = 1;
  high = n + 1;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (binomial_at_least(middle, n, q) <= alpha) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  if (low <= n) out.upper = values.bounds_at_rank(low).upper;
  return out;
}

double alpha_at_look(double alpha, std::uint32_t look) {
  assert(look >= 1);
  const double number = look;
  return alpha * 6 / (std::numbers::pi * std::numbers::pi * number * number);
}

}  // namespace greenroom::runtime::rollout
