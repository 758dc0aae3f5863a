// Carries out a policy's plan: which of the wanted specialists start now.
#pragma once

#include "runtime/pooling/slot_allocator.hpp"
#include "runtime/pooling/warm_policy.hpp"

#include <cstddef>

namespace greenroom::runtime {

/// Starts the specialists of a plan, within the limits on concurrent starts and on starts ahead of
/// demand. Lives for one review.
class planned_starts {
public:
  planned_starts(slot_allocator& slots, std::size_t ahead_max);

  void carry_out(const plan& wanted, double now_s);
  /// More starts are wanted than may run at once.
  [[nodiscard]] bool more() const { return more_; }
  /// When the first specialist that was left out may start; `never_s`: none was left out.
  [[nodiscard]] double retry_s() const { return retry_s_; }

private:
  enum class verdict : bool { go_on, stop };
  verdict consider(const change& one, double now_s);
  void start(const change& one, double now_s);
  /// True when `who` must not start before some time.
  [[nodiscard]] bool is_held_back(const change& one, double now_s);
  /// How long a `cool` by hand stands against a prediction: as long as a specialist is kept that
  /// nothing is predicted for. A residency may be no time at all.
  [[nodiscard]] double cooled_by_hand_lasts_s() const;

  slot_allocator& slots_;
  std::size_t ahead_max_;
  std::size_t warming_ = 0;  ///< Starts under way.
  std::size_t ending_ = 0;   ///< Slots whose process is stopping.
  std::size_t ahead_ = 0;    ///< Starts ahead of demand in this review.
  bool more_ = false;
  double retry_s_ = never_s;
};

}  // namespace greenroom::runtime
