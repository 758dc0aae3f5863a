// Which specialist holds a slot, and how many slots and how much memory are taken.
#pragma once

#include "runtime/pooling/warm_policy.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace greenroom::runtime {

/// One specialist's part of the warm budget. A slot is held from its grant until the process has
/// ended.
struct slot_holding {
  bool held = false;
  /// A slot is promised, which another specialist still holds; the policy sees a worker that warms.
  bool reserved = false;
  bool recalled = false;         ///< The department was asked to give the slot up.
  bool prewarmed = false;        ///< Started for no task yet.
  bool started = false;          ///< The department has reported a start since the grant.
  bool cool_when_idle = false;   ///< Cooled by hand while it had tasks.
  bool warm_when_ended = false;  ///< Warmed by hand while its process was stopping.
  bool answered = false;         ///< The department has answered the last grant.
  std::uint32_t failures = 0;    ///< Consecutive times that the department gave up starting it.
  /// No start before that but for a task or by hand.
  double failed_until_s = 0;
  std::uint64_t lease = 0;      ///< The number of the last grant.
  double told_s = 0;            ///< When the last grant was sent last.
  double waits_since_s = 0;     ///< Since when it waits for a slot; 0: it does not.
  double cooled_by_hand_s = 0;  ///< When it was cooled by hand; 0: not, or called since.
  double granted_s = 0;
  double counted_mb = 0;        ///< Its share of the ledger's memory; below 0: pinned, not counted.
  reason why = reason::demand;  ///< Of the last grant or promise.
};

/// Pinned specialists are outside the budget and are not counted.
class slot_ledger {
public:
  void resize(std::size_t specialists) { holdings_.resize(specialists); }
  [[nodiscard]] slot_holding& operator[](specialist_index who) { return holdings_[who]; }
  [[nodiscard]] const slot_holding& operator[](specialist_index who) const {
    return holdings_[who];
  }

  /// Takes a slot for `who`, unless it holds one. Until `release` the slot counts with the memory
  /// that `facts` has now.
  void hold(specialist_index who, const specialist_facts& facts);
  void release(specialist_index who);
  /// The memory of a running worker was measured.
  void remeasure(specialist_index who, double megabytes);

  [[nodiscard]] bool has_room_for(const specialist_facts& facts, const pool_limits& limits) const;
  [[nodiscard]] std::size_t held_count() const { return held_count_; }
  [[nodiscard]] double held_mb() const { return held_mb_; }

private:
  std::vector<slot_holding> holdings_;
  std::size_t held_count_ = 0;
  double held_mb_ = 0;
};

}  // namespace greenroom::runtime
