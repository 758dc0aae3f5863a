#include "actors/rollback.hpp"

#include "actors/monitor.hpp"
#include "actors/rollout.hpp"
#include "actors/root.hpp"
#include "runtime/monitoring/health_score.hpp"
#include "runtime/rollout/deployment_report.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace greenroom::actors {

using machine::task_outcome, machine::worker_state;
using protocols::pool_kind, protocols::task_place, protocols::task_state;
using runtime::rollout::check, runtime::rollout::mode, runtime::rollout::order;
using runtime::rollout::rollback_kind, runtime::rollout::rollback_plan;
using runtime::rollout::rollback_state, runtime::rollout::trigger;

namespace {

constexpr std::chrono::milliseconds work_period{50};
constexpr double journal_patience_s = 0.5;  // A journal that hangs does not hold up a rollback.
constexpr double window_min_s = 10;

constexpr auto smart = static_cast<std::size_t>(pool_kind::intelligent);
constexpr auto plain = static_cast<std::size_t>(pool_kind::baseline);

double seconds(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>{duration}.count();
}

std::uint64_t value(const machine::counter& of) { return of.load(std::memory_order_relaxed); }

std::string text_of(const char* format, double a, double b) {
  char text[96];
  std::snprintf(text, sizeof text, format, a, b);
  return text;
}

}  // namespace

runtime::rollout::rollback_thresholds thresholds_of(const config::node& from) {
  runtime::rollout::rollback_thresholds result;
  result.error_rate = from.rollback.error_rate;
  result.response_ratio = from.rollback.response_ratio;
  result.memory_use = from.rollback.memory_use;
  result.memory_efficiency = from.rollback.memory_efficiency;
  result.health = from.rollback.health;
  result.critical_alerts_s = seconds(from.rollback.critical_alerts);
  result.success_rate = from.rollback.success_rate;
  result.grace_s = seconds(from.rollout.grace);
  result.check_interval_s = std::max(seconds(from.rollout.check_interval), 0.001);
  return result;
}

runtime::rollout::ledger_verdict ledger_now(const house& where) {
  runtime::rollout::ledger_verdict verdict;
  constexpr int tries = 5;
  for (int i = 0; i < tries; ++i) {
    runtime::rollout::ledger_counts counts;
    const auto ended_before = value(where.gauge.ended);
    counts.accepted = where.gauge.accepted();
    where.ledger.for_each([&](const protocols::task_ptr& job) {
      if (job->mirror || job->announced.load(std::memory_order_acquire)) return;
      if (job->state.load(std::memory_order_acquire) == task_state::running)
        ++counts.running;
      else
        ++counts.queued;
    });
    const auto ended = value(where.gauge.ended);
    std::array<std::uint64_t, machine::task_outcomes> ends{};
    for (std::size_t e = 0; e < ends.size(); ++e) {
      for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
        ends[e] += value(where.pool(kind).gauge.ends[e]);
      ends[e] -= std::min(ends[e], value(where.mirror_ends[e]));
    }
    // Only what was told counts as answered; the outcomes say how.
    counts.failed = ends[static_cast<std::size_t>(task_outcome::failed)]
                    + ends[static_cast<std::size_t>(task_outcome::timeout)];
    counts.cancelled = ends[static_cast<std::size_t>(task_outcome::cancelled)];
    counts.unknown = ends[static_cast<std::size_t>(task_outcome::unknown)];
    const auto others = counts.failed + counts.cancelled + counts.unknown;
    counts.completed = ended - std::min(ended, others);
    verdict = balance(counts);
    if (verdict.balanced) return verdict;
    if (ended_before != ended) --i;  // It moved while it was read; that says nothing.
    if (i < -1000) break;
  }
  return verdict;
}

double rollback_actor_state::now_s() {
  return where->unix_s(self->clock().now().time_since_epoch().count());
}

void rollback_actor_state::open() {
  const auto& config = where->now_playing().config;
  const auto window = std::max(2 * seconds(config.rollout.check_interval), window_min_s);
  for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
    samplers.emplace_back(*where, kind, window);
  watch.set(thresholds_of(config));
  // A predecessor, or an earlier life of the node, may not have been through.
  where->board.read([this](const watch_board::content& board) {
    if (board.rollbacks.empty() || board.rollbacks.back().plan.finished()) return;
    plan = board.rollbacks.back().plan;
    analysis = board.rollbacks.back().analysis;
  });
  look();
  arm_watch();
  wake();
  if (plan) work();
}

