// Compares prediction with a fixed keep-alive, window by window, at equal memory.
#pragma once

#include <cstdint>

namespace greenroom::runtime {

/// Records what happened, and what a fixed keep-alive would have done with the same visits. The
/// keep-alive's duration follows the memory in use, so the two are compared at equal memory. After
/// two bad windows in a row prediction is switched off; after a pause, which doubles each time (up
/// to 64 windows), prediction gets another window.
class prediction_referee {
public:
  static constexpr double window_s = 3600;
  static constexpr std::uint64_t judged_after = 100;  ///< Cold starts of both together.
  static constexpr std::uint32_t pause_max = 64;      ///< Windows.

  enum class verdict : std::uint8_t { none, kept, switched_off, tried_again };

  bool predicting() const { return predicting_; }
  /// The keep-alive duration that would use the same memory.
  double keep_s() const { return keep_s_; }

  /// A visit after `gap_s` of idle time.
  void visit(double gap_s);
  /// The visit found its specialist cold.
  void missed() { ++cold_; }
  /// A specialist has just been idle for longer than `keep_s()`.
  void shadow_expired() { shadow_memory_s_ += keep_s_; }
  /// Memory actually spent on an idle specialist.
  void spent(double idle_s) { memory_s_ += idle_s; }
  /// A hard cap decided, so this window is no evidence about prediction.
  void constrained() { constrained_ = true; }
  verdict judge(double now_s);

  /// A prewarm was used before it was cooled, or (below) was not.
  void prewarm_hit() { ++prewarm_hits_; }
  void prewarm_waste(double unused_s) {
    ++prewarm_wastes_;
    wasted_s_ += unused_s;
  }
  std::uint64_t prewarm_hits() const { return prewarm_hits_; }
  std::uint64_t prewarm_wastes() const { return prewarm_wastes_; }
  double wasted_s() const { return wasted_s_; }

private:
  void open_window(double now_s);

  bool predicting_ = true;
  double keep_s_ = 600;
  double opened_s_ = -1;
  double memory_s_ = 0;
  double shadow_memory_s_ = 0;
  std::uint64_t cold_ = 0;
  std::uint64_t shadow_cold_ = 0;
  bool constrained_ = false;
  std::uint32_t bad_ = 0;
  std::uint32_t pause_ = 2;
  std::uint32_t paused_ = 0;
  std::uint64_t prewarm_hits_ = 0;
  std::uint64_t prewarm_wastes_ = 0;
  double wasted_s_ = 0;
};

}  // namespace greenroom::runtime
