// A node of Greenroom as a library: start it, register C++ callables, submit tasks, hear the ends.
#pragma once

#include "actors/state/event_log.hpp"
#include "actors/tasks/worker_lines.hpp"
#include "config/node.hpp"
#include "protocols/base/worker_state.hpp"
#include "protocols/task.hpp"
#include "runtime/machine/worker/callable.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace greenroom {

namespace runtime {
class warm_policy;
}  // namespace runtime

/// What a caller asks for. Exactly one of `specialist`, `department` and `command` is set.
struct task_request {
  std::string specialist;      ///< A name or an alias.
  std::string department;      ///< The best placed specialist of it: warm and least loaded first.
  std::string command;         ///< A word that users type, see `commands` in the configuration.
  std::string input = "null";  ///< JSON text; the caller has checked that it is valid.
  protocols::priority urgency = protocols::priority::normal;
  std::optional<std::chrono::milliseconds> timeout;  ///< Else the specialist's task_timeout.
  bool durable = false;  ///< Acknowledged only once it is in the journal.
  bool streaming = false;
  std::string idempotency_key;  ///< Makes the task durable.
  std::string case_id;          ///< The session it belongs to.
  /// The node's own question whether somebody answers: it is no traffic, so nothing is predicted
  /// or judged by it.
  bool probe = false;
};

/// Why nothing was started.
struct refusal {
  protocols::failure why = protocols::failure::none;
  std::string detail;                        ///< A sentence that helps.
  std::vector<std::string> nearest;          ///< For unknown names.
  std::chrono::milliseconds retry_after{0};  ///< 0: retrying does not help.
};

/// A copy of what is known of a task, for people and programs.
struct task_view {
  protocols::task_id id;
  protocols::task_state state = protocols::task_state::queued;
  std::string specialist, department;
  protocols::priority urgency = protocols::priority::normal;
  protocols::failure why = protocols::failure::none;
  std::string output;              ///< JSON text, or the error message when `why` says so.
  std::uint64_t output_bytes = 0;  ///< Of the whole output, also when it is not here.
  bool output_left_out = false;    ///< It is too long for a list.
  bool cold_start = false;
  std::uint32_t attempts = 0;
  protocols::pool_kind served_by = protocols::pool_kind::intelligent;
  double queue_ms = 0, start_ms = 0, run_ms = 0, total_ms = 0;
  std::int64_t accepted_unix_ms = 0, ended_unix_ms = 0;
  /// What the server behind the worker answered, of a task that failed for it; mostly null.
  std::shared_ptr<const protocols::upstream_answer> upstream;
  bool unwritten = false;  ///< The end is not in the journal, where it belongs.
};
enum class with_output : bool { no, yes };
/// @pre `done` has ended, or is only looked at by its holder.
[[nodiscard]] task_view view_of(const protocols::task& done, std::string specialist,
                                std::string department, with_output how = with_output::yes);

using base::worker_state;

struct specialist_view {
  std::string name, department, priority;
  worker_state state = worker_state::cold;
  int pid = 0;
  double memory_mb = 0;  ///< Measured while it runs, else the nominal figure.
  bool memory_measured = false;
  std::size_t queue_depth = 0, running = 0, concurrency = 1;
  std::uint64_t tasks = 0, failures = 0, cold_starts = 0, warm_hits = 0, restarts = 0;
  std::uint64_t skipped_lines = 0;  ///< On its workers' output, which were no messages.
  double start_ms = 0;              ///< Mean measured start time; 0: not started yet.
  double run_ms = 0;                ///< Mean measured run time.
  double cpu_share = 0;             ///< Of one core, by its worker at the last measurement.
  bool pinned = false, circuit_open = false;
  /// A worker of it, in either pool, runs what a reload has changed, until it is idle.
  bool old_definition = false;
  std::string last_error;
};

/// Something that is not well, or could be better, and what would help.
struct finding {
  std::string subject;   ///< memory, warming, errors or performance.
  std::string severity;  ///< info, warning or critical.
  std::string text, change;
};

