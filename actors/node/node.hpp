// A node of Greenroom as a library: register C++ callables, start, submit tasks, get the ends.
// Installed as <greenroom/node.hpp>.
#pragma once

#include "config/node.hpp"
#include "protocols/base/expected.hpp"
#include "protocols/base/worker_state.hpp"
#include "protocols/node_events.hpp"
#include "protocols/task_request.hpp"
#include "protocols/task_types.hpp"
#include "protocols/task_view.hpp"
#include "runtime/machine/worker/callable.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace greenroom {

namespace runtime {
class warm_policy;
}  // namespace runtime
namespace protocols {
class task_observer;
}  // namespace protocols

/// The end of a task, later. A refused task has ended at once: `state` is failed, and `why`,
/// `output` (a sentence), `retry_after` and `nearest` are those of the refusal.
struct task_future : std::future<task_view> {
  protocols::task_id id;  ///< For `cancel` and `find`; all zero when the task was refused.
};

/// Receives what happens to one task. The functions are called on threads of the node: they must
/// not block, wait for a task of the node or destroy the node; an exception is dropped with an
/// event `callback.failed`. The end of a cancelled task may arrive while a piece is being handled
/// on another thread.
class task_listener {
public:
  virtual ~task_listener() = default;
  /// The task is in the journal; only for durable tasks. When the idempotency key is known already,
  /// the identifier is that of the first task.
  virtual void on_accepted(const protocols::task_id&) {}
  /// A piece of a streamed output, in order. After a retry the output begins again, with the next
  /// number of the attempt (from 1).
  virtual void on_chunk(std::string_view, std::uint32_t /*attempt*/) {}
  /// The former name of `on_chunk`, never called: a class that still overrides it would otherwise
  /// compile and get no pieces.
  virtual void on_piece(std::string_view, std::uint32_t /*attempt*/) final {}
  /// False: no more pieces for now. A worker that can wait asks again soon.
  [[nodiscard]] virtual bool takes_more() { return true; }
  /// The end, exactly once; never for a durable task when the node is destroyed before the task has
  /// ended, because the task continues after the next start.
  virtual void on_end(task_view done) = 0;
};

using base::worker_state;

struct specialist_view {
  std::string name, department, priority;
  worker_state state = worker_state::cold;
  int pid = 0;
  double memory_mb = 0;  ///< Measured while the worker runs, else the nominal figure.
  bool memory_measured = false;
  std::size_t queue_depth = 0, running = 0, concurrency = 1;
  std::uint64_t tasks = 0, failures = 0, cold_starts = 0, warm_hits = 0, restarts = 0;
  std::uint64_t skipped_lines = 0;  ///< Lines of the worker's output that were no messages.
  double start_ms = 0;              ///< Mean measured start time; 0: not started yet.
  double run_ms = 0;                ///< Mean measured run time.
  double cpu_share = 0;             ///< The worker's share of one core at the last measurement.
  bool pinned = false, circuit_open = false;
  /// A worker of the specialist, in either pool, still runs a definition that a reload has changed.
  bool old_definition = false;
  std::string last_error;
};

/// A fault or a possible improvement, and what would help.
struct finding {
  std::string subject;   ///< memory, warming, errors or performance.
  std::string severity;  ///< info, warning or critical.
  std::string text, change;
};

