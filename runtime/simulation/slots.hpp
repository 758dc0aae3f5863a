// A fixed number of slots filled on demand: cache policies.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "runtime/simulation/cost_ledger.hpp"
#include "runtime/simulation/trace.hpp"

namespace greenroom::runtime {

/// Chooses the specialist to evict. Receives every request in order.
class slot_rule {
public:
  /// True when the specialist can be evicted now.
  using idle_test = std::function<bool(specialist_index)>;
  static constexpr specialist_index nobody = static_cast<specialist_index>(-1);

  virtual ~slot_rule() = default;
  /// The specialist of the request at this position in the trace was resident.
  virtual void hit(specialist_index who, std::size_t position) = 0;
  /// The specialist was not resident, and is from now on.
  virtual void miss(specialist_index who, std::size_t position) = 0;
  /// Returns the specialist to evict; `nobody` when none is idle.
  virtual specialist_index evict(const idle_test& idle) = 0;
};

std::unique_ptr<slot_rule> make_lru_slots(const trace& traffic);
/// Least frequently used over all time; ties go to the least recently used.
std::unique_ptr<slot_rule> make_lfu_slots(const trace& traffic);
/// FaasCache (Fuerst and Sharma, ASPLOS 2021): clock + frequency × cost ÷ size; an eviction resets
/// the frequency and sets the clock to the victim's priority. Cost and size are 1 here.
std::unique_ptr<slot_rule> make_greedy_dual_slots(const trace& traffic);
/// W-TinyLFU (Einziger, Friedman and Manes, ACM ToS 2017): a window of 1 %, then a segmented LRU
/// 20/80, admission by frequency; counts are exact and halved every 10,000 accesses.
std::unique_ptr<slot_rule> make_w_tinylfu_slots(std::size_t specialists, std::size_t slots);
/// Belady's MIN: clairvoyant, evicts the specialist with the latest next use.
std::unique_ptr<slot_rule> make_belady_slots(const trace& traffic);

/// On a miss evicts idle specialists until a slot is free; exceeds the slots only while all are
/// busy.
simulation_result run_slots(const workload& work, slot_rule& rule, std::size_t slots);

}  // namespace greenroom::runtime