/// The shape of /health/intelligent-pooling and more, all of it measured.
struct node_view {
  std::string status = "HEALTHY";  ///< HEALTHY | DEGRADED | CRITICAL
  std::int64_t uptime_ms = 0;
  std::size_t warm = 0, total = 0, warming = 0, busy = 0, failed = 0, max_warm = 0;
  std::size_t old_definitions = 0;  ///< Workers of both pools that run what a reload has changed.
  std::uint32_t generation = 1;     ///< How many configurations were in force, this one included.
  double average_response_ms = 0, p50_ms = 0, p95_ms = 0, p99_ms = 0;
  double warm_hit_rate = 0;
  std::size_t queue_depth = 0;
  double memory_mb = 0;              ///< Of all workers, of the baseline pool too.
  double cpu_share = 0;              ///< Of one core, by all workers at the last measurement.
  double memory_always_warm_mb = 0;  ///< Of the cast, had everybody been warm once.
  double memory_efficiency = 0;      ///< Of all workers, since a second pool came or went.
  std::optional<double> pool_memory_efficiency;  ///< Of the intelligent pool, while it works.
  /// Share of the starts ahead of demand that a task came for; of the workflows run by name that
  /// the detector found by itself; and of the tasks asked for that were completed, what was shed
  /// included. Nothing before there was any.
  std::optional<double> prediction_accuracy, workflow_detection, availability;
  std::size_t alerts = 0;
  double health_score = 1;
  std::string way_back;  ///< After a rollback: what leads back, for people.
  struct factor {
    std::string name;
    double value = 0, factor = 1;
  };
  std::vector<factor> factors;   ///< What the health score is the product of, the costliest first.
  std::vector<finding> reasons;  ///< Why it is not HEALTHY with a score of 1 and without alerts.
  std::int64_t last_check_unix_ms = 0;
  std::uint64_t accepted = 0, completed = 0, failed_tasks = 0, cancelled = 0, unknown = 0, shed = 0,
                cold_starts = 0, retries = 0, pending = 0;
  bool ready = false, draining = false, journal_ok = true;
  /// Specialists that are to be up always, pinned or in the baseline, and how many of them are not
  /// up because their last start failed; the first one of these, and why.
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

/// Whether starts ahead of demand are made at all, and how they came out since the node began.
struct prediction_state {
  bool on = true;     ///< False: worse than plain keep-alive, and switched off until tried again.
  double keep_s = 0;  ///< How long plain keep-alive keeps an idle worker at the same memory.
  std::uint64_t hits = 0, wastes = 0;
  double wasted_s = 0;
};

struct workflow_end {
  bool ok = false;
  std::string output;  ///< Of the last step, or the error of the step that failed.
  std::vector<task_view> steps;
  refusal refused;  ///< Set when a step was not even started.
};

namespace actors {
struct steering;
}  // namespace actors

class node {
public:
  struct options {
    /// Where a worker given as a bare name is looked up first.
    std::string bin_directory;
    /// Opens no journal and serves no durable tasks: for embedding and benchmarks.
    bool without_journal = false;
    /// Scheduler threads; 0: chosen from the number of cores.
    std::size_t threads = 0;
    /// Another rule than Greenroom's own for who is warm, without prediction: for comparisons.
    std::function<std::unique_ptr<runtime::warm_policy>()> policy;
    /// Hears every line that a worker writes to stderr. From any thread of the node; must not
    /// block.
    std::function<void(std::string_view specialist, std::string_view line)> worker_line;
    /// All children of this process are workers of this node: those whose parent has ended may
    /// become its own children and be reaped, where the kernel offers no better way to find them.
    bool adopt_orphans = false;
  };
  /// In-process specialists of kind `function`, by name. JSON text in, JSON text out.
  using function = std::function<std::string(const std::string& input)>;
  /// The same with a token that is asked to stop when nobody waits for the result any more.
  using stoppable_function =
      std::function<std::string(const std::string& input, std::stop_token stop)>;
  struct registration {
    std::string specialist;
    machine::callable_function run;  ///< A `function`, a `stoppable_function`, or what is like one.
    /// Short and never blocks: runs where the task arrives, and is not told to stop.
    bool inline_run = false;
  };

