// Samples a node under chaos: its memory, and whether its task counters balance.
#pragma once

#include "apps/chaos/injector.hpp"

#include <atomic>
#include <mutex>
#include <thread>

namespace greenroom::apps {

/// Samples ten times a second on a thread of its own until it is stopped.
class chaos_observer {
public:
  struct figures {
    std::uint64_t looks = 0;
    bool always_balanced = true;
    double memory_mb = 0;  ///< The latest sample.
    double memory_sum_mb = 0, memory_max_mb = 0;
    double over_budget_s = 0;  ///< The longest stretch over the budget.
    std::size_t workers_up = 0;
  };

  chaos_observer(node& watched, const injector& faults, std::shared_ptr<chaos_books> books);
  ~chaos_observer() { stop(); }
  chaos_observer(const chaos_observer&) = delete;
  chaos_observer& operator=(const chaos_observer&) = delete;

  void stop();
  [[nodiscard]] figures now() const;

private:
  void watch();
  void look();
  /// Whether accepted = ended + alive. The counters change while they are read, so a mismatch is
  /// read again before it counts.
  [[nodiscard]] bool balanced() const;

  node& node_;
  const injector& faults_;
  std::shared_ptr<chaos_books> books_;
  mutable std::mutex guard_;
  figures figures_;
  double over_since_s_ = -1;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  ///< Last member: the thread uses all others.
};

}  // namespace greenroom::apps