// -- the watch ----------------------------------------------------------------

void rollback_actor_state::look() {
  const auto now = now_s();
  const auto rules = where->routes.now().routes;
  const bool works = rules == mode::shadow || rules == mode::hybrid || rules == mode::full;
  if (!works
      || (plan && plan->state() != rollback_state::awaiting_confirmation
          && plan->state() != rollback_state::lowering)) {
    watch.disarm();
    return;
  }
  if (!watch.armed()) {
    for (auto& one : samplers) one.forget();
    watch.arm(now);
  }
  auto sample = samplers[smart].take(now);
  const auto baseline = samplers[plain].take(now);
  // At 100 % the baseline has no traffic; what it was then still is what users had.
  if (baseline.response_mean_ms
      && baseline.tasks >= thresholds_of(where->now_playing().config).tasks_min)
    baseline_mean_ms = baseline.response_mean_ms;
  sample.response_ratio = response_ratio(sample.response_mean_ms, baseline_mean_ms);
  sample.health = runtime::monitoring::health_score(sample).score;
  // In shadow the pool begins cold, and its score is of copies that wait for their first start.
  if (rules == mode::shadow && sample.tasks < thresholds_of(where->now_playing().config).tasks_min)
    sample.health.reset();
  const auto critical = where->board.read([&](const watch_board::content& board) {
    std::optional<double> since;
    // Beside another pool only this one's own alerts count against it.
    const std::string_view subject = rules == mode::full ? "node" : "pool:intelligent";
    for (const auto& one : board.firing)
      if (one.level == runtime::monitoring::severity::critical && one.subject == subject
          && one.rule != runtime::monitoring::rollback_triggered
          && (!since || one.firing_since_s < *since))
        since = one.firing_since_s;
    return since;
  });
  if (const auto tripped = watch.observe(sample, critical)) {
    if (plan)
      static_cast<void>(plan->hurry(tripped->text, now));
    else
      begin(rollback_kind::emergency, tripped->cause, tripped->text, now);
    work();
  }
}

// -- words --------------------------------------------------------------------

void rollback_actor_state::wake() {
  for (auto& word : where->board.empty(watch_board::box::rollback)) obey(word);
}

void rollback_actor_state::obey(steering& word) {
  const auto now = now_s();
  const auto say = [&](int status, std::string refused, std::string text) {
    if (word.told) word.told(status, std::move(refused), std::move(text));
  };
  switch (word.verb) {
    case steering::what::roll_back: {
      if (plan) {
        const bool hurried = !word.planned && plan->hurry(word.reason, now);
        if (hurried) {
          work();
          return say(202, {}, "the planned rollback goes on at once");
        }
        return say(409, "already-rolling-back",
                   "rollback " + std::to_string(plan->id()) + " is "
                       + std::string{name_of(plan->state())});
      }
      begin(word.planned ? rollback_kind::planned : rollback_kind::emergency, word.cause,
            word.reason, now);
      if (word.planned && word.confirmed) static_cast<void>(plan->confirm(now));
      keep();
      const auto id = std::to_string(plan->id());
      work();
      return say(202, {}, id);
    }
    case steering::what::confirm:
    case steering::what::cancel: {
      const bool yes = word.verb == steering::what::confirm;
      if (!plan || !(yes ? plan->confirm(now) : plan->cancel(now)))
        return say(409, "nothing-to-confirm", "no planned rollback awaits a word");
      keep();
      const auto id = std::to_string(plan->id());
      work();
      return say(200, {}, id);
    }
    case steering::what::verify: {
      if (plan) return say(409, "already-rolling-back", "a rollback is under way");
      auto last = where->board.read([](const watch_board::content& board) {
        return board.rollbacks.empty() ? std::optional<rollback_face>{} : board.rollbacks.back();
      });
      if (!last || !last->plan.verify_again(now))
        return say(409, "nothing-to-verify", "there was no rollback that could be verified");
      plan = std::move(last->plan);
      analysis = std::move(last->analysis);
      keep();
      work();
      return say(202, {}, std::to_string(where->board.read([](const watch_board::content& board) {
                   return board.rollbacks.back().plan.id();
                 })));
    }
    default: return;
  }
}

