// One request to one specialist, from admission to the end.
#pragma once

#include "protocols/base/hash.hpp"
#include "protocols/task_types.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace greenroom::protocols {

/// For tables of tasks. Numbers count up within an epoch, and an epoch is random.
struct task_id_hash {
  std::size_t operator()(const task_id& id) const {
    return static_cast<std::size_t>((id.number ^ id.epoch) * base::golden_step);
  }
};
void append(std::string& to, const task_id& id);

struct task;
class task_ptr;

/// Receives a task's answer, directly from the specialist. Called from any thread of the node,
/// never under a lock; must not block.
class task_observer {
public:
  virtual ~task_observer() = default;
  /// The task is in the journal. Called once, before `on_end`, for journaled tasks only.
  virtual void on_accepted(const task&) noexcept {}
  /// The idempotency key belongs to an equal, earlier request with another id; nothing was started.
  /// Called instead of `on_accepted` and `on_end`.
  virtual void on_existing(const task_id&) noexcept {}
  /// The form of the pieces, or of a whole answer's output. Called before these, once an attempt,
  /// if the worker knows the form.
  virtual void on_form(const task&, stream_form) noexcept {}
  /// A piece of a streamed answer, in order. After a retry the stream restarts at attempt + 1.
  virtual void on_chunk(const task&, std::string_view) noexcept {}
  /// False: no more pieces for now. A worker that can wait asks again soon.
  [[nodiscard]] virtual bool takes_more(const task&) const noexcept { return true; }
  /// The node stops, and the journaled task continues after the node's next start: `on_end` will
  /// not be called here, unless the task ends at the same moment.
  virtual void on_node_stopping(const task&) noexcept {}
  /// The end of the task: state, output and error are final. Called once.
  virtual void on_end(const task&) noexcept = 0;
  /// False when the end has no receiver: the caller has hung up, or has an answer already. Then
  /// nothing needs to be kept for the caller.
  [[nodiscard]] virtual bool waits() const noexcept { return true; }
  /// Approximate memory held while the task is open, including the caller's input.
  [[nodiscard]] virtual std::size_t held_bytes() const noexcept { return 1024; }
};

/// The location of a live task, so that the task is found again when an actor is lost.
enum class task_location : std::uint8_t { free, admission, journal, ring, department };

/// The result of an attempt, or the reason why the worker returned the task.
struct attempt_result {
  failure why = failure::none;  ///< none: `output` is the JSON text of the result.
  bool retryable = false;
  std::string output;  ///< The result, or the error message.
  /// The pause that the server requested (HTTP's Retry-After); 0: none.
  std::int64_t retry_after_ms = 0;
  /// For a failure: the worker itself reported the failure, and has finished with the task.
  bool answered = false;
  /// For a failure that a server reported; null otherwise.
  std::shared_ptr<const upstream_answer> upstream = {};
};

/// The reason of a failed attempt.
struct failed_attempt {
  std::uint32_t number = 0;  ///< From 1.
  std::string why;
  const failed_attempt* before = nullptr;  ///< The previous failed attempt.
};

/// The meaning of a task in a ring for the ring's consumer.
enum class task_phase : std::uint8_t {
  wanted,     ///< To be done.
  attempted,  ///< A worker has finished with the task: see `result`.
  over,       ///< The task has ended; its counter can be released.
  returned,   ///< The task was dispatched but not started; it is queued again.
  committed,  ///< The journal has committed the task's records.
};

/// Takes back a task without references.
class task_home {
public:
  virtual ~task_home() = default;
  virtual void recycle(task& free) noexcept = 0;
};

/// Lives in the ledger, which owns the memory and frees none while the node runs: a stale pointer
/// may be read, but only a `task_ptr` prevents reuse. One owner at a time writes the fields:
/// admission until the push, then the holder. The first thread to set `claimed` decides the end;
/// the end's fields are complete once `state` is final. Fields are grouped by cache line: a task
/// travels from the caller's core to the node's core and back, and rarely used fields must not
/// travel along.
struct alignas(64) task {
  // State of the task, the ledger and the rings; both sides write.
  std::atomic<std::uint32_t> references{0};
  std::atomic<std::uint32_t> next_free{0};
  std::atomic<task*> next{nullptr};
  std::shared_ptr<task_observer> observer;
  std::atomic<bool> claimed{false};
  std::atomic<bool> recorded{false};   ///< The acceptance is in the journal.
  std::atomic<bool> announced{false};  ///< The end was reported.
  std::atomic<bool> anchored{false};   ///< The ledger holds a reference until the end is reported.
  /// The end was reported but could not be journaled: after a crash the task may end differently.
  std::atomic<bool> unwritten{false};
  std::atomic<task_location> location{task_location::free};
  std::atomic<task_state> state{task_state::queued};
  /// The counters that include this task: `counter_key` of a specialist and a pool, or `uncounted`.
  /// The thread that exchanges the value updates the counters, so a task can move while another
  /// thread ends it.
  std::atomic<std::uint32_t> counted{uncounted};
  static constexpr std::uint32_t uncounted = 0xffffffff;
  std::atomic<pool_kind> pool{pool_kind::intelligent};
  task_phase phase = task_phase::wanted;
  task_state end_state = task_state::queued;  ///< The value of `state` once the end is durable.
  failure why = failure::none;
  bool cold_start = false;
  bool start_noted = false;  ///< The journal has a record that the task is about to run.
  std::uint32_t attempts = 0;
  std::uint32_t holder = 0;          ///< The generation of the department that holds the task.
  std::uint32_t dispatch_index = 0;  ///< Among the department's dispatched tasks of the specialist.