  struct failure {
    std::string what;
  };
  /// Starts everything, recovers the journal, and returns when tasks are taken.
  static std::variant<std::unique_ptr<node>, failure> start(config::node configuration,
                                                            std::vector<registration> functions,
                                                            options how);
  static std::variant<std::unique_ptr<node>, failure> start(
      config::node configuration, std::vector<registration> functions = {}) {
    return start(std::move(configuration), std::move(functions), options{});
  }
  /// Stops at once; `drain` first to let accepted tasks finish. Callers that still wait hear that
  /// the node was stopped; durable tasks stay in the journal, for the next start. Callables that
  /// run are asked to stop and waited for, however long they take (event `node.waits` after a
  /// second): C++ cannot interrupt them, and they may use what goes with the node. Not called in a
  /// callback or a callable, which would wait for itself: that is asserted. Doors are closed first.
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  // -- tasks; from any thread -------------------------------------------------
  /// Either the task is in and `who` will hear its end exactly once, or it is refused and nothing
  /// more happens. `who` may hear the end before this returns.
  std::variant<protocols::task_id, refusal> submit(task_request&& request,
                                                   std::shared_ptr<protocols::asker> who);
  /// The same with a future. Not in a callback or an inline callable: to wait there for a task is
  /// to keep the node from doing it, so it is asserted; submit with another callback instead.
  std::future<task_view> submit(task_request request);
  /// The same with a callback, called on a thread of the node: it must not block. What it throws is
  /// dropped with an event `callback.failed`, as with every other callback below.
  std::variant<protocols::task_id, refusal> submit(task_request request,
                                                   std::function<void(task_view)> done);
  /// True when it had not ended yet and now ends as cancelled.
  bool cancel(const protocols::task_id& id);
  /// Live tasks, and ended ones that are durable or recent.
  [[nodiscard]] std::optional<task_view> find(const protocols::task_id& id) const;
  struct page {
    std::vector<task_view> items;
    std::string next;
  };
  struct query {
    std::optional<protocols::task_state> state;
    std::string specialist;
    std::size_t limit = 100;
    std::string cursor;
  };
  /// One page. It has fewer items than `limit` when they are `limits.page_bytes` together, or when
  /// hardly any task passes the filter; `next` goes on then. Outputs of more than a sixteenth of
  /// that are left out, which the view says: `find` has them.
  [[nodiscard]] std::variant<page, refusal> list(const query& which) const;
  /// The same on the node's thread for look-ups, in pieces between which others get their turn.
  /// `done` is called there, or not at all when the node goes down. False, and nothing happens,
  /// when as many wait as may (`limits.state_requests`).
  [[nodiscard]] bool list_aside(query which,
                                std::function<void(std::variant<page, refusal>)> done) const;
  /// Runs `job` on that thread, before lists. False when as many wait as may.
  [[nodiscard]] bool aside(std::function<void()> job) const;
  /// When it makes sense to ask again for what `aside` and `list_aside` had no room for.
  [[nodiscard]] std::chrono::milliseconds aside_wait() const;
  /// What a live task is at now; nothing when it is not live.
  [[nodiscard]] std::optional<protocols::task_state> live_state(const protocols::task_id& id) const;
  /// A caller with an idempotency key that another one's task answers does not wait any more.
  void forget(const protocols::asker* who);
  /// Takes a workflow back: its present step is cancelled, and no other follows.
  using cancel_workflow = std::function<void()>;
  /// Each step's output is the next one's input. `done` hears the one end, also of one that was
  /// taken back.
  std::variant<cancel_workflow, refusal> run_workflow(std::string_view name, task_request first,
                                                      std::function<void(workflow_end)> done);