// -- the way back -------------------------------------------------------------

void rollback_actor_state::begin(rollback_kind kind, trigger cause, const std::string& reason,
                                 double now) {
  const auto rules = where->routes.now();
  const auto share =
      rules.routes == mode::hybrid ? rules.percentage
      : rules.routes == mode::full
              || (rules.routes == mode::idle && where->routes.configured == pool_kind::intelligent)
          ? 100.0
          : 0.0;
  // First of all new tasks go to the baseline; everything else can follow.
  if (kind == rollback_kind::emergency) switch_over();
  const auto id = where->board.write([&](watch_board::content& board) {
    ++board.rollbacks_by_trigger[std::string{name_of(cause)}];
    return ++board.rollbacks_begun;
  });
  plan = rollback_plan::begin(id, kind, cause, reason, share, now);
  waiting_at_start = running_at_start = 0;
  where->board.write([&](watch_board::content& board) {
    board.rollbacks.push_back({*plan, {}});
    if (board.rollbacks.size() > watch_board::rollbacks_max) board.rollbacks.pop_front();
  });
  const auto record =
      where->board.read([](const watch_board::content& board) { return board.evidence; });
  analysis = runtime::rollout::cause_json(runtime::rollout::find_causes(record, now));
  where->publish("rollback.begun", "{\"id\":" + std::to_string(id) + ",\"trigger\":\""
                                       + std::string{name_of(cause)} + "\"}");
  if (where->journaling)
    self->send(root, protocols::report_atom::value, std::string{rollback_count_record},
               std::to_string(id));
  keep();
}

void rollback_actor_state::switch_over() {
  where->routes.rolling_back.store(true, std::memory_order_release);
  where->routes.force({mode::fallback, 0});
  where->routes.leaving[plain].store(false, std::memory_order_release);
  where->routes.leaving[smart].store(true, std::memory_order_release);
  const bool cooled = !where->routes.baseline_warm.exchange(true);
  self->send(root, protocols::open_atom::value, static_cast<std::uint32_t>(pool_kind::baseline));
  if (cooled) self->send(root, protocols::reload_atom::value);
  const auto& gauge = where->pool(pool_kind::baseline).gauge;
  for (std::size_t e = 0; e < ends_before.size(); ++e) ends_before[e] = value(gauge.ends[e]);
  refused_before = where->ends.refused(pool_kind::baseline);
  time_before_ns = gauge.total_time.sum_ns();
}

rollback_actor_state::held rollback_actor_state::count_held() const {
  held result;
  where->ledger.for_each([&](const protocols::task_ptr& job) {
    if (job->mirror || job->claimed.load(std::memory_order_acquire)
        || job->pool.load() != pool_kind::intelligent)
      return;
    if (job->state.load(std::memory_order_acquire) == task_state::running)
      ++result.running;
    else
      ++result.waiting;
  });
  return result;
}

void rollback_actor_state::work() {
  if (!plan) return;
  const auto now = now_s();
  const auto before = plan->steps().size();
  if (plan->tick(now) || plan->steps().size() != before) keep();
  // What comes next waits until what was done is written, unless the journal hangs.
  for (int steps = 0; steps < 8 && plan && !plan->finished(); ++steps) {
    if (written_token < token && now - saved_at_s < journal_patience_s) break;
    const auto count = plan->steps().size();
    const auto checks = plan->checks();
    carry_out(now);
    if (plan->steps().size() == count) break;
    keep();
  }
  if (plan && plan->finished()) finish();
  if (plan) arm_work();
}

