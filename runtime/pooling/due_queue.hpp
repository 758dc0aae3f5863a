// When to reassess each specialist: one due time per specialist, the earliest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// An indexed binary heap: a specialist has one entry, so the heap never exceeds the cast. Most due
/// times are postponed by a visit before they arrive. A postponed entry keeps its position, under a
/// due time that is now too early, and moves only when it reaches the front: postponing costs
/// constant time, however large the heap.
class due_queue {
public:
  void grow(std::size_t specialists);
  /// `never_s` removes the specialist.
  void set(specialist_index who, double due_s);
  double due_s(specialist_index who) const { return moments_[who].due_s; }
  bool empty() const { return heap_.empty(); }
  double next_s() const {
    if (heap_.empty()) return never_s;
    return heap_.front().no_sooner_s;
  }
  /// Removes and returns the specialist that is due first.
  specialist_index pop();

private:
  static constexpr std::size_t outside = static_cast<std::size_t>(-1);
  struct moment {
    double due_s = never_s;
    double no_sooner_s = never_s;  // The heap's key. For the first entry: `due_s`.
    std::size_t at = outside;
  };
  struct entry {
    double no_sooner_s;
    specialist_index who;
  };
  void up(std::size_t at);
  void down(std::size_t at);
  void set_at(std::size_t at, entry one);
  void take_out_first();
  void settle_first();

  std::vector<moment> moments_;
  std::vector<entry> heap_;
};

}  // namespace greenroom::runtime
