// A fixed number of slots, filled on demand: the caches that pools are built on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "runtime/simulation/ledger.hpp"
#include "runtime/simulation/trace.hpp"

namespace greenroom::runtime {

/// Chooses who gives a slot up. Told of every request in order.
class slot_rule {
public:
  /// True when the specialist may go now.
  using idle_test = std::function<bool(specialist_index)>;
  static constexpr specialist_index nobody = static_cast<specialist_index>(-1);

  virtual ~slot_rule() = default;
  /// The request with this position in the trace found its specialist resident.
  virtual void hit(specialist_index who, std::size_t position) = 0;
  /// It did not, and is resident from now on.
  virtual void miss(specialist_index who, std::size_t position) = 0;
  /// Who gives its slot up; `nobody` when none is idle.
  virtual specialist_index evict(const idle_test& idle) = 0;
};

std::unique_ptr<slot_rule> make_lru_slots(const trace& traffic);
/// Least frequently used over all time, ties to the least recently used.
std::unique_ptr<slot_rule> make_lfu_slots(const trace& traffic);
/// FaasCache (Fuerst and Sharma, ASPLOS 2021): clock + frequency × cost ÷ size; the frequency is
/// forgotten on eviction and the clock follows the victims' priority. Cost and size are 1 here.
std::unique_ptr<slot_rule> make_greedy_dual_slots(const trace& traffic);
/// W-TinyLFU (Einziger, Friedman and Manes, ACM ToS 2017): a window of 1 %, a segmented LRU 20/80
/// behind it, admission by frequency; counts are exact and halved every 10,000 accesses.
std::unique_ptr<slot_rule> make_w_tinylfu_slots(std::size_t specialists, std::size_t slots);
/// Belady's MIN: clairvoyant, evicts the one whose next use is the furthest away.
std::unique_ptr<slot_rule> make_belady_slots(const trace& traffic);

/// On a miss evicts idle ones until a slot is free, and exceeds the slots only while all are busy.
simulation_result run_slots(const workload& work, slot_rule& rule, std::size_t slots);

}  // namespace greenroom::runtime
