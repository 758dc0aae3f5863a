// A node of Greenroom as a library: start it, register C++ callables, submit tasks, hear the ends.
#pragma once

#include "actors/event_log.hpp"
#include "config/node.hpp"
#include "protocols/task.hpp"

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
  std::string output;  ///< JSON text, or the error message when `why` says so.
  bool cold_start = false;
  std::uint32_t attempts = 0;
  protocols::pool_kind served_by = protocols::pool_kind::intelligent;
  double queue_ms = 0, start_ms = 0, run_ms = 0, total_ms = 0;
  std::int64_t accepted_unix_ms = 0, ended_unix_ms = 0;
  bool unwritten = false;  ///< The end is not in the journal, where it belongs.
};
/// @pre `done` has ended, or is only looked at by its holder.
[[nodiscard]] task_view view_of(const protocols::task& done, std::string specialist,
                                std::string department);

enum class specialist_state : std::uint8_t { cold, warming, warm, busy, cooling, failed };
[[nodiscard]] std::string_view to_string(specialist_state value);

struct specialist_view {
  std::string name, department, priority;
  specialist_state state = specialist_state::cold;
  int pid = 0;
  double memory_mb = 0;  ///< Measured while it runs, else the nominal figure.
  bool memory_measured = false;
  std::size_t queue_depth = 0, running = 0, concurrency = 1;
  std::uint64_t tasks = 0, failures = 0, cold_starts = 0, warm_hits = 0, restarts = 0;
  double start_ms = 0;  ///< Mean measured start time; 0: not started yet.
  double run_ms = 0;    ///< Mean measured run time.
  bool pinned = false, circuit_open = false;
  std::string last_error;
};

/// The shape of /health/intelligent-pooling and more, all of it measured.
struct node_view {
  std::string status = "HEALTHY";  ///< HEALTHY | DEGRADED | CRITICAL
  std::int64_t uptime_ms = 0;
  std::size_t warm = 0, total = 0, warming = 0, busy = 0, failed = 0, max_warm = 0;
  double average_response_ms = 0, p50_ms = 0, p95_ms = 0, p99_ms = 0;
  double warm_hit_rate = 0;
  std::size_t queue_depth = 0;
  double memory_mb = 0;              ///< Of all workers, of the baseline pool too.
  double memory_always_warm_mb = 0;  ///< Of the cast, had everybody been warm once.
  double memory_efficiency = 0;      ///< Of all workers, since a second pool came or went.
  std::optional<double> pool_memory_efficiency;  ///< Of the intelligent pool, while it works.
  std::size_t alerts = 0;
  double health_score = 1;
  std::int64_t last_check_unix_ms = 0;
  std::uint64_t accepted = 0, completed = 0, failed_tasks = 0, cancelled = 0, unknown = 0, shed = 0,
                cold_starts = 0, retries = 0, pending = 0;
  bool ready = false, draining = false, journal_ok = true;
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
  };
  /// In-process specialists of kind `function`, by name. JSON text in, JSON text out.
  using function = std::function<std::string(const std::string& input)>;
  struct registration {
    std::string specialist;
    function run;
    bool inline_run = false;  ///< Short and never blocks: runs where the task arrives.
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
  ~node();  ///< Stops at once; `drain` first to let accepted tasks finish.
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  // -- tasks; from any thread -------------------------------------------------
  /// Either the task is in and `who` will hear its end exactly once, or it is refused and nothing
  /// more happens. `who` may hear the end before this returns.
  std::variant<protocols::task_id, refusal> submit(task_request&& request,
                                                   std::shared_ptr<protocols::asker> who);
  /// The same with a future.
  std::future<task_view> submit(task_request request);
  /// The same with a callback, called on a thread of the node.
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
  [[nodiscard]] std::variant<page, refusal> list(const query& which) const;
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
  /// Prometheus text.
  [[nodiscard]] std::string metrics() const;
  /// 32 hexadecimal digits, kept in the data directory; empty without a journal.
  [[nodiscard]] std::string identity() const;
  /// Everything durable and learned, as JSON.
  [[nodiscard]] std::string export_state() const;
  /// Events after number `after`, oldest first; the node keeps the last 4096.
  [[nodiscard]] std::vector<event> events_after(std::uint64_t after) const;
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
  /// What is wrong and what would help: memory, warming, errors or performance.
  [[nodiscard]] std::optional<std::string> diagnose(std::string_view subject) const;
  /// The deployment report as `md`, `html` or `json`.
  [[nodiscard]] std::optional<std::string> report(std::string_view format) const;

  // -- by hand ----------------------------------------------------------------
  std::optional<refusal> warm(std::string_view specialist);
  std::optional<refusal> cool(std::string_view specialist);
  /// Whole or not at all; says why not.
  std::variant<std::monostate, failure> reload(config::node configuration);
  /// Takes nothing new, waits until accepted tasks have ended or `grace` is over, stops workers.
  /// Returns how many durable tasks are left for the next start.
  std::size_t drain(std::chrono::milliseconds grace);

  /// The engine and surroundings, for the doors.
  struct parts;
  [[nodiscard]] parts& inside() { return *parts_; }

private:
  explicit node(std::unique_ptr<parts> inside);
  std::unique_ptr<parts> parts_;
};

}  // namespace greenroom
