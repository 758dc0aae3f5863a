// When to look at whom again: one moment per specialist, the earliest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// An indexed binary heap: a specialist has one place in it, so it never holds more than the cast.
/// Most moments are put off again before they come, with every visit. So the place stays where it
/// is then, in the order of a moment that is too early by now, and moves when it gets to the front:
/// to put a moment off costs nothing, however large the heap.
class due_queue {
public:
  void grow(std::size_t specialists);
  /// `never_s` takes it out.
  void set(specialist_index who, double due_s);
  double due_s(specialist_index who) const { return moments_[who].due_s; }
  bool empty() const { return heap_.empty(); }
  double next_s() const {
    if (heap_.empty()) return never_s;
    return heap_.front().no_sooner_s;
  }
  /// The earliest one; it is taken out.
  specialist_index pop();

private:
  static constexpr std::size_t outside = static_cast<std::size_t>(-1);
  struct moment {
    double due_s = never_s;
    double no_sooner_s = never_s;  // What its place in the heap goes by. Of the first one: `due_s`.
    std::size_t at = outside;
  };
  struct entry {
    double no_sooner_s;
    specialist_index who;
  };
  void up(std::size_t at);
  void down(std::size_t at);
  void place(std::size_t at, entry one);
  void take_out_first();
  void settle_first();

  std::vector<moment> moments_;
  std::vector<entry> heap_;
};

}  // namespace greenroom::runtime
