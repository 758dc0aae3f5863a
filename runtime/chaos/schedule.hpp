// When which fault happens to whom: a function of the rules and a seed, and of nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greenroom::runtime::chaos {

enum class fault_kind : std::uint8_t {
  kill_worker,    ///< SIGKILL of a worker's process group.
  kill_actor,     ///< One actor below the root dies.
  freeze_worker,  ///< SIGSTOP, and SIGCONT when the lease ends.
  slow_worker,    ///< Its answers are held back.
  garble_worker,  ///< What it writes is replaced by nonsense.
  cut_worker,     ///< No byte passes between the node and it.
  swell_worker,   ///< It takes memory.
  lower_budget,   ///< The node's memory budget is lowered.
  cloud_down,     ///< The cloud resets every connection.
  cloud_silent,   ///< The cloud takes connections, and no byte passes.
  cloud_slow,     ///< What the cloud answers is held back.
  cascade,        ///< Department after department fails, then who should help. A rule only: the
                  ///< schedule has the single faults.
};
inline constexpr std::size_t fault_kinds = 12;
std::string_view to_string(fault_kind kind);

/// Who can be killed, by what it does.
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
inline constexpr std::size_t roles = 11;
std::string_view to_string(role who);

/// True for faults that last for their lease; the others are over at once.
bool lasts(fault_kind kind);

/// Seconds from the start of the run.
struct rule {
  fault_kind what = fault_kind::kill_worker;
  double from_s = 0, until_s = 0;
  double every_s = 0;     ///< One in each such interval, anywhere in it; 0: one, at `from_s`.
  double for_s = 0;       ///< How long one lasts.
  double amount = 0;      ///< Slow ones: seconds. Memory: megabytes.
  double step_s = 0;      ///< cascade: from one department to the next.
  std::size_t count = 1;  ///< At once; cascade: how many departments.
  std::vector<std::uint32_t> only;  ///< Specialists; empty: all that the kind can happen to.
  std::vector<role> roles;          ///< kill_actor: these; empty: all.
};

/// What the cast looks like to one who breaks things.
struct shape {
  std::vector<std::uint32_t> department;  ///< By specialist.
  std::vector<bool> is_process;           ///< By specialist: it has a process of its own.
  std::vector<bool> is_cloud;             ///< By specialist: it is behind the wire to the cloud.
  std::size_t departments = 0;
};

struct fault {
  std::size_t number = 0;  ///< From 1, in the order of time.
  double at_s = 0;
  double for_s = 0;
  fault_kind what = fault_kind::kill_worker;
  role who = role::specialist;  ///< kill_actor only.
  /// The specialist that it happens to, or that shows whether it is over. When that one has no
  /// process at that moment, it is the next one in the cast that has (a worker that is cold cannot
  /// be killed), unless it is to be `exactly` this one.
  std::uint32_t target = 0;
  double amount = 0;
  bool exactly = false;
  bool of_cascade = false;

  friend bool operator==(const fault&, const fault&) = default;
};

/// Sorted by time. Each rule draws from a source of its own, so that the order of the other rules'
/// draws does not change its faults. Nobody is given a second lasting fault while he has one. A
/// fault that would end after its rule's `until_s` is left out.
/// @pre every index in `only` is a specialist of `cast`; times are finite and ≥ 0.
std::vector<fault> make_schedule(const std::vector<rule>& rules, const shape& cast,
                                 std::uint64_t seed);

}  // namespace greenroom::runtime::chaos
