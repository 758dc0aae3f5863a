// Learns online how far to trust each source, for all specialists together and for each one.
//
// The call rate is a product of the sources, each to the power of its trust (a log-linear pool of
// experts: Genest and Zidek, Statistical Science 1986), fitted by stochastic gradient on the
// Poisson likelihood with AdaGrad steps (Duchi, Hazan and Singer, JMLR 2011). A specialist's trust
// is the fleet's trust plus a correction, which starts at 0 and so is shrunk towards the fleet's
// trust while little is known. The result is calibrated by the ratio of observed to expected
// visits, and by a table of how idle times end (`gap_table`).
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/pooling/call_rate_signals.hpp"

namespace greenroom::runtime {

class call_rate_mixture {
public:
  call_rate_mixture();

  /// One specialist's corrections, and its expected and observed visits.
  struct own_trust {
    std::array<float, signal_count> weight{};
    std::array<float, signal_count> squares{};
    std::array<float, signal_count> slope{};  ///< Gathered, not yet applied.
    float error = 0;                          ///< The sum of the gathered errors.
    float foreseen = 0;
    float came = 0;
  };

  struct estimate {
    double raw = 0;   ///< The pool of the sources, visits per second.
    double rate = 0;  ///< Calibrated.
  };
  estimate read(const own_trust& own, const signal_values& values) const;
  /// The part of the rate that sessions under way add to the pool.
  static double promised_beside(const signal_values& values);

  /// The estimate held for `lasted_s`, then a visit came or not. `focus_rate` is the call rate at
  /// which decisions are made: far above it the worker stays warm in any case, so errors there
  /// count for less.
  void learn(own_trust& own, const signal_values& values, double raw, double lasted_s, bool came,
             double focus_rate);

  double trust(const own_trust& own, signal which) const;

  struct memory {
    std::array<double, signal_count> weight{};
    std::array<double, signal_count> squares{};
  };
  const memory& remembered() const { return m_; }
  void remember(const memory& kept) { m_ = kept; }
  const gap_table& gaps() const { return gaps_; }
  void remember(gap_table kept) { gaps_ = std::move(kept); }

private:
  void apply(own_trust& own);

  memory m_;
  gap_table gaps_;
};

}  // namespace greenroom::runtime