/// The node's state, as measured; also the content of /health/intelligent-pooling.
struct node_view {
  std::string status = "HEALTHY";  ///< HEALTHY | DEGRADED | CRITICAL
  std::int64_t uptime_ms = 0;
  std::size_t warm = 0, total = 0, warming = 0, busy = 0, failed = 0, max_warm = 0;
  std::size_t old_definitions = 0;  ///< Workers of both pools that run an old definition.
  std::uint32_t generation = 1;     ///< Configurations applied so far, the first one included.
  double average_response_ms = 0, p50_ms = 0, p95_ms = 0, p99_ms = 0;
  double warm_hit_rate = 0;
  std::size_t queue_depth = 0;
  double memory_mb = 0;              ///< All workers of both pools.
  double cpu_share = 0;              ///< Share of one core used by all workers.
  double memory_always_warm_mb = 0;  ///< What the whole cast would take if it were always warm.
  double memory_efficiency = 0;      ///< All workers, since a second pool was opened or closed.
  std::optional<double> pool_memory_efficiency;  ///< The intelligent pool, while it serves.
  /// Share of the prewarmed workers that a task used; share of the workflows run by name that the
  /// detector found; share of the tasks asked for, shed tasks included, that were completed.
  /// Nothing where there is no data.
  std::optional<double> prediction_accuracy, workflow_detection, availability;
  std::size_t alerts = 0;
  double health_score = 1;
  std::string way_back;  ///< After a rollback: how to return to the intelligent pool.
  struct factor {
    std::string name;
    double value = 0, factor = 1;
  };
  std::vector<factor> factors;  ///< The health score is their product; the lowest factor first.
  std::vector<finding>
      reasons;  ///< Why the status is not HEALTHY, the score not 1, or alerts fire.
  std::int64_t last_check_unix_ms = 0;
  std::uint64_t accepted = 0, completed = 0, failed_tasks = 0, cancelled = 0, unknown = 0, shed = 0,
                cold_starts = 0, retries = 0, pending = 0;
  bool ready = false, draining = false, journal_ok = true;
  /// Specialists that are always kept warm (pinned or in the baseline); how many of these are down
  /// because their last start failed; the first of these, and the reason.
  std::size_t kept_warm = 0, kept_down = 0;
  std::string down_name, down_why;
};

struct prediction_view {
  std::string specialist;
  double probability = 0;
  double score = 0;
  std::string state;
  std::vector<std::pair<std::string, double>> reasons;
};

/// Whether workers are prewarmed, and the results since the node started.
struct prediction_state {
  bool on = true;     ///< False: prediction was worse than keep-alive and is off until a retry.
  double keep_s = 0;  ///< How long keep-alive would keep an idle worker with the same memory.
  std::uint64_t hits = 0, wastes = 0;
  double wasted_s = 0;
};

struct workflow_end {
  bool ok = false;
  std::string output;  ///< The last step's output, or the error of the step that failed.
  std::vector<task_view> steps;
  refusal refused;  ///< Set when a step was not even started.
};

/// All functions may be called from any thread.
class node {
public:
  struct options {
    /// The first place to look for a worker that is given as a bare name.
    std::string bin_directory{};
    /// Opens no journal and serves no durable tasks: for embedding and benchmarks.
    bool without_journal = false;
    /// Scheduler threads; 0: chosen from the number of cores.
    std::size_t threads = 0;
    /// Another warm policy than Greenroom's, without prediction: for comparisons.
    std::function<std::unique_ptr<runtime::warm_policy>()> policy{};
    /// Receives every line that a worker writes to stderr, on any thread of the node; must not
    /// block.
    std::function<void(std::string_view specialist, std::string_view line)> worker_line{};
    /// All children of this process are workers of this node: orphans of workers may become
    /// children of this process and be reaped, where the kernel offers no better way to find them.
    bool adopt_orphans = false;
  };
  /// A C++ callable for a specialist of kind `function`: JSON text in, JSON text out, as
  /// `std::string(const std::string& input)` or
  /// `std::string(const std::string& input, std::stop_token stop)`.
  ///
  /// A callable runs on a thread for callables (`gr-call`, at most 256 in the process), as many
  /// calls at a time as the specialist's `concurrency` says: state that calls share must be guarded
  /// by the callable. A callable may block, wait, and submit tasks to the node and wait for their
  /// futures. `stop` is requested when the task has timed out or was cancelled, or the node is
  /// being destroyed; the result is dropped then, and a callable that goes on holds its thread and
  /// `~node`.
  /// A callable that throws, or returns text that is no JSON or longer than `limits.output_bytes`,
  /// has failed the task with `refused`: `what()` is the error message, and there is no retry.
  ///
  /// With `inline_run` the callable is short and never blocks: it runs on the thread where the task
  /// arrives, which may be the caller's, gets no stop request, and must not wait for tasks of the
  /// node.
  struct registration {
    std::string specialist{};
    machine::callable_function run{};
    bool inline_run = false;
  };

