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

}  // namespace

cast_list list_cast(const config::node& from, const std::string& cloud_url) {
  cast_list result;
  for (const auto& department : from.departments) {
    for (const auto& one : department.specialists) {
      result.names.push_back(one.name);
      result.shape.department.push_back(static_cast<std::uint32_t>(result.departments.size()));
      result.shape.is_process.push_back(one.backend.kind == config::backend_kind::process);
      result.shape.is_cloud.push_back(one.backend.kind == config::backend_kind::http
                                      && one.backend.url == cloud_url);
    }
    result.departments.push_back(department.name);
  }
  result.shape.departments = result.departments.size();
  return result;
}

rules_result rules_of(const config::chaos_plan& plan, const cast_list& cast) {
  static_assert(chaos::fault_kinds == 12 && chaos::roles == 11);
  rules_result result;
  const bool has_cloud = std::ranges::any_of(cast.shape.is_cloud, [](bool one) { return one; });
  for (const auto& from : plan.faults) {
    chaos::rule one;
    one.what = static_cast<chaos::fault_kind>(from.kind);
    one.from_s = seconds_of(from.from);
    one.until_s = std::min(seconds_of(from.until.count() > 0 ? from.until : plan.duration),
                           seconds_of(plan.duration));
    one.every_s = seconds_of(from.every);
    one.for_s = seconds_of(from.lasts);
    one.amount = from.mb > 0 ? from.mb : seconds_of(from.by);
    one.step_s = seconds_of(from.step);
    one.count = from.count;
    for (const auto role : from.roles) one.roles.push_back(static_cast<chaos::role>(role));
    for (const auto& name : from.only) {
      const auto at = std::ranges::find(cast.names, name);
      if (at == cast.names.end())
        result.problems.push_back("line " + std::to_string(from.line)
                                  + ": no specialist is called \"" + name + "\"");
      else
        one.only.push_back(static_cast<std::uint32_t>(at - cast.names.begin()));
    }
    if (one.what >= chaos::fault_kind::cloud_down && one.what <= chaos::fault_kind::cloud_slow
        && !has_cloud)
      result.problems.push_back(
          "line " + std::to_string(from.line)
          + ": no specialist has the url ${CHAOS_CLOUD}, so there is no cloud");
    if (one.every_s <= 0 && one.from_s + one.for_s > seconds_of(plan.duration)) continue;
    result.rules.push_back(std::move(one));
  }
  for (const auto& part : plan.load.mix) {
    if (!part.specialist.empty()
        && std::ranges::find(cast.names, part.specialist) == cast.names.end())
      result.problems.push_back("line " + std::to_string(part.line) + ": no specialist is called \""
                                + part.specialist + "\"");
  }
  return result;
}

chaos_result run_chaos(const chaos_job& job) {
  chaos_result result;
  auto configuration = job.configuration;
  configuration.data_dir = job.folder + "/data";
  lease_board leases;
  const auto lease_file = job.folder + "/leases";
  if (!leases.create(lease_file, job.cast.names.size())) {
    result.problem = "cannot write " + lease_file;
    return result;
  }
  if (needs_wire(job.plan))
    put_wires(configuration, job.bin_directory + "/greenroom-chaos-wire", lease_file);
  // Lowering the budget reloads the configuration, which must therefore include the wires.
  auto mine = job;
  mine.configuration = configuration;
  result.budget_mb = configuration.pool.memory_budget_mb;
  node::options options;
  options.bin_directory = job.bin_directory;
  auto started = node::start(configuration, {}, options);
  if (!started) {
    result.problem = "the node cannot start: " + started.error().text;
    return result;
  }
  auto& running = **started;
  const auto books = std::make_shared<chaos_books>(job.cast);
  stress traffic{running, mine, books};
  injector faults{running, mine, books, traffic, leases};
  chaos_observer observer{running, faults, books};
  books->restart_clock();

  std::atomic<bool> stop_traffic{false};
  std::thread sender{[&] { traffic.run_traffic([&] { return stop_traffic.load(); }); }};
  const auto duration = seconds_of(job.plan.duration);
  const auto settle = seconds_of(job.plan.settle);
  const auto show = [&](double now) {
    if (!job.watch) return;
    chaos_progress shown;
    const auto seen = observer.now();
    const auto outcomes = faults.outcomes();
    shown.elapsed_s = now;
    shown.duration_s = duration;
    shown.memory_mb = seen.memory_mb;
    shown.workers_up = seen.workers_up;
    shown.begun = faults.begun();
    shown.faults = &outcomes;
    {
      const std::lock_guard lock{books->guard};
      shown.asked = books->asked;
      shown.completed = books->completed;
      shown.pending = books->answers.accepted()
                      - std::min(books->answers.accepted(), books->answers.answered());
      shown.open = books->recovery.open();
    }
    job.watch(shown);
  };
  double shown_s = -1;
  for (;;) {
    faults.tick();
    const auto now = books->now_s();
    if (now >= shown_s + watch_every_s) {
      shown_s = now;
      show(now);
    }
    if (job.interrupted != nullptr && job.interrupted->load()) result.interrupted = true;
    if (result.interrupted || faults.collapsed()) break;
    if (now >= duration && faults.all_begun()) {
      const std::lock_guard lock{books->guard};
      if (books->recovery.open() == 0 || now >= duration + settle) break;
    }
    std::this_thread::sleep_for(tick_every);
  }
  stop_traffic = true;
  sender.join();
  faults.stop();
  result.seconds = books->now_s();
  // A task without an end within its own time limit is lost.
  const auto patience = seconds_of(longest_task(configuration)) + 2;
  for (const auto since = books->now_s(); books->now_s() - since < patience;) {
    {
      const std::lock_guard lock{books->guard};
      if (books->answers.pending() == 0) break;
    }
    if (faults.collapsed()) break;
    std::this_thread::sleep_for(tick_every * 5);
  }
  result.faults = faults.outcomes();
  fill(result, *books);
  observer.stop();
  const auto seen = observer.now();
  // Draining ends every waiting task now, except durable tasks that continue after the next start.
  const auto kept = running.drain(leftover_grace);
  const auto ledger = running.status();
  double starts = 0;
  for (const auto& one : running.specialists()) {
    if (one.start_ms <= 0) continue;
    result.outcome.start_s += one.start_ms * 1e-3;
    ++starts;
  }
  if (starts > 0) result.outcome.start_s /= starts;
  const auto ended = ledger.completed + ledger.failed_tasks + ledger.cancelled + ledger.unknown;
  std::uint64_t unheard = 0;
  {
    const std::lock_guard lock{books->guard};
    result.journal_missing = missing_in_journal(running, *books);
    unheard = books->answers.pending();
  }
  auto& out = result.outcome;
  const auto gone = std::max(unheard, ledger.accepted > ended ? ledger.accepted - ended : 0);
  out.lost = (gone > kept ? gone - kept : 0) + result.journal_missing;
  if (ledger.accepted > result.accepted) out.doubled += ledger.accepted - result.accepted;
  out.always_balanced = seen.always_balanced;
  out.over_budget_s = seen.over_budget_s;
  result.ledger_looks = seen.looks;
  result.memory_mb = seen.looks == 0 ? 0 : seen.memory_sum_mb / static_cast<double>(seen.looks);
  result.memory_max_mb = seen.memory_max_mb;
  result.retries = ledger.retries;
  result.cold_starts = ledger.cold_starts;
  if (faults.collapsed()) result.problem = "the node collapsed: actors died too often";
  account(result);
  return result;
}

}  // namespace greenroom::apps
