// The results of the monitor, the rollout and the rollback, which any thread may read and from
// which their replacements continue; and the queues of commands to the rollout and the rollback.
#pragma once

#include "actors/state/synchronized.hpp"
#include "protocols/rollout_messages.hpp"
#include "runtime/monitoring/alert_book.hpp"
#include "runtime/monitoring/health_score.hpp"
#include "runtime/monitoring/pool_sample.hpp"
#include "runtime/rollout/rollback_plan.hpp"
#include "runtime/rollout/rollout_plan.hpp"
#include "runtime/rollout/root_cause.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::actors {

/// A command of an operator, or of the rollout or the rollback to the other.
struct rollout_command {
  enum class kind : std::uint8_t {
    start,
    advance,
    pause,
    resume,
    abort,
    route,      ///< To `percentage`.
    fall_back,  ///< The rollback has taken over; the rollout notes it.
    roll_back,  ///< By `trigger`, for `reason`, `planned` or at once.
    confirm,    ///< A planned rollback.
    cancel,
    reset,   ///< No rollout any more: `pool.mode` decides.
    verify,  ///< Runs the checklist of the last rollback again.
  };
  kind what = kind::start;
  std::string who, reason;
  double percentage = 0;
  bool force = false;
  bool planned = false;
  bool confirmed = true;
  runtime::rollout::trigger cause = runtime::rollout::trigger::by_hand;
  /// Called once, on a thread of the node, with an HTTP status, a stable name of what was refused
  /// (empty when done) and a text for people. May be empty.
  std::function<void(int status, std::string refused, std::string text)> reply;
};

/// A rollback and what was found out about it, in JSON.
struct rollback_face {
  runtime::rollout::rollback_plan plan;
  std::string analysis;  ///< Empty: not analysed yet.
};

/// What one specialist of the intelligent pool has counted, copies of the shadow included.
struct specialist_counts {
  std::uint64_t completed = 0, bad = 0, cold_starts = 0, warm_hits = 0;
};

/// What was journaled, when a node starts.
struct journaled_status {
  std::string rollout;
  std::vector<std::pair<std::string, std::string>> rollbacks;  ///< Plan and analysis, oldest first.
  std::vector<std::string> evidence;                           ///< Pages by number, or empty.
};

struct status_content {
  // -- the monitor's --
  std::array<runtime::monitoring::pool_sample, 2> samples;  ///< By pool_kind.
  runtime::monitoring::pool_sample served;                  ///< What callers got.
  runtime::monitoring::health_report health;
  std::vector<runtime::monitoring::alert> firing, pending, history;
  double checked_at_s = 0;  ///< 0: never.
  runtime::rollout::evidence_recorder evidence;
  std::vector<specialist_counts> evidence_counts;  ///< At the last look.
  std::uint64_t evidence_seen = 0;                 ///< The number of the last event that is in it.
  std::uint64_t evidence_page = 0;                 ///< The journal's next one.
  // -- the rollout's --
  std::optional<runtime::rollout::rollout_plan> rollout;
  // -- the rollback's --
  std::deque<rollback_face> rollbacks;  ///< The newest last.
  std::uint64_t rollbacks_begun = 0;
  std::map<std::string, std::uint64_t> rollbacks_by_trigger;  ///< Since the node started.
  /// Of the intelligent pool, as the rollback's watch saw it at its last look.
  std::optional<double> watched_efficiency;
  double watched_at_s = 0;  ///< 0: never.
};

class status_board : public synchronized<status_content> {
public:
  using content = status_content;
  static constexpr std::size_t rollbacks_max = 64;

  using receiver = protocols::commanded_actor;
  /// The sender wakes the actor with `commands_posted`, through the root.
  void post(receiver to, rollout_command command) {
    const std::lock_guard lock{queues_mutex_};
    queues_[static_cast<std::size_t>(to)].push_back(std::move(command));
  }
  /// The same for operators: false, and `command` is not taken, when `commands_max` commands wait.
  static constexpr std::size_t commands_max = 64;
  [[nodiscard]] bool try_post(receiver to, rollout_command& command) {
    const std::lock_guard lock{queues_mutex_};
    auto& waiting = queues_[static_cast<std::size_t>(to)];
    if (waiting.size() >= commands_max) return false;
    waiting.push_back(std::move(command));
    return true;
  }
  [[nodiscard]] std::deque<rollout_command> take_commands(receiver of) {
    const std::lock_guard lock{queues_mutex_};
    return std::exchange(queues_[static_cast<std::size_t>(of)], {});
  }

private:
  std::mutex queues_mutex_;
  std::array<std::deque<rollout_command>, 2> queues_;
};

}  // namespace greenroom::actors