  // -- start and stop ---------------------------------------------------------
  /// Starts everything, recovers the journal, and returns when tasks are taken. A node that cannot
  /// start returns the reason, a text for operators.
  static base::expected<std::unique_ptr<node>> start(config::node configuration,
                                                     std::vector<registration> functions,
                                                     options how);
  static base::expected<std::unique_ptr<node>> start(config::node configuration,
                                                     std::vector<registration> functions = {}) {
    return start(std::move(configuration), std::move(functions), options{});
  }
  /// Takes no new task, waits until accepted tasks have ended or `grace` is over, stops workers.
  /// Returns how many durable tasks are left for the next start.
  std::size_t drain(std::chrono::milliseconds grace);
  /// Stops at once; `drain` first to let accepted tasks finish. Waiting callers are told that the
  /// node was stopped; durable tasks stay in the journal, for the next start. Callables that run
  /// are asked to stop and waited for without a limit (event `node.waits` after a second): C++
  /// cannot interrupt them, and they may use what is destroyed with the node. Must not be called in
  /// a callback or a callable, which would wait for itself: that is asserted. Doors are closed
  /// first.
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  // -- tasks ------------------------------------------------------------------
  /// With a future, whose `id` is for `cancel`. The future of a durable task throws
  /// `std::future_error` when the node is destroyed before the task has ended. Not in a callback or
  /// an inline callable, which must not wait (asserted): submit with a callback there.
  task_future submit(task_request request);
  /// With a callback: either the task is accepted and `done` gets its end exactly once, or the task
  /// is refused and `done` is never called. `done` is called on a thread of the node, or on the
  /// caller's before this returns. It must not block, wait for a task of the node or destroy the
  /// node; it may submit with another callback. An exception is dropped with an event
  /// `callback.failed`, as in every other callback below.
  base::expected<protocols::task_id, refusal> submit(task_request request,
                                                     std::function<void(task_view)> done);
  /// The same with a listener, which also gets the pieces of a streamed output.
  base::expected<protocols::task_id, refusal> submit(task_request request,
                                                     std::shared_ptr<task_listener> listener);
  /// The same for doors, without a copy of the end.
  base::expected<protocols::task_id, refusal> submit(
      task_request&& request, std::shared_ptr<protocols::task_observer> caller);
  /// True when the task had not ended yet and now ends as cancelled.
  bool cancel(const protocols::task_id& id);
  /// Live tasks, and ended tasks that are durable or recent.
  [[nodiscard]] std::optional<task_view> find(const protocols::task_id& id) const;
  struct page {
    std::vector<task_view> items;
    std::string next;  ///< The cursor of the next page; empty: this is the last one.
  };
  struct query {
    std::optional<protocols::task_state> state;
    std::string specialist;
    std::size_t limit = 100;
    std::string cursor;
  };
  /// One page. A page has fewer items than `limit` when the items reach `limits.page_bytes`, or
  /// when few tasks match; `next` continues then. An output of more than a sixteenth of
  /// `limits.page_bytes` is left out, as its view says; `find` has it.
  [[nodiscard]] base::expected<page, refusal> list(const query& which) const;
  /// Cancels a workflow: the running step is cancelled, and no other follows.
  using cancel_workflow = std::function<void()>;
  /// Runs a workflow: each step's output is the next step's input. `done` gets the one end, also of
  /// a cancelled workflow.
  base::expected<cancel_workflow, refusal> run_workflow(std::string_view name, task_request first,
                                                        std::function<void(workflow_end)> done);