void rollback_actor_state::carry_out(double now) {
  const auto wanted = plan->next();
  const auto tell_departments = [this](bool fence) {
    self->send(root, protocols::switch_atom::value,
               static_cast<std::uint32_t>(pool_kind::intelligent), fence);
  };
  const auto tell_rollout = [this] {
    steering word;
    word.verb = steering::what::fall_back;
    word.reason = "rollback " + std::to_string(plan->id()) + ": " + plan->reason();
    where->board.leave(watch_board::box::rollout, std::move(word));
    self->send(root, protocols::steer_atom::value, static_cast<std::uint32_t>(root_state::rolling));
  };
  switch (wanted.what) {
    case order::set_percentage:
      where->routes.rolling_back.store(true, std::memory_order_release);
      where->routes.force({mode::hybrid, wanted.percentage});
      self->send(root, protocols::open_atom::value,
                 static_cast<std::uint32_t>(pool_kind::baseline));
      break;
    case order::switch_to_baseline: {
      switch_over();
      tell_rollout();
      const auto now_held = count_held();
      waiting_at_start = now_held.waiting;
      running_at_start = now_held.running;
      if (where->pool(pool_kind::baseline).open)
        static_cast<void>(plan->carried_out(order::switch_to_baseline, 0, now));
      break;
    }
    case order::requeue: {
      tell_departments(false);
      const auto left = count_held();
      // Those that a specialist holds ahead of a long run come back when it is told; what is still
      // there at the end of the time is left to the draining.
      if (left.waiting == 0 || now > wanted.by_s)
        static_cast<void>(plan->carried_out(
            order::requeue, waiting_at_start - std::min(waiting_at_start, left.waiting), now));
      break;
    }
    case order::drain: {
      tell_departments(false);
      const auto left = count_held();
      if (left.waiting + left.running == 0)
        static_cast<void>(plan->carried_out(order::drain, running_at_start, now));
      break;
    }
    case order::fence: {
      const auto left = count_held();
      if (left.waiting + left.running == 0)
        static_cast<void>(plan->carried_out(order::fence, running_at_start, now));
      else {
        running_at_start = std::max(left.running, std::uint64_t{1});
        tell_departments(true);
      }
      break;
    }
    case order::verify: {
      // The rollout may have been lost when it was told.
      const bool noted = where->board.read([](const watch_board::content& board) {
        return !board.rollout || board.rollout->stands() == runtime::rollout::standing::rolled_back;
      });
      if (!noted) tell_rollout();
      verify(now);
      break;
    }
    case order::await_confirmation:
    case order::none: break;
  }
}

void rollback_actor_state::verify(double now) {
  const auto& config = where->now_playing().config;
  const auto dead = dead_command(*where);
  const auto count = baseline_count(*where);
  const bool reachable = count.warm == count.all;
  static_cast<void>(plan->checked(
      check::specialists_reachable, reachable,
      std::to_string(count.warm) + " of " + std::to_string(count.all) + " baseline workers are up",
      now));
  if (plan->finished()) return;
  // A command answers when it leads to somebody and everybody in the baseline is up.
  static_cast<void>(plan->checked(check::commands_answer, dead.empty() && reachable,
                                  !dead.empty() ? "nobody answers " + dead
                                                : std::to_string(config.commands.size())
                                                      + " commands lead to workers that "
                                                      + (reachable ? "are up" : "are not all up"),
                                  now));
  if (plan->finished()) return;
  const auto& gauge = where->pool(pool_kind::baseline).gauge;
  const auto grown = [&](task_outcome which) {
    const auto e = static_cast<std::size_t>(which);
    return value(gauge.ends[e]) - std::min(value(gauge.ends[e]), ends_before[e]);
  };
  auto errors =
      grown(task_outcome::failed) + grown(task_outcome::timeout) + grown(task_outcome::unknown);
  const auto tasks = errors + grown(task_outcome::completed);
  errors -=
      std::min(errors, where->ends.refused(pool_kind::baseline)
                           - std::min(refused_before, where->ends.refused(pool_kind::baseline)));
  const auto rate = tasks == 0 ? 0 : static_cast<double>(errors) / static_cast<double>(tasks);
  static_cast<void>(plan->checked(
      check::errors_at_baseline, tasks == 0 || rate <= config.rollout.criteria.error_rate,
      std::to_string(errors) + " of " + std::to_string(tasks) + " tasks failed since the switch",
      now));
  if (plan->finished()) return;
  const auto mean = tasks == 0 ? 0
                               : static_cast<double>(gauge.total_time.sum_ns() - time_before_ns)
                                     * 1e-6 / static_cast<double>(tasks);
  const auto usual = baseline_mean_ms.value_or(0);
  const auto allowed =
      std::max(usual * config.rollout.criteria.response_ratio, usual + response_slack_ms);
  // Tasks that were moved bring their waiting with them, so a switch under load takes a moment.
  const auto recent = samplers[plain].take(now).response_p50_ms;
  const bool quick =
      tasks == 0 || !baseline_mean_ms || mean <= allowed || (recent && *recent <= allowed);
  static_cast<void>(plan->checked(
      check::latency_at_baseline, quick,
      tasks == 0 ? "no task ended since the switch"
      : !baseline_mean_ms
          ? text_of("%.1f ms on average; the baseline was never measured (%.0f)", mean, usual)
          : text_of("%.1f ms on average; at most %.1f wanted", mean, allowed),
      now));
  if (plan->finished()) return;
  const auto ledger = ledger_now(*where);
  static_cast<void>(plan->checked(check::no_task_lost, ledger.balanced, ledger.text, now));
  if (plan->finished()) return;
  const auto checked_at =
      where->board.read([](const watch_board::content& board) { return board.checked_at_s; });
  const bool up = checked_at > 0 && now - checked_at <= 3 * seconds(config.health_interval) + 1;
  static_cast<void>(plan->checked(check::monitoring_up, up,
                                  up ? text_of("last look %.1f s ago, every %.1f s",
                                               now - checked_at, seconds(config.health_interval))
                                     : "the monitor does not look",
                                  now));
}

