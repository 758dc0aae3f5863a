#include "apps/chaos/chaos_run.hpp"

#include "apps/chaos/injector.hpp"
#include "apps/chaos/lease_board.hpp"
#include "apps/chaos/observer.hpp"
#include "apps/chaos/stress.hpp"
#include "apps/client/seconds.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace greenroom::apps {
namespace {

namespace chaos = runtime::chaos;

constexpr std::chrono::milliseconds tick_every{2};
constexpr double watch_every_s = 0.2;
constexpr std::chrono::seconds leftover_grace{5};

bool needs_wire(const config::chaos_plan& plan) {
  return std::ranges::any_of(plan.faults, [](const config::chaos_fault& one) {
    switch (static_cast<chaos::fault_kind>(one.kind)) {
      case chaos::fault_kind::slow_worker:
      case chaos::fault_kind::garble_worker:
      case chaos::fault_kind::cut_worker:
      case chaos::fault_kind::swell_worker: return true;
      default: return false;
    }
  });
}

/// Starts each worker through the wire program, which injects faults into its byte stream.
void put_wires(config::node& into, const std::string& program, const std::string& leases) {
  std::size_t slot = 0;
  for (auto& department : into.departments)
    for (auto& one : department.specialists) {
      if (one.backend.kind == config::backend_kind::process) {
        one.backend.command.insert(one.backend.command.begin(), program);
        one.backend.env[lease_file_variable] = leases;
        one.backend.env[lease_slot_variable] = std::to_string(slot);
      }
      ++slot;
    }
}

std::chrono::milliseconds longest_task(const config::node& of) {
  std::chrono::milliseconds most{0};
  for (const auto& department : of.departments)
    for (const auto& one : department.specialists)
      most = std::max(most, one.backend.task_timeout.value_or(config::task_timeout_default
                                                              + one.backend.start_timeout));
  return most;
}

/// Number of journaled tasks whose journal entry differs from the end that the caller received.
std::uint64_t missing_in_journal(const node& of, const chaos_books& books) {
  std::uint64_t missing = 0;
  for (const auto& [id, state] : books.journaled) {
    const auto found = of.find(id);
    if (!found || found->state != state) ++missing;
  }
  return missing;
}

void fill(chaos_result& result, chaos_books& books) {
  const std::lock_guard lock{books.guard};
  auto& out = result.outcome;
  out.asked = books.asked;
  out.completed = books.completed;
  out.pending = books.answers.pending();
  out.doubled = books.answers.doubled();
  result.accepted = books.answers.accepted();
  result.refused = books.refused;
  result.failed = books.failed;
  result.probes = books.probes;
  result.by_fallback = books.by_fallback;
  result.latency = books.latency;
  result.reasons = books.reasons;
  result.journaled = books.journaled.size();
}

void account(chaos_result& result) {
  std::vector<double> recoveries, outages;
  for (const auto& one : result.faults) {
    if (!one.carried_out) continue;
    ++result.outcome.faults;
    if (one.what.what == chaos::fault_kind::kill_worker) ++result.workers_killed;
    if (one.what.what == chaos::fault_kind::kill_actor) ++result.actors_killed;
    if (const auto took = one.recovery.recovery_s()) recoveries.push_back(*took);
    if (const auto took = one.recovery.outage_s()) outages.push_back(*took);
  }
  result.outcome.recovery = chaos::summarize(std::move(recoveries));
  result.outage = chaos::summarize(std::move(outages));
}

/// A node under chaos, with all that acts on the node and looks at it.
class chaos_run {
public:
  chaos_run(const chaos_job& job, node& running, lease_board& leases)
      : job_{job},
        running_{running},
        books_{std::make_shared<chaos_books>(job.cast)},
        traffic_{running, job, books_},
        faults_{running, job, books_, traffic_, leases},
        observer_{running, faults_, books_} {}

  chaos_result carry_out() {
    books_->restart_clock();
    carry_out_faults();
    wait_for_answers();
    result_.faults = faults_.outcomes();
    fill(result_, *books_);
    observer_.stop();
    settle_accounts();
    if (faults_.collapsed()) result_.problem = "the node collapsed: actors died too often";
    account(result_);
    return std::move(result_);
  }

private:
  /// Until the plan's duration is over and every fault is recovered from, or the time to settle is
  /// over too.
  void carry_out_faults() {
    std::atomic<bool> stop_traffic{false};
    std::thread sender{[&] { traffic_.run_traffic([&] { return stop_traffic.load(); }); }};
    const auto duration = seconds_of(job_.plan.duration);
    const auto settle = seconds_of(job_.plan.settle);
    double shown_s = -1;
    for (;;) {
      faults_.tick();
      const auto now = books_->now_s();
      if (now >= shown_s + watch_every_s) {
        shown_s = now;
        show(now);
      }
      if (job_.interrupted != nullptr && job_.interrupted->load()) result_.interrupted = true;
      if (result_.interrupted || faults_.collapsed()) break;
      if (now >= duration && faults_.all_begun()) {
        const std::lock_guard lock{books_->guard};
        if (books_->recovery.open() == 0 || now >= duration + settle) break;
      }
      std::this_thread::sleep_for(tick_every);
    }
    stop_traffic = true;
    sender.join();
    faults_.stop();
    result_.seconds = books_->now_s();
  }