  // -- what it is doing -------------------------------------------------------
  [[nodiscard]] node_view status() const;
  [[nodiscard]] std::vector<specialist_view> specialists() const;
  [[nodiscard]] std::variant<specialist_view, refusal> specialist(std::string_view name) const;
  /// Who is wanted most, the best first, each with its reasons and by how much each raises (or
  /// lowers) what is expected, or with which probability it announces a task.
  [[nodiscard]] std::vector<prediction_view> predictions() const;
  [[nodiscard]] prediction_state prediction() const;
  /// The latest arrivals as recorded traffic: `timestamp_s,specialist,duration_ms,case` (CSV).
  [[nodiscard]] std::string recording() const;
  [[nodiscard]] std::vector<std::string> workflow_names() const;
  /// Workflows found under way since the node started.
  [[nodiscard]] std::uint64_t workflows_detected() const;
  /// What was measured at the checks of the last while: points, at most `points_max`, and for each
  /// metric its mean, minimum, maximum and last value. The node keeps a day of checks at 15 s, in
  /// memory. JSON.
  [[nodiscard]] std::string history(std::chrono::milliseconds last, std::size_t points_max) const;
  /// What its workers wrote to standard error lately, after the line `after`.
  [[nodiscard]] std::variant<std::vector<worker_line>, refusal> worker_lines(
      std::string_view specialist, std::uint64_t after, std::size_t most) const;
  /// Prometheus text.
  [[nodiscard]] std::string metrics() const;
  /// 32 hexadecimal digits, kept in the data directory; empty without a journal.
  [[nodiscard]] std::string identity() const;
  /// Everything durable and learned, as JSON.
  [[nodiscard]] std::string export_state() const;
  /// Events after number `after`, oldest first; the node keeps the last 4096, and fewer when their
  /// texts are long (`limits.event_log_bytes`).
  [[nodiscard]] std::vector<event> events_after(std::uint64_t after) const;
  /// The same without a copy: as many as `bytes_max` bytes hold, one at least.
  [[nodiscard]] actors::event_range shared_events(std::uint64_t after, std::size_t bytes_max) const;
  /// The numbers of the oldest and the newest event that are kept; 0 and 0: there are none.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> event_numbers() const;
  /// Calls `hear` for each new event, on a thread of the node, until the handle is dropped.
  [[nodiscard]] std::shared_ptr<void> on_event(std::function<void(const event&)> hear);
  [[nodiscard]] config::node configuration() const;

  // -- rollout and rollback; all of them JSON ---------------------------------
  /// An operator's word for the rollout or the rollback; its `told` hears what came of it.
  void steer(actors::steering word);
  [[nodiscard]] std::string rollout() const;
  [[nodiscard]] std::string rollbacks() const;  ///< The newest first.
  /// One, by its id, or the `last` one.
  [[nodiscard]] std::optional<std::string> rollback(std::string_view id) const;
  /// An array: those that fire, those that are pending, and the latest that were resolved.
  [[nodiscard]] std::string alerts() const;
  /// What is wrong and what would help: memory, warming, errors or performance. With `last` the
  /// measured values are means over that time instead of the last check's.
  [[nodiscard]] std::optional<std::string> diagnose(
      std::string_view subject, std::optional<std::chrono::milliseconds> last = {}) const;
  /// The deployment report as `md`, `html` or `json`. With `last` its means and charts are over
  /// that time; counts are since the node started.
  [[nodiscard]] std::optional<std::string> report(
      std::string_view format, std::optional<std::chrono::milliseconds> last = {}) const;

  // -- by hand ----------------------------------------------------------------
  std::optional<refusal> warm(std::string_view specialist);
  std::optional<refusal> cool(std::string_view specialist);
  struct reloaded {
    std::string change;  ///< `2 specialists added, pool.max_warm 17 → 20`, or that nothing did.
    std::size_t workers = 0;  ///< That run an old definition, until they are idle and replaced.
  };
  /// Whole or not at all; says why not.
  std::variant<reloaded, failure> reload(config::node configuration);
  /// The configuration in force with other settings of the pool, until the next reload.
  struct pool_settings {
    std::optional<std::size_t> max_warm;
    std::optional<std::chrono::milliseconds> cooldown;
    std::optional<double> target_memory;
  };
  std::variant<reloaded, failure> tune(const pool_settings& wanted);
  /// Takes nothing new, waits until accepted tasks have ended or `grace` is over, stops workers.
  /// Returns how many durable tasks are left for the next start.
  std::size_t drain(std::chrono::milliseconds grace);

  /// The engine and surroundings, for the doors.
  struct parts;
  [[nodiscard]] parts& inside() { return *parts_; }

private:
  explicit node(std::unique_ptr<parts> inside);
  void wait_for_callables() const;
  /// @pre The caller holds `reload_mutex` and a `catalog_reader::scope`.
  std::variant<reloaded, failure> reload_locked(config::node configuration);
  std::unique_ptr<parts> parts_;
};

}  // namespace greenroom
