// A department: owns the lives of its specialists and the lines of tasks that wait for them.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/inboxes.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "actors/state/worker_sources.hpp"
#include "actors/tasks/completion.hpp"
#include "actors/tasks/specialist.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/machine/tasks/ledger.hpp"

#include "runtime/machine/tasks/waiting_line.hpp"
#include "runtime/pooling/warm_policy.hpp"
#include "runtime/resilience/backoff.hpp"
#include "runtime/resilience/breaker.hpp"
#include "runtime/resilience/restart_budget.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

namespace greenroom::actors {

/// What a department works with.
struct department_parts {
  unexpected_messages& unexpected;
  const node_clock& clock;
  const catalog_store& catalogs;
  pool_records& pools;
  event_log& events;
  machine::task_ledger& ledger;
  machine::node_gauge& gauge;
  dispatcher_inbox& dispatching;
  const routing_table& routes;
  const worker_sources& workers;
  std::uint64_t seed;
  completion& ending;
  specialist_parts specialists;  ///< For the specialists that it spawns.
};

/// Takes tasks through its port, gives each to its specialist when that one is warm and free, asks
/// the director for a slot when it is cold, retries what failed, and replaces specialists that
/// died. Understands `slot_grant` and `slot_recall` from its director, `worker_news` from its
/// specialists, `purge` from the dispatcher, `reload_atom` when the cast has changed, `check_atom`
/// to probe idle workers, `report_atom` to tell the director everything again, and `(switch_atom,
/// fence)` when its pool is being left: what waits goes to the other pool, and what runs too, when
/// it is fenced. Gives up, with an error as its reason, when its specialists' actors die too often:
/// its pool decides then.
class department : public draining_actor {
public:
  department(caf::actor_config& cfg, const department_parts& parts, std::uint32_t index,
             protocols::pool_kind pool, caf::actor director);

  [[nodiscard]] const char* name() const override { return "greenroom.department"; }

protected:
  caf::behavior make_behavior() override;
  void drain() override;
  void on_exit() override;

private:
  // Every task of a callable that runs here looks at what comes first, and at nothing else.
  struct alignas(64) entry {
    // A callable that runs here, on the spot: it has neither an actor nor a worker.
    const machine::callable* at_once = nullptr;
    std::uint32_t index = 0;  // In the cast.
    worker_state now = worker_state::cold;
    bool asked = false;            // The director knows that it is wanted.
    bool dirty = false;            // The director does not know how busy it is now.
    bool hired = false;            // Its actor lives.
    bool circuit_shown = true;     // The door was told that it is open, perhaps by a predecessor.
    bool outdated = false;         // Warm, with a definition that a reload has changed.
    bool replacing = false;        // Its worker is going for that, and it keeps its slot.
    std::uint32_t listable = 0;    // Arrivals that may be told one by one.
    std::uint32_t unlisted = 0;    // Since the last one that was.
    std::int64_t listable_ns = 0;  // Since when it has counted up.
    std::int64_t wanted_since_ns = 0;  // Since when tasks wait for a start; 0: they do not.
    std::int64_t idle_since_ns = 0;
    // Given to the specialist, or being written down as begun, and not come back; at most
    // `member::hands`.
    std::vector<protocols::task_ptr> pending;
    runtime::breaker breaker;
    machine::waiting_line line;
    std::uint32_t failed_starts = 0;  // In a row.
    std::int64_t not_before_ns = 0;   // No start sooner, after a failure.
    std::int64_t drop_sent_ns = 0;
    std::uint32_t born = 0;     // The generation in which its number got its name,
    std::uint32_t defined = 0;  // and its definition.
    runtime::restart_budget restarts;
    std::uint64_t lease = 0;         // Number of the last grant heard; see protocols::slot_news.
    std::int64_t life_since_ns = 0;  // When its worker entered the state that it is in.
    bool worked = false;             // Its worker has had a task since it was ready.
    bool yielding = false;           // Its slot was recalled: its worker stops after its `hands`.
    bool given_up = false;           // Its starts failed; see protocols::slot_news.
  };
  struct retry {
    std::int64_t due_ns = 0;
    protocols::task_ptr job;
  };

  // -- tasks --
  void arrive(protocols::task_ptr job);
  void pump(entry& one);
  void hand(entry& one, protocols::task_ptr job);
  void run_here(entry& one, protocols::task_ptr job);
  void attempt_over(protocols::task_ptr job);
  void let_go(protocols::task_ptr job);
  void returned(protocols::task_ptr job);
  void committed(protocols::task_ptr job);
  bool take_back(entry& one, protocols::task& job);
  void decide_retry(entry& one, protocols::task_ptr job);
  [[nodiscard]] bool leaving() const {
    return parts_.routes.leaving[static_cast<std::size_t>(pool_)].load(std::memory_order_acquire);
  }
  void hand_over(protocols::task_ptr job);
  void hand_over_all(bool fence);
  /// To the fallback, when there is one that can take it; otherwise it stays the caller's.
  bool pass_on(const entry& one, protocols::task_ptr& job);
  /// Those in the line who need not wait for its circuit.
  void relieve(entry& one);
  void move_to(protocols::task_ptr job, std::uint32_t specialist, protocols::pool_kind pool);
  void fail_waiting(entry& one, protocols::failure why, const std::string& message);
  void judge(entry& one, bool ok, bool own_fault = true);
  /// Its caller gave it less time than the specialist's own task_timeout.
  [[nodiscard]] bool is_hurried(const protocols::task& job);
  [[nodiscard]] runtime::breaker::settings breaker_limits() const;
  void rest(entry& one, std::int64_t since_ns);