  void show(double now) {
    if (!job_.watch) return;
    chaos_progress shown;
    const auto seen = observer_.now();
    const auto outcomes = faults_.outcomes();
    shown.elapsed_s = now;
    shown.duration_s = seconds_of(job_.plan.duration);
    shown.memory_mb = seen.memory_mb;
    shown.workers_up = seen.workers_up;
    shown.begun = faults_.begun();
    shown.faults = &outcomes;
    {
      const std::lock_guard lock{books_->guard};
      shown.asked = books_->asked;
      shown.completed = books_->completed;
      shown.pending = books_->answers.accepted()
                      - std::min(books_->answers.accepted(), books_->answers.answered());
      shown.open = books_->recovery.open();
    }
    job_.watch(shown);
  }

  /// A task without an end within its own time limit is lost.
  void wait_for_answers() {
    const auto patience = seconds_of(longest_task(job_.configuration)) + 2;
    for (const auto since = books_->now_s(); books_->now_s() - since < patience;) {
      {
        const std::lock_guard lock{books_->guard};
        if (books_->answers.pending() == 0) break;
      }
      if (faults_.collapsed()) break;
      std::this_thread::sleep_for(tick_every * 5);
    }
  }

  /// Compares what the node counted with what the callers received.
  void settle_accounts() {
    // Draining ends every waiting task now, except durable tasks that continue after the next
    // start.
    const auto kept = running_.drain(leftover_grace);
    const auto ledger = running_.status();
    const auto seen = observer_.now();
    auto& out = result_.outcome;
    out.start_s = mean_start_s();
    const auto ended = ledger.completed + ledger.failed_tasks + ledger.cancelled + ledger.unknown;
    std::uint64_t unheard = 0;
    {
      const std::lock_guard lock{books_->guard};
      result_.journal_missing = missing_in_journal(running_, *books_);
      unheard = books_->answers.pending();
    }
    const auto missing = std::max(unheard, ledger.accepted > ended ? ledger.accepted - ended : 0);
    out.lost = (missing > kept ? missing - kept : 0) + result_.journal_missing;
    if (ledger.accepted > result_.accepted) out.doubled += ledger.accepted - result_.accepted;
    out.always_balanced = seen.always_balanced;
    out.over_budget_s = seen.over_budget_s;
    result_.ledger_looks = seen.looks;
    result_.memory_mb = seen.looks == 0 ? 0 : seen.memory_sum_mb / static_cast<double>(seen.looks);
    result_.memory_max_mb = seen.memory_max_mb;
    result_.retries = ledger.retries;
    result_.cold_starts = ledger.cold_starts;
    result_.budget_mb = job_.configuration.pool.memory_budget_mb;
  }

  /// Of the workers that have started; 0: none has.
  double mean_start_s() {
    double sum = 0, starts = 0;
    for (const auto& one : running_.specialists()) {
      if (one.start_ms <= 0) continue;
      sum += one.start_ms * 1e-3;
      ++starts;
    }
    return starts > 0 ? sum / starts : 0;
  }

  const chaos_job& job_;
  node& running_;
  chaos_result result_;
  std::shared_ptr<chaos_books> books_;
  stress traffic_;
  injector faults_;
  chaos_observer observer_;
};

chaos_result no_run(std::string why) {
  chaos_result result;
  result.problem = std::move(why);
  return result;
}

}  // namespace

chaos_result run_chaos(const chaos_job& job) {
  // Lowering the budget reloads the configuration, which must therefore include the wires.
  auto own_job = job;
  own_job.configuration.data_dir = job.folder + "/data";
  lease_board leases;
  const auto lease_file = job.folder + "/leases";
  if (!leases.create(lease_file, job.cast.names.size()))
    return no_run("cannot write " + lease_file);
  if (needs_wire(job.plan))
    put_wires(own_job.configuration, job.bin_directory + "/greenroom-chaos-wire", lease_file);
  node::options options;
  options.bin_directory = job.bin_directory;
  auto started = node::start(own_job.configuration, {}, options);
  if (!started) return no_run("the node cannot start: " + started.error().text);
  return chaos_run{own_job, **started, leases}.carry_out();
}

}  // namespace greenroom::apps
