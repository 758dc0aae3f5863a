// Which source to trust: learnt online, for all specialists together and for each one.
//
// The intensity is a product of the sources, each to the power of its trust (a log-linear pool of
// experts: Genest and Zidek, Statistical Science 1986), fitted by stochastic gradient on the
// Poisson likelihood with AdaGrad steps (Duchi, Hazan and Singer, JMLR 2011). A specialist's trust
// is the fleet's and a correction of its own, which starts at 0 and so is shrunk towards the
// fleet's while little is known. What remains is calibrated by its count of visits against the
// count that was foreseen, and by a table of how idle times end (`gap_table`).
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/pooling/intensity_signals.hpp"

namespace greenroom::runtime {

class intensity_mixture {
public:
  intensity_mixture();

  /// One specialist's own corrections, and what was foreseen of it.
  struct own_trust {
    std::array<float, signals> weight{};
    std::array<float, signals> squares{};
    std::array<float, signals> slope{};  ///< Gathered, and not applied yet.
    float error = 0;                     ///< The sum of the errors behind it.
    float foreseen = 0;
    float came = 0;
  };

  struct estimate {
    double raw = 0;   ///< What the sources say, visits per second.
    double rate = 0;  ///< Calibrated.
  };
  estimate read(const own_trust& own, const signal_values& said) const;
  /// The part of that rate which sessions under way promise beside what the sources say.
  static double promised_beside(const signal_values& said);

  /// What was said held for `lasted_s`, and then a visit came or not. `focus_rate` is the
  /// intensity where decisions are made: far above it the worker stays in any case, so errors
  /// there count for less.
  void learn(own_trust& own, const signal_values& said, double raw, double lasted_s, bool came,
             double focus_rate);

  double trust(const own_trust& own, signal which) const;

  struct memory {
    std::array<double, signals> weight{};
    std::array<double, signals> squares{};
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