  // -- specialists ------------------------------------------------------------
  [[nodiscard]] std::vector<specialist_view> specialists() const;
  [[nodiscard]] base::expected<specialist_view, refusal> specialist(std::string_view name) const;
  base::expected<void, refusal> warm(std::string_view specialist);
  base::expected<void, refusal> cool(std::string_view specialist);
  /// The latest lines that the specialist's workers wrote to standard error, after line `after`.
  [[nodiscard]] base::expected<std::vector<worker_line>, refusal> worker_lines(
      std::string_view specialist, std::uint64_t after, std::size_t most) const;
  /// The specialists that are expected next, the most probable first, with reasons. A reason's
  /// number is the factor by which it changes the expected rate, or the probability with which it
  /// announces a task.
  [[nodiscard]] std::vector<prediction_view> predictions() const;
  [[nodiscard]] prediction_state prediction() const;
  /// The latest arrivals as recorded traffic: `timestamp_s,specialist,duration_ms,case` (CSV).
  [[nodiscard]] std::string recording() const;

  // -- the configuration ------------------------------------------------------
  [[nodiscard]] config::node configuration() const;
  struct reloaded {
    std::string change;  ///< `2 specialists added, pool.max_warm 17 → 20`, or `nothing changed`.
    std::size_t workers = 0;  ///< Workers with an old definition, until they are idle and replaced.
  };
  /// Applies the whole configuration, or nothing with the reason.
  base::expected<reloaded> reload(config::node configuration);
  /// The configuration in force with other settings of the pool, until the next reload.
  struct pool_settings {
    std::optional<std::size_t> max_warm;
    std::optional<std::chrono::milliseconds> cooldown;
    std::optional<double> target_memory;
  };
  base::expected<reloaded> tune(const pool_settings& wanted);

  // -- observation ------------------------------------------------------------
  [[nodiscard]] node_view status() const;
  /// Prometheus text.
  [[nodiscard]] std::string metrics() const;
  /// 32 hexadecimal digits, kept in the data directory; empty without a journal.
  [[nodiscard]] std::string identity() const;
  /// Everything durable and learned, as JSON.
  [[nodiscard]] std::string export_state() const;
  /// The samples of the period `last`, as JSON: points, at most `points_max`, and for each metric
  /// the mean, the minimum, the maximum and the last value. The node keeps the samples of a day, in
  /// memory.
  [[nodiscard]] std::string history(std::chrono::milliseconds last, std::size_t points_max) const;
  /// Workflows detected in the traffic since the node started.
  [[nodiscard]] std::uint64_t workflows_detected() const;
  /// Events after number `after`, oldest first; the node keeps the last 4096, and fewer when their
  /// texts are long (`limits.event_log_bytes`).
  [[nodiscard]] std::vector<event> events_after(std::uint64_t after) const;
  /// Calls `listener` for each new event, on a thread of the node, until the handle is dropped.
  [[nodiscard]] std::shared_ptr<void> on_event(std::function<void(const event&)> listener);

  // -- rollout, rollback and reports; all of them JSON ------------------------
  [[nodiscard]] std::string rollout() const;
  [[nodiscard]] std::string rollbacks() const;  ///< The newest first.
  /// One rollback, by its id, or the `last` one; nothing when there is none.
  [[nodiscard]] std::optional<std::string> rollback(std::string_view id) const;
  /// An array: firing alerts, pending alerts, and the latest resolved ones.
  [[nodiscard]] std::string alerts() const;
  /// Findings about `memory`, `warming`, `errors` or `performance`, and what would help. With
  /// `last` the measured values are means over that period instead of the last check's.
  [[nodiscard]] base::expected<std::string> diagnose(
      std::string_view subject, std::optional<std::chrono::milliseconds> last = {}) const;
  /// The deployment report as `md`, `html` or `json`. With `last` its means and charts are over
  /// that period; counts are since the node started.
  [[nodiscard]] base::expected<std::string> report(
      std::string_view format, std::optional<std::chrono::milliseconds> last = {}) const;

  /// The parts of the node, for the doors.
  struct parts;
  [[nodiscard]] parts& inside() { return *parts_; }

private:
  explicit node(std::unique_ptr<parts> inside);
  std::unique_ptr<parts> parts_;
};

}  // namespace greenroom
