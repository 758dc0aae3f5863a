// What a node consists of besides its actors: the things that stay while actors come and go.
#pragma once

#include "actors/mailbox/port.hpp"
#include "actors/mailbox/ring_port.hpp"
#include "actors/rollout/shadow_traffic.hpp"
#include "actors/state/catalog.hpp"
#include "actors/state/catalog_reader.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/idempotency_waiters.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/stable_array.hpp"
#include "actors/state/status_board.hpp"
#include "actors/state/synchronized.hpp"
#include "actors/state/tool_offers.hpp"
#include "runtime/machine/io/clock.hpp"
#include "runtime/machine/journal/journal.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/machine/tasks/ingress.hpp"
#include "runtime/machine/tasks/ledger.hpp"
#include "runtime/machine/worker/worker.hpp"
#include "runtime/monitoring/sample_history.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace greenroom::actors {

constexpr std::size_t pools = 2;  ///< Indexed by protocols::pool_kind.
constexpr auto smart = static_cast<std::size_t>(protocols::pool_kind::intelligent);
constexpr auto plain = static_cast<std::size_t>(protocols::pool_kind::baseline);

/// What the journal is to write of a task. Holds one reference.
struct journal_note {
  enum class kind : std::uint8_t { accepted, started, ended };
  protocols::task* job = nullptr;
  kind what = kind::accepted;
};

class worker_link;

/// One specialist's place in one pool. The worker hangs here rather than in the actor, so that its
/// department can let go of it whatever became of the actor.
struct specialist_record {
  specialist_record();
  ~specialist_record();
  machine::specialist_gauge gauge;
  task_port port;
  caf::actor actor;  ///< Its department's own; the last one hired.
  /// Starts that failed since it was up last, and what its worker died of last.
  std::atomic<std::uint32_t> failed_starts{0};
  synchronized<std::string> last_error;
  std::array<machine::counter, machine::task_outcomes> mirror_ends{};  ///< Of copies.
  /// Since when its department has been asking for a slot, steady clock; 0: it does not.
  std::atomic<std::int64_t> slot_wanted_since_ns{0};
  /// The `cast::definitions` that its worker was started with; 0: it has none.
  std::atomic<std::uint32_t> definition{0};
  /// Said by its department of one that is gone: neither tasks nor a worker are left of it. The
  /// `cast::left` of that departure, since it may come back and go again; 0: nothing was said.
  std::atomic<std::uint32_t> vacant_since{0};
  // The specialist's own while it lives, its department's afterwards.
  std::shared_ptr<machine::worker> worker;
  std::shared_ptr<worker_link> link;

  /// It means somebody else from now on. @pre It is vacant.
  void begin_anew();

  /// The actor is dead: cut off the worker and end it, and forget tasks left in the port (their
  /// department has its own list of them).
  void abandon();
};

/// One department's place in one pool.
struct department_record {
  task_port port;
  machine::department_gauge gauge;
  std::atomic<std::int64_t> wake_at_ns{
      0};  ///< When the dispatcher is to signal `due_bit`; 0: never.

  static constexpr std::uint32_t due_bit = 1;
};

struct pool_record {
  stable_array<specialist_record> specialists;  ///< By index in the cast.
  stable_array<department_record> departments;
  machine::pool_gauge gauge;
  std::atomic<bool> open{false};  ///< Its actors run.
  /// The number of the last grant. Directors come and go, and no two grants have the same.
  std::atomic<std::uint64_t> leases{1};
  /// Waits for a slot beside an idle one, as the monitor found them: now, and each once in all.
  std::atomic<std::uint64_t> stuck_now{0};
  machine::counter stuck{0};
};

/// A registered C++ callable, by specialist.
using callable_table = std::unordered_map<std::string, machine::callable>;

/// Makes the worker of a specialist. Tests give puppets.
using worker_factory = std::function<std::shared_ptr<machine::worker>(
    const member& who, std::string_view department, protocols::pool_kind pool,
    std::shared_ptr<machine::worker_events> events)>;

