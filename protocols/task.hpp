// One request for one specialist, from the door to its end.
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

/// Whoever asked for a task. Called from any thread of the node, never while a lock is held, and
/// must not block. Answers go straight here from the specialist.
class asker {
public:
  virtual ~asker() = default;
  /// The task is in the journal. Called once, before `on_end`, for journaled tasks only.
  virtual void on_accepted(const task&) noexcept {}
  /// The same request is known by its idempotency key under another identifier, and nothing was
  /// started. Called instead of `on_accepted` and `on_end`.
  virtual void on_existing(const task_id&) noexcept {}
  /// What the pieces are that follow, or the output of an answer that comes whole. Said before
  /// them, once an attempt, of workers that know it.
  virtual void on_form(const task&, stream_form) noexcept {}
  /// A piece of a streamed answer, in order. After a retry the stream starts again at attempt + 1.
  virtual void on_chunk(const task&, std::string_view) noexcept {}
  /// False: more pieces now would be too many. A worker that can wait looks again soon.
  [[nodiscard]] virtual bool takes_more(const task&) const noexcept { return true; }
  /// The node stops, and the task, which is in the journal, goes on after its next start: no end
  /// will be told here. An end that comes at the same moment may be told all the same.
  virtual void on_left(const task&) noexcept {}
  /// The one end of the task: its state, output or error are final now.
  virtual void on_end(const task&) noexcept = 0;
  /// False when nobody would hear the end: the caller has hung up, or has its answer already. Then
  /// nothing has to be kept for it.
  [[nodiscard]] virtual bool waits() const noexcept { return true; }
  /// What is held in memory while it waits, roughly; what the caller sent is part of it.
  [[nodiscard]] virtual std::size_t held_bytes() const noexcept { return 1024; }
};

/// Where a live task is, so that it can be found again when an actor is lost.
enum class task_place : std::uint8_t { free, door, journal, ring, held };

/// How a task ended at a worker, or why the worker gave it back.
struct attempt_result {
  failure why = failure::none;  ///< none: `output` is the JSON text of the result.
  bool retryable = false;
  std::string output;  ///< The result, or the error message.
  /// So long it asked to be left alone (HTTP's Retry-After); 0: it did not.
  std::int64_t retry_after_ms = 0;
  /// Of one that failed: the worker itself says so, and is through with it.
  bool answered = false;
  /// Of a failure that a server told; null otherwise.
  std::shared_ptr<const upstream_answer> upstream = {};
};

/// Why an attempt failed that was not the last one, or that nothing came after.
struct failed_attempt {
  std::uint32_t number = 0;  ///< From 1.
  std::string why;
  const failed_attempt* before = nullptr;  ///< The one before it that failed.
};

/// What a task in a ring means to the one who takes it out.
enum class task_phase : std::uint8_t {
  wanted,     ///< To be done.
  attempted,  ///< A worker is through with it: see `result`.
  over,       ///< It has ended; whoever counted it may forget it.
  returned,   ///< It was handed out but not started; it waits again.
  committed,  ///< The journal has what it was given.
};

/// Takes back a task that nobody refers to any more.
class task_home {
public:
  virtual ~task_home() = default;
  virtual void recycle(task& free) noexcept = 0;
};

/// Lives in the ledger, which owns the memory and never returns it while the node runs; so a stale
/// pointer may be looked at, but only a `task_ptr` keeps a task from being used again.
/// Fields are written by one party at a time: the door until it is pushed, then whoever holds it.
/// An end is decided by whoever first sets `claimed`; the fields of the end are complete once
/// `state` says so. The order of the fields is that of cache lines: a task goes from the caller's
/// core to the node's and back, and what few tasks use should not travel with the rest.
struct alignas(64) task {
  // -- what becomes of it, and the ledger's and the rings' own: both sides write --
  std::atomic<std::uint32_t> references{0};
  std::atomic<std::uint32_t> next_free{0};
  std::atomic<task*> next{nullptr};
  std::shared_ptr<asker> who;
  std::atomic<bool> claimed{false};
  std::atomic<bool> recorded{false};   ///< The acceptance is in the journal.
  std::atomic<bool> announced{false};  ///< The end was told.
  std::atomic<bool> anchored{false};   ///< The ledger holds a reference until the end is told.
  /// The end was told and is not in the journal, where it belongs: a crash would contradict it.
  std::atomic<bool> unwritten{false};
  std::atomic<task_place> place{task_place::free};
  std::atomic<task_state> state{task_state::queued};
  /// In whose depth it counts: `seat` of a specialist and a pool, or `uncounted`. Whoever exchanges
  /// it settles the counters, so that a task may change hands while someone else ends it.
  std::atomic<std::uint32_t> counted{uncounted};
  static constexpr std::uint32_t uncounted = 0xffffffff;
  std::atomic<pool_kind> pool{pool_kind::intelligent};
  task_phase phase = task_phase::wanted;
  task_state end_state = task_state::queued;  ///< What `state` becomes once the end is durable.
  failure why = failure::none;
  bool cold_start = false;
  bool start_noted = false;  ///< The journal was told that it is about to run.
  std::uint32_t attempts = 0;
  std::uint32_t holder = 0;  ///< Which life of which department holds it.
  std::uint32_t hand = 0;    ///< Its position among those that its department has handed out.

