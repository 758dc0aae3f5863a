// Accounts of a simulation: cold starts, waits and memory.
//
// The cost model: one worker per specialist, any concurrency in it, unit memory. Memory is charged
// from the start of a load, for a request or a prewarm, until the worker is cooled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/simulation/trace.hpp"

namespace greenroom::runtime {

struct simulation_result {
  std::size_t requests = 0;
  std::size_t cold = 0;
  double cold_ratio = 0;
  double cold_ratio_p75 = 0;  ///< Over the specialists with requests.
  double delayed_ratio = 0;   ///< Requests that arrived during a load and waited for it.
  double memory_ratio = 0;    ///< Relative to always-warm.
  std::size_t peak_warm = 0;
  double wait_s = 0;  ///< Mean added wait per request.
  std::size_t loads = 0;
  std::size_t prewarm_hits = 0;  ///< Prewarms used before they were cooled.
  double prewarm_wasted_s = 0;   ///< Memory-seconds of prewarms that were never used.
};

class cost_ledger {
public:
  explicit cost_ledger(const workload& work);

  void serve_warm(specialist_index who) { ++tallies_[who].requests; }
  void serve_cold(specialist_index who, double wait_s);
  void serve_delayed(specialist_index who, double wait_s);
  /// A worker was resident from `from_s` (start of its load) to `to_s`.
  void charge(specialist_index who, double from_s, double to_s, bool prewarmed, bool used);

  simulation_result close() const;

private:
  struct tally {
    std::uint32_t requests = 0;
    std::uint32_t cold = 0;
  };
  std::vector<tally> tallies_;
  std::vector<double> starts_;
  std::vector<double> ends_;
  double horizon_s_ = 0;
  double memory_s_ = 0;
  double waited_s_ = 0;
  double wasted_s_ = 0;
  std::size_t delayed_ = 0;
  std::size_t prewarm_hits_ = 0;
};

}  // namespace greenroom::runtime