  // Set by the caller's side; constant after the push, except who answers the task.
  alignas(64) std::atomic<std::uint32_t> specialist{0};  ///< Index in the catalog; changes when the
                                                         ///< task is passed on.
  std::atomic<std::uint32_t> department{0};              ///< Index in the catalog.
  priority urgency = priority::normal;
  side_effects effects = side_effects::idempotent;
  bool journaled = false;  ///< Durable: acknowledged only once it is in the journal.
  bool streaming = false;  ///< The observer wants pieces.
  bool observed = true;    ///< False for probes and repeats: the predictor must not learn from
                           ///< them.
  bool is_shadow = false;  ///< A shadow copy, only compared.
  bool judged = true;      ///< The end counts as evidence about the pool; false for a repeated
                           ///< copy.
  /// The caller set no timeout: a task that waits for a start gets `start_timeout` in addition. The
  /// department clears the flag when it extends the deadline.
  std::atomic<bool> start_beside{false};
  std::int64_t accepted_ns = 0;  ///< Steady clock.
  /// Steady clock; bounds queueing, retries and running. Read by sweeps of the ledger.
  std::atomic<std::int64_t> deadline_ns{0};
  std::string input;  ///< JSON text.

  // Set by the caller's side and rarely read: the caller's core keeps the line.
  alignas(64) task_id id;
  std::int64_t accepted_unix_ms = 0;        ///< Wall clock, for people and the journal.
  std::uint64_t case_key = 0;               ///< Hash of the session; 0: none.
  std::atomic<std::uint32_t> next_list{0};  ///< Used by the ledger while the slot is free.

  // The end, and where it is sent: the node's core keeps the line.
  alignas(64) std::string output;  ///< JSON text of the result, or the error message.
  std::int64_t dispatched_ns = 0;  ///< When the last attempt left the queue for a worker.
  std::int64_t ended_ns = 0;
  task_home* home = nullptr;
  std::uint32_t slot = 0;

  // Rarely used fields.
  alignas(64) std::string case_id;
  std::int64_t start_wait_ns = 0;   ///< The part of the wait that was for the worker's start.
  std::int64_t retry_after_ms = 0;  ///< For failures that the caller may retry.
  std::string idempotency_key;
  std::uint64_t addressed = 0;  ///< With an idempotency key: hash of the target that the caller
                                ///< named.
  attempt_result result;        ///< Of the last attempt.
  /// Failed attempts, the latest first. The holder adds to the list; any thread with a reference
  /// may read it. The ledger frees the list.
  std::atomic<const failed_attempt*> failures{nullptr};

  [[nodiscard]] static constexpr std::uint32_t counter_key(std::uint32_t of, pool_kind in) {
    return of << 1U | static_cast<std::uint32_t>(in);
  }
  [[nodiscard]] static constexpr std::uint32_t specialist_of(std::uint32_t key) {
    return key >> 1U;
  }
  [[nodiscard]] static constexpr pool_kind pool_of(std::uint32_t key) {
    return static_cast<pool_kind>(key & 1U);
  }
  /// Called by the holder; concurrent readers see the old or the new value of each.
  void belongs_to(std::uint32_t one, std::uint32_t in_department) {
    specialist.store(one, std::memory_order_relaxed);
    department.store(in_department, std::memory_order_relaxed);
  }

  /// The upstream server's answer, if the task failed because of it. Call after the end.
  [[nodiscard]] const std::shared_ptr<const upstream_answer>& upstream() const {
    static const std::shared_ptr<const upstream_answer> none;
    return why == failure::refused || why == failure::worker_failed ? result.upstream : none;
  }

  [[nodiscard]] bool ended() const { return is_final(state.load(std::memory_order_acquire)); }
};

/// A counted reference to a task in the ledger.
class task_ptr {
public:
  task_ptr() = default;
  /// Takes over a reference that is counted already.
  static task_ptr adopt(task* owned) { return task_ptr{owned}; }
  static task_ptr share(task* other) {
    other->references.fetch_add(1, std::memory_order_relaxed);
    return task_ptr{other};
  }
  task_ptr(const task_ptr& other) : task_{other.task_} {
    if (task_) task_->references.fetch_add(1, std::memory_order_relaxed);
  }
  task_ptr(task_ptr&& other) noexcept : task_{other.release()} {}
  task_ptr& operator=(task_ptr other) noexcept {
    std::swap(task_, other.task_);
    return *this;
  }
  ~task_ptr() {
    if (task_ && task_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
      task_->home->recycle(*task_);
  }

  [[nodiscard]] task* get() const { return task_; }
  task* release() {
    auto* result = task_;
    task_ = nullptr;
    return result;
  }
  task& operator*() const { return *task_; }
  task* operator->() const { return task_; }
  explicit operator bool() const { return task_ != nullptr; }
  friend bool operator==(const task_ptr&, const task_ptr&) = default;

private:
  explicit task_ptr(task* owned) : task_{owned} {}
  task* task_ = nullptr;
};

}  // namespace greenroom::protocols