  // -- slots and workers --
  void grant(const protocols::slot_grant& slot);
  void recall(const protocols::slot_recall& slot);
  void cool_down(entry& one);
  void hear(const protocols::worker_news& news);
  void became_warm(entry& one, std::int64_t start_ns);
  void rest_cold(entry& one);
  /// Lets the worker go that runs an old definition, to start another one in the same slot.
  /// @pre It has nothing in its hands.
  void replace_worker(entry& one);
  /// A task that nobody gave a time has its start's beside it.
  void allow_start(protocols::task& job);
  /// Its worker has died: may it start again at once, in the slot that it has?
  [[nodiscard]] bool keeps_slot(const entry& one);
  void tell_director(entry& one, protocols::slot_news::kind what, std::int64_t load_ns = 0);
  /// How it is with its worker now.
  void tell_state(entry& one);
  void ask(entry& one);
  void ask_again();
  /// Nobody waits for a slot any more, or it is there.
  void stop_asking(entry& one);
  void enter(entry& one, worker_state next);
  void end_stuck_workers();
  /// True when its worker is not to be started again before somebody asks for it.
  [[nodiscard]] bool note_death(entry& one, const protocols::worker_news& news);

  // -- supervision --
  void adopt_catalog();
  void begin_anew(entry& one);
  void renew(entry& one);
  void await_predecessors();
  void hire(std::uint32_t place);
  void recover();
  void lost(std::uint32_t place, const caf::error& reason);
  void lose(const caf::actor_addr& who, const caf::error& reason);

  // -- time --
  void tick();
  void arm();
  void mark(entry& one);
  void flush();
  void purge(const protocols::purge& gone);

  [[nodiscard]] std::int64_t now_ns() const { return parts_.clock.now_ns(); }
  [[nodiscard]] entry& entry_of(std::uint32_t specialist);
  [[nodiscard]] const member& member_of(const entry& one) const {
    return parts_.catalogs.now().members[one.index];
  }
  [[nodiscard]] specialist_record& record_of(const entry& one) {
    return parts_.pools.of(pool_).specialists[one.index];
  }
  /// Nobody, when it is not hired or runs here.
  [[nodiscard]] const caf::actor& actor_of(const entry& one) { return record_of(one).actor; }
  void show(const entry& one, worker_state state) {
    record_of(one).gauge.state.store(state, std::memory_order_relaxed);
  }
  [[nodiscard]] double chance() { return std::uniform_real_distribution<double>{0, 1}(random_); }

  // Arrivals are told one by one as long as a specialist has not more than some twenty a second,
  // after a pause a few at once; beyond that they are only counted. One that is asked for so often
  // is warm whatever anybody expects, and to think about each would take time from the tasks. For
  // the same reason a department tells no more than so many from one report to the next.
  static constexpr std::size_t arrivals_max = 256;
  static constexpr std::uint32_t arrivals_at_once = 16;
  static constexpr std::int64_t arrival_every_ns = 50'000'000;
  // Of those with thousands a second hardly any: what the predictor thinks it takes from the tasks.
  static constexpr std::uint32_t many_unlisted = 100;
  static constexpr std::int64_t arrival_of_many_every_ns = 1'000'000'000;
  [[nodiscard]] static bool may_list(entry& one, std::int64_t at_ns);

  department_parts parts_;
  std::uint32_t index_;
  protocols::pool_kind pool_;
  caf::actor director_;
  department_record& record_;
  std::mt19937_64 random_;
  std::uint32_t incarnation_;
  std::uint64_t first_lease_;         // What was granted up to here was granted to a predecessor.
  std::vector<entry> entries_;        // By place in the staff.
  std::vector<std::uint32_t> dirty_;  // Places of those that are.
  std::vector<retry> retries_;
  std::size_t awaited_ = 0;       // Specialists of a predecessor that are not dead yet.
  std::uint32_t generation_ = 0;  // Of the cast that was adopted last.
  bool open_ = false;
  bool armed_ = false;
  bool flush_armed_ = false;
  bool ask_armed_ = false;
  std::int64_t moment_ns_ = 0;  // When this drain began, or the last callable returned.
  protocols::usage_batch batch_;
};

}  // namespace greenroom::actors