void rollback_actor_state::keep() {
  if (!plan) return;
  where->board.write([this](watch_board::content& board) {
    for (auto& one : board.rollbacks)
      if (one.plan.id() == plan->id()) one = {*plan, analysis};
  });
  ++token;
  saved_at_s = now_s();
  if (!where->journaling) {
    written_token = token;
    return;
  }
  self->send(root, protocols::report_atom::value, rollback_record(plan->id()), plan->encode(),
             caf::actor_cast<caf::actor>(self), token);
  self->send(root, protocols::report_atom::value, rollback_record(plan->id()) + ".analysis",
             analysis);
}

void rollback_actor_state::finish() {
  keep();
  const bool called_off = plan->state() == rollback_state::cancelled;
  where->publish("rollback." + std::string{name_of(plan->state())},
                 runtime::rollout::rollback_json(*plan, std::nullopt));
  const bool noted = where->board.read([](const watch_board::content& board) {
    return !board.rollout || board.rollout->stands() == runtime::rollout::standing::rolled_back;
  });
  plan.reset();
  analysis.clear();
  // The rollout has the word again. Should it not know yet, it hears of it before it decides.
  if (!called_off && !noted) {
    steering word;
    word.verb = steering::what::fall_back;
    word.reason = "a rollback has ended";
    where->board.leave(watch_board::box::rollout, std::move(word));
  }
  if (called_off) {
    const auto back = where->board.read([](const watch_board::content& board) {
      return board.rollout
                 ? switchboard::setting{board.rollout->routes(), board.rollout->percentage()}
                 : switchboard::setting{};
    });
    where->routes.force(back);
  }
  where->routes.rolling_back.store(false, std::memory_order_release);
  self->send(root, protocols::steer_atom::value, static_cast<std::uint32_t>(root_state::rolling));
}

void rollback_actor_state::arm_watch() {
  const auto wait = where->now_playing().config.rollout.check_interval;
  self->delayed_send(self, wait, protocols::check_atom::value, ++watch_generation);
}

void rollback_actor_state::arm_work() {
  self->delayed_send(self, work_period, protocols::tick_atom::value, ++work_generation);
}

caf::behavior rollback(rollback_actor* self, house* where, caf::actor root) {
  auto& state = self->state;
  state.self = self;
  state.where = where;
  state.root = std::move(root);
  self->set_default_handler(caf::drop);
  self->set_exit_handler([self](const caf::exit_msg& message) {
    self->state.root = nullptr;  // They hold each other.
    self->quit(message.reason);
  });
  state.open();
  return {
      [&state](protocols::check_atom, std::uint64_t generation) {
        if (generation != state.watch_generation) return;
        state.look();
        state.arm_watch();
      },
      [&state](protocols::tick_atom, std::uint64_t generation) {
        if (generation == state.work_generation) state.work();
      },
      [&state](protocols::steer_atom) { state.wake(); },
      [&state](protocols::written_atom, std::uint64_t number) {
        state.written_token = std::max(state.written_token, number);
        state.work();
      },
      [&state](protocols::reload_atom) {
        state.watch.set(thresholds_of(state.where->now_playing().config));
      },
  };
}

}  // namespace greenroom::actors
