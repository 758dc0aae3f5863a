// The schedule of faults: a function of the rules and a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::runtime::chaos {

enum class fault_kind : std::uint8_t {
  kill_worker,    ///< SIGKILL of a worker's process group.
  kill_actor,     ///< Kills one actor below the root.
  freeze_worker,  ///< SIGSTOP, then SIGCONT when the lease ends.
  slow_worker,    ///< Delays the worker's replies.
  garble_worker,  ///< Replaces the worker's output by garbage.
  cut_worker,     ///< Blocks all bytes between node and worker.
  swell_worker,   ///< Makes the worker allocate memory.
  lower_budget,   ///< Lowers the node's memory budget.
  cloud_down,     ///< The cloud service resets every connection.
  cloud_silent,   ///< The cloud service accepts connections, but no bytes pass.
  cloud_slow,     ///< Delays the cloud service's replies.
  cascade,  ///< Departments fail one after another, then the fallbacks. Only in rules: the schedule
            ///< contains the single faults.
};
inline constexpr std::size_t fault_kind_count = 12;
std::string_view to_string(fault_kind kind);

/// The actors that can be killed, by role.
enum class role : std::uint8_t {
  dispatcher,
  pool,
  journal,
  director,
  department,
  specialist,
  memory_sampler,
  monitor,
  rollout,
  rollback,
  predictor,
};
inline constexpr std::size_t role_count = 11;
std::string_view to_string(role who);

/// True for faults that last for their lease; other faults are instantaneous.
bool lasts(fault_kind kind);

/// Times are seconds from the start of the run.
struct rule {
  fault_kind what = fault_kind::kill_worker;
  double from_s = 0, until_s = 0;
  double every_s = 0;     ///< One in each interval, at a random time; 0: one, at `from_s`.
  double for_s = 0;       ///< The duration of a fault.
  double amount = 0;      ///< Slow faults: seconds. Memory: megabytes.
  double step_s = 0;      ///< cascade: delay between departments.
  std::size_t count = 1;  ///< Faults at once; cascade: number of departments.
  std::vector<std::uint32_t> only;  ///< Specialists; empty: all possible targets.
  std::vector<role> roles;          ///< kill_actor: these; empty: all.
};

/// The parts of the cast that the schedule needs.
struct shape {
  std::vector<std::uint32_t> department;  ///< By specialist.
  std::vector<bool> is_process;           ///< By specialist: it has its own process.
  std::vector<bool> is_cloud;             ///< By specialist: it uses the cloud service.
  std::size_t departments = 0;
};

struct fault {
  std::size_t number = 0;  ///< From 1, in time order.
  double at_s = 0;
  double for_s = 0;
  fault_kind what = fault_kind::kill_worker;
  role who = role::specialist;  ///< kill_actor only.
  /// The specialist that is the target, or that shows the recovery. If it has no process at that
  /// time (a cold worker cannot be killed), the next specialist with a process is used, unless
  /// `exactly`.
  std::uint32_t target = 0;
  double amount = 0;
  bool exactly = false;
  bool of_cascade = false;

  friend bool operator==(const fault&, const fault&) = default;
};

/// Sorted by time. Each rule has its own random source, so that its faults do not depend on other
/// rules. A specialist never has two lasting faults at once. A fault that would end after its
/// rule's `until_s` is omitted.
/// @pre Every index in `only` is a specialist of `cast`; times are finite and ≥ 0.
std::vector<fault> make_schedule(const std::vector<rule>& rules, const shape& cast,
                                 std::uint64_t seed);

}  // namespace greenroom::runtime::chaos