/// Every accepted task has a place; those that have ended and are still being told, or written
/// down, need some too.
[[nodiscard]] std::size_t tasks_at_once(const config::node& config);

struct node_state {
  node_state(std::shared_ptr<const catalog> first, std::size_t spare_specialists,
             std::uint64_t epoch, std::shared_ptr<const machine::clock> time);
  ~node_state();
  node_state(const node_state&) = delete;
  node_state& operator=(const node_state&) = delete;

  /// Lets go of every task, and so of those who asked for them, who may hold what goes before the
  /// node's state does. Nothing of the node's state runs any more.
  void forget_tasks();

  /// The cast in force. How long the reference is good: see `catalog_reader`.
  [[nodiscard]] const catalog& catalog_now() const {
    const auto* now = cast_.load(std::memory_order_acquire);
    if (catalog_reader::reads_newest(now)) return *now;
    return catalog_reader::hold(shared_catalog());
  }
  [[nodiscard]] std::shared_ptr<const catalog> shared_catalog() const;
  /// False when there is no room for so many more specialists or departments without a restart.
  /// One caller at a time.
  [[nodiscard]] bool replace_catalog(std::shared_ptr<const catalog> next);
  /// Numbers of the cast in force that nothing in the node remembers: no thread holds a cast in
  /// which they had a name, no task is theirs, and they have no worker. For `make_catalog`.
  [[nodiscard]] std::vector<std::uint32_t> vacant() const;

  /// A worker of it, in that pool, runs what a reload has changed or taken out.
  [[nodiscard]] bool runs_old_definition(protocols::pool_kind which, std::uint32_t who) const;