  // -- said by the caller, constant once it is in but for who answers it --
  alignas(64) std::atomic<std::uint32_t> specialist{0};  ///< Index in the cast; may be passed on.
  std::atomic<std::uint32_t> department{0};              ///< Index in the cast.
  priority urgency = priority::normal;
  side_effects effects = side_effects::idempotent;
  bool journaled = false;  ///< Durable: acknowledged only once it is in the journal.
  bool streaming = false;  ///< The asker wants chunks.
  bool observed = true;    ///< False for probes and repeats: prediction must not learn from them.
  bool mirror = false;     ///< A copy that is only compared; nobody waits for it.
  bool judged = true;      ///< How it ends is evidence of its pool; not of a repeated copy.
  /// Nobody said how long it may take: it has `start_timeout` more when it waits for a start. Its
  /// department takes this away when it gives that.
  std::atomic<bool> start_beside{false};
  std::int64_t accepted_ns = 0;  ///< Steady clock.
  /// Steady clock; bounds waiting, retries and running. Looked at by whoever sweeps the ledger.
  std::atomic<std::int64_t> deadline_ns{0};
  std::string input;  ///< JSON text.

  // -- said by the caller too, but few ask: his core keeps the line --
  alignas(64) task_id id;
  std::int64_t accepted_unix_ms = 0;        ///< Wall clock, for people and the journal.
  std::uint64_t case_key = 0;               ///< Hash of the session it belongs to; 0: none.
  std::atomic<std::uint32_t> next_list{0};  ///< Its home's, while it is free.

  // -- its end, and where it goes then: the node's core keeps the line --
  alignas(64) std::string output;  ///< JSON text of the result, or the error message.
  std::int64_t dispatched_ns = 0;  ///< When it left the waiting queue for a worker, last attempt.
  std::int64_t ended_ns = 0;
  task_home* home = nullptr;
  std::uint32_t slot = 0;

  // -- what few have --
  alignas(64) std::string case_id;
  std::int64_t start_wait_ns = 0;   ///< How much of its waiting was for the worker to start.
  std::int64_t retry_after_ms = 0;  ///< With failures that may be retried by the caller.
  std::string idempotency_key;
  std::uint64_t addressed = 0;  ///< With an idempotency key: hash of whom the caller named.
  attempt_result result;        ///< Of the last attempt.
  /// Those that failed so far, the last one first. Whoever holds the task adds to it; anybody with
  /// a reference may read it. The ledger forgets it.
  std::atomic<const failed_attempt*> failures{nullptr};

  [[nodiscard]] static constexpr std::uint32_t seat(std::uint32_t of, pool_kind in) {
    return of << 1U | static_cast<std::uint32_t>(in);
  }
  [[nodiscard]] static constexpr std::uint32_t specialist_of(std::uint32_t seat) {
    return seat >> 1U;
  }
  [[nodiscard]] static constexpr pool_kind pool_of(std::uint32_t seat) {
    return static_cast<pool_kind>(seat & 1U);
  }
  /// Said by whoever holds it; readers elsewhere see one or the other.
  void belongs_to(std::uint32_t one, std::uint32_t in_department) {
    specialist.store(one, std::memory_order_relaxed);
    department.store(in_department, std::memory_order_relaxed);
  }

  /// What the server behind the worker answered, of a task that ended for it. Once it has ended.
  [[nodiscard]] const std::shared_ptr<const upstream_answer>& upstream() const {
    static const std::shared_ptr<const upstream_answer> none;
    return why == failure::refused || why == failure::worker_failed ? result.upstream : none;
  }

  [[nodiscard]] bool ended() const {
    const auto now = state.load(std::memory_order_acquire);
    return now != task_state::queued && now != task_state::running;
  }
};

/// A counted reference to a task in the ledger.
class task_ptr {
public:
  task_ptr() = default;
  /// Takes over a reference that has been counted already.
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
