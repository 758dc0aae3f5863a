// Injects a schedule's faults into a node, ends them, and probes until the node has recovered.
#pragma once

#include "apps/chaos/chaos_job.hpp"
#include "apps/chaos/lease_board.hpp"
#include "apps/chaos/stress.hpp"
#include "apps/chaos/tcp_wire.hpp"

#include <memory>
#include <vector>

namespace greenroom::apps {

/// One thread calls `tick` every few milliseconds; node events arrive on the node's threads.
class injector {
public:
  injector(node& to, const chaos_job& job, std::shared_ptr<chaos_books> books, stress& traffic,
           lease_board& leases);
  ~injector();  ///< Ends lasting faults.
  injector(const injector&) = delete;
  injector& operator=(const injector&) = delete;

  void tick();
  /// True when every fault has begun or was omitted.
  [[nodiscard]] bool all_begun() const { return next_ == entries_.size() && waiting_ == 0; }
  /// Ends lasting faults and begins no more.
  void stop();

  /// Every fault with the recovery times from the books.
  [[nodiscard]] std::vector<fault_outcome> outcomes() const;
  [[nodiscard]] std::size_t begun() const { return begun_; }
  /// The memory budget in force, which a fault may have lowered; 0: none.
  [[nodiscard]] double budget_mb() const { return budget_mb_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool collapsed() const { return collapsed_.load(std::memory_order_relaxed); }

private:
  enum class stage : std::uint8_t { scheduled, looking, lasting, over, omitted };
  struct entry {
    fault_outcome out;
    stage now = stage::scheduled;
    std::uint32_t target = 0;
    int pid = 0;               // Process id of a frozen worker.
    double ends_s = 0;         // When the lease ends.
    double given_up_s = 0;     // When to stop looking for a running target.
    double probed_s = -1;      // When the last probe was sent.
    bool awaits_loss = false;  // An actor was killed; an event reports later whether it did die.
    bool reported = false;
  };

  void begin(entry& one, double now);
  void begin_at(entry& one, std::uint32_t target, double now);
  void kill_actor(entry& one, double now);
  void omit(entry& one, std::string why);
  void end(entry& one, double now);
  void probe(entry& one, double now);
  void apply_event(const event& what);
  void set_budget(double mb);
  [[nodiscard]] std::uint32_t find_running(const entry& one, int& pid) const;

  node& node_;
  const chaos_job& job_;
  std::shared_ptr<chaos_books> books_;
  stress& traffic_;
  lease_board& leases_;
  std::vector<entry> entries_;
  std::size_t next_ = 0, waiting_ = 0, begun_ = 0;
  std::atomic<double> budget_mb_{0};
  std::atomic<bool> collapsed_{false};
  std::mutex events_guard_;
  std::vector<event> events_;
  std::shared_ptr<void> listening_;  ///< Last member: the listener uses the others.
};

}  // namespace greenroom::apps