  [[nodiscard]] pool_record& pool(protocols::pool_kind which) {
    return pools_[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] const pool_record& pool(protocols::pool_kind which) const {
    return pools_[static_cast<std::size_t>(which)];
  }
  /// What decisions reckon with: never goes back, whatever is done to the wall clock meanwhile.
  [[nodiscard]] double unix_s(std::int64_t steady_ns) const {
    return static_cast<double>(steady_ns + unix_offset_ns) * 1e-9;
  }
  [[nodiscard]] std::int64_t unix_us(std::int64_t steady_ns) const {
    return (steady_ns + unix_offset_ns) / 1000;
  }
  /// What people and the journal are told.
  [[nodiscard]] std::int64_t wall_ms(std::int64_t steady_ns) const {
    return (steady_ns + wall_offset_ns.load(std::memory_order_relaxed)) / 1'000'000;
  }
  /// Somebody may have set the wall clock.
  void look_at_wall_clock() {
    wall_offset_ns.store(time->unix_ms() * 1'000'000 - time->now_ns(), std::memory_order_relaxed);
  }
  void publish(std::string kind, std::string json) {
    events.publish(std::move(kind), std::move(json), time->unix_ms());
  }

  std::shared_ptr<const machine::clock> time;
  std::int64_t unix_offset_ns = 0;
  std::atomic<std::int64_t> wall_offset_ns{0};
  machine::task_ledger ledger;
  ring_port<protocols::task*, machine::ingress_lanes>
      door;              ///< From the callers to the dispatcher; one reference each.
  task_port dispatcher;  ///< From the journal back to the dispatcher.
  std::atomic<bool> dispatcher_ticks{false};               ///< It looks soon who wants to be woken.
  ring_port<journal_note, machine::ingress_ring> journal;  ///< To the journal, from everyone.
  bool journaling = false;  ///< There is a journal; set before the actors start.
  machine::node_gauge gauge;
  routing_table routes;  ///< Which pool answers.
  ends_feed ends;        ///< What a rollout is judged by, while there is one.
  mirror shadow;         ///< What the shadow phase compares.
  std::array<machine::counter, machine::task_outcomes> mirror_ends{};  ///< Of copies, which no
                                                                       ///< other sum has.
  status_board board;  ///< What the journaled actors know, for those who ask; and words for them.
  forecast_board forecast;  ///< What is expected, and what was learnt.
  tool_offers offers;       ///< What calling the tools of MCP servers does.
  event_log events;
  synchronized<runtime::monitoring::sample_history> samples;  ///< Of the last day, by the monitor.
  worker_factory make_worker;
  /// Null when there are none. Set before the actors start, and constant from then on.
  std::shared_ptr<const callable_table> callables;
  /// The callable of a specialist that runs where its tasks arrive; null for every other one.
  [[nodiscard]] const machine::callable* at_once(const member& who) const;
  std::uint64_t seed = 1;
  /// Called once, from an actor, when the tree cannot be kept alive any more.
  std::function<void(std::string why)> collapse;

  /// What the journal hashes requests with. Set before the actors start.
  std::pair<std::uint64_t, std::uint64_t> hash_key;
  /// What is wrong with the journal, for callers and for alerts.
  struct journal_state {
    std::string why_not;     ///< Why it cannot be written now.
    std::string damage;      ///< What was damaged, last.
    std::uint64_t news = 0;  ///< How often that changed.
  };
  synchronized<journal_state> journal_troubles;

  /// Notes that the journal has taken out and not yet written; its replacement goes on with them.
  std::vector<journal_note> journal_pending;
  /// Tasks that the dispatcher has taken out of its ring and not yet passed on.
  std::vector<protocols::task_ptr> dispatcher_pending;

  idempotency_waiters
      waiters;  ///< Who else wants to hear the end of a task with an idempotency key.

  /// Measured memory over time, for the efficiency: KiB-milliseconds in use, and had all been warm.
  struct memory_sums {
    std::atomic<std::uint64_t> used_kib_ms{0}, always_kib_ms{0};
    /// 1 - used / always, within 0 and 1; nothing before anything was measured.
    [[nodiscard]] std::optional<double> efficiency() const;
  };
  memory_sums pool_memory;  ///< Of the intelligent pool, while it works.
  memory_sums all_memory;   ///< Of the workers of both pools, since a second pool came or went.

private:
  std::atomic<const catalog*> cast_{nullptr};
  mutable std::mutex cast_mutex_;
  std::shared_ptr<const catalog> current_;
  // The casts before, each with its generation; which of them a thread still holds, the pointer
  // says. Those that nobody holds are taken out at the next reload.
  std::vector<std::pair<std::uint32_t, std::weak_ptr<const catalog>>> earlier_;
  std::array<pool_record, pools> pools_;
};

/// The end of a task: the only place where one is decided. Returns false when it had ended before.
/// `here` is the execution unit of the caller, or null. After it the task belongs to the reader:
/// its asker has heard, or will when the journal has the end. `retry_after_ms`: when the caller may
/// try again; 0: nobody knows.
bool conclude(node_state& where, protocols::task& job, protocols::task_state state,
              protocols::failure why, std::string output, caf::execution_unit* here,
              std::int64_t retry_after_ms = 0);

/// Tells those who wait for a durable task that the node stops before it has ended.
void leave(node_state& where, protocols::task& job);

/// Takes a task back that turned out to be known already: it was never there.
void withdraw(node_state& where, protocols::task& job);

/// The same for one whose idempotency key belongs to another request. Its caller hears why; it is
/// the caller's mistake, so it counts as nobody's failure.
void turn_away_conflict(node_state& where, protocols::task& job, std::string why);

/// Leaves a note for the journal.
void note(node_state& where, protocols::task& job, journal_note::kind what,
          caf::execution_unit* here);

/// Makes a decided end visible and tells the asker. Called by `conclude`, or by the journal for
/// durable tasks once their end is written. Does nothing the second time.
void announce(node_state& where, protocols::task& job);

}  // namespace greenroom::actors
