// When to look at whom again: one moment per specialist, the earliest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/pooling/warm_policy.hpp"

namespace greenroom::runtime {

/// An indexed binary heap: a specialist has one place in it, which moves when its moment changes,
/// so it never holds more than the cast.
class due_queue {
public:
  void grow(std::size_t specialists);
  /// `never_s` takes it out.
  void set(specialist_index who, double due_s);
  double due_s(specialist_index who) const { return due_[who]; }
  bool empty() const { return heap_.empty(); }
  double next_s() const {
    if (heap_.empty()) return never_s;
    return due_[heap_.front()];
  }
  /// The earliest one; it is taken out.
  specialist_index pop();

private:
  static constexpr std::size_t outside = static_cast<std::size_t>(-1);
  void up(std::size_t at);
  void down(std::size_t at);
  void place(std::size_t at, specialist_index who);

  std::vector<double> due_;
  std::vector<std::size_t> at_;
  std::vector<specialist_index> heap_;
};

}  // namespace greenroom::runtime
