#include "actors/rollout.hpp"

#include "actors/monitor.hpp"
#include "actors/rollback.hpp"
#include "actors/root.hpp"
#include "runtime/rollout/deployment_report.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using machine::worker_state;
using protocols::pool_kind;
using runtime::rollout::decision, runtime::rollout::mode, runtime::rollout::phase;
using runtime::rollout::pool_side, runtime::rollout::rollout_plan, runtime::rollout::standing;

namespace {

constexpr std::chrono::milliseconds tick_period{200};

double seconds(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>{duration}.count();
}

bool active(standing how) {
  return how == standing::running || how == standing::paused
         || how == standing::awaiting_confirmation;
}

}  // namespace

runtime::rollout::rollout_settings settings_of(const config::node& from) {
  runtime::rollout::rollout_settings result;
  result.check_interval_s = std::max(seconds(from.rollout.check_interval), 0.001);
  result.shadow_hold_s = seconds(from.rollout.shadow_hold);
  result.step_hold_s = seconds(from.rollout.step_hold);
  result.full_hold_s = result.optimization_hold_s = result.step_hold_s;
  result.wanted.min_samples = from.rollout.min_samples;
  result.wanted.min_control =
      std::min<std::uint64_t>(result.wanted.min_control, from.rollout.min_samples);
  result.wanted.memory_efficiency = from.rollout.criteria.memory_efficiency;
  result.wanted.error_rate = from.rollout.criteria.error_rate;
  result.wanted.response_ratio = from.rollout.criteria.response_ratio;
  result.wanted.response_slack_ms = response_slack_ms;
  return result;
}

warm_count baseline_count(const house& where) {
  const auto& playing = where.now_playing();
  warm_count result;
  for (std::uint32_t i = 0; i < playing.members.size(); ++i) {
    if (playing.members[i].gone) continue;
    ++result.all;
    const auto state =
        where.pool(pool_kind::baseline).specialists[i]->gauge.state.load(std::memory_order_relaxed);
    if (state == worker_state::warm || state == worker_state::busy) ++result.warm;
  }
  return result;
}

std::string dead_command(const house& where) {
  const auto& playing = where.now_playing();
  for (const auto& [word, to] : playing.config.commands) {
    if (!to.specialist.empty()) {
      const auto who = playing.find(to.specialist);
      if (who == cast::nobody || playing.members[who].gone) return word;
      continue;
    }
    const auto department = playing.by_department.find(to.department);
    if (department == playing.by_department.end()
        || std::ranges::all_of(playing.staff[department->second],
                               [&](std::uint32_t who) { return playing.members[who].gone; }))
      return word;
  }
  return {};
}

runtime::rollout::readiness readiness_of(const house& where) {
  runtime::rollout::readiness result;
  const auto count = baseline_count(where);
  result.baseline_warm = where.pool(pool_kind::baseline).open && count.warm == count.all;
  result.intelligent_up = where.pool(pool_kind::intelligent).open;
  result.journal_ok = !where.journaling || where.gauge.journal_ok.load(std::memory_order_relaxed);
  result.monitor_ok =
      where.board.read([](const watch_board::content& board) { return board.checked_at_s > 0; });
  const auto dead = dead_command(where);
  result.commands_ok = dead.empty();
  result.detail =
      std::to_string(count.warm) + " of " + std::to_string(count.all) + " baseline workers warm";
  if (!dead.empty()) result.detail += "; nobody answers the command " + dead;
  return result;
}

std::string remember(house& where, const watch_memory& journaled) {
  std::string unread;
  std::string error;
  const auto& config = where.now_playing().config;
  where.board.write([&](watch_board::content& board) {
    if (!journaled.rollout.empty()) {
      board.rollout = rollout_plan::decode(journaled.rollout, settings_of(config), error);
      if (!board.rollout) unread = "the rollout: " + error;
    }
    for (const auto& [text, analysis] : journaled.rollbacks) {
      auto plan = runtime::rollout::rollback_plan::decode(text, {}, error);
      if (!plan) {
        unread += (unread.empty() ? "" : "; ") + std::string{"a rollback: "} + error;
        continue;
      }
      board.rollbacks_begun = std::max(board.rollbacks_begun, plan->id());
      board.rollbacks.push_back({std::move(*plan), analysis});
    }
    if (board.rollout) {
      where.routes.force({board.rollout->routes(), board.rollout->percentage()});
      where.routes.baseline_warm =
          board.rollout->baseline_must_be_warm() || board.rollout->stands() == standing::idle;
    }
    if (!board.rollbacks.empty()) {
      using runtime::rollout::rollback_state;
      const auto& last = board.rollbacks.back().plan;
      const bool switched = !last.finished()
                            && last.state() != rollback_state::awaiting_confirmation
                            && last.state() != rollback_state::lowering;
      if (switched) {
        where.routes.rolling_back = true;
        where.routes.baseline_warm = true;
        where.routes.force({mode::fallback, 0});
      }
    }
  });
  return unread;
}

// -- the plan -----------------------------------------------------------------

double rollout_state::now_s() {
  return where->unix_s(self->clock().now().time_since_epoch().count());
}

void rollout_state::open() {
  const auto settings = settings_of(where->now_playing().config);
  plan = where->board.read([](const watch_board::content& board) { return board.rollout; });
  if (!plan) {
    plan.emplace(settings);
  } else {
    // A predecessor died, or the node did: it goes on exactly there.
    std::string ignored;
    if (auto again = rollout_plan::decode(plan->encode(), settings, ignored)) plan = again;
    std::vector<decision> made;
    if (auto back = plan->restored(now_s())) made.push_back(std::move(*back));
    apply(*plan);
    keep(std::move(made), {});
  }
  where->board.write([this](watch_board::content& board) { board.rollout = plan; });
  wake();
  arm();
}

void rollout_state::wake() {
  for (auto& word : where->board.empty(watch_board::box::rollout)) obey(word);
  arm();
}

void rollout_state::obey(steering& word) {
  runtime::rollout::answer said;
  const auto now = now_s();
  switch (word.verb) {
    case steering::what::start: said = plan->start(word.who, now); break;
    case steering::what::advance: said = plan->advance(word.who, word.force, now); break;
    case steering::what::pause: said = plan->pause(word.who, now); break;
    case steering::what::resume: said = plan->resume(word.who, now); break;
    case steering::what::abort: said = plan->abort(word.who, word.reason, now); break;
    case steering::what::route: said = plan->route(word.who, word.percentage, now); break;
    case steering::what::fall_back: said.done = plan->fall_back(word.reason, now); break;
    default: return;
  }
  if (said.refused) {
    const bool malformed = *said.refused == runtime::rollout::refusal::bad_percentage;
    if (word.told) word.told(malformed ? 400 : 409, std::string{name_of(*said.refused)}, said.text);
    return;
  }
  std::vector<decision> made;
  if (said.done) made.push_back(*said.done);
  auto told = std::move(word.told);
  keep(std::move(made),
       told ? [told, text = said.text] { told(200, {}, text); } : std::function<void()>{});
  // Somebody waits for the first look; it need not wait for its interval.
  if (word.verb == steering::what::start) judged_at_s = 0;
}

runtime::rollout::circumstances rollout_state::look() const {
  runtime::rollout::circumstances result;
  result.ready = readiness_of(*where);
  const auto interval = seconds(where->now_playing().config.health_interval);
  const auto now = where->unix_s(where->time->now_ns());
  where->board.read([&](const watch_board::content& board) {
    result.memory_efficiency =
        board.samples[static_cast<std::size_t>(pool_kind::intelligent)].memory_efficiency;
    // Three intervals without a look: the monitor sees nothing.
    if (now - board.checked_at_s > 3 * interval + 1) result.ready.monitor_ok = false;
  });
  const auto shadow = where->shadow.read();
  result.commands_compared = shadow.commands_compared;
  result.commands_differing = shadow.commands_differing;
  return result;
}

void rollout_state::judge(double now) {
  judged_at_s = now;
  plan->observe(pool_side::baseline, where->ends.take(pool_kind::baseline), now);
  plan->observe(pool_side::intelligent, where->ends.take(pool_kind::intelligent), now);
  keep(plan->tick(look(), now), {});
}

void rollout_state::tick() {
  if (!active(plan->stands())) return;
  where->shadow.settle();
  const auto now = now_s();
  const auto wait = plan->at() == phase::preparation
                        ? 0.0
                        : seconds(where->now_playing().config.rollout.check_interval);
  if (now - judged_at_s >= wait) judge(now);
  arm();
}

// -- what was decided ---------------------------------------------------------

void rollout_state::keep(std::vector<decision> made, std::function<void()> told) {
  unwritten fresh{++token, *plan, std::move(made), std::move(told)};
  for (const auto& one : fresh.made) {
    if (!one.roll_back) continue;
    // The way back does not wait for the journal.
    steering back;
    back.verb = steering::what::roll_back;
    back.who = "rollout";
    back.reason = one.reason;
    back.cause = one.kind == runtime::rollout::decision_kind::failed
                     ? runtime::rollout::trigger::judge
                     : runtime::rollout::trigger::by_hand;
    if (one.kind == runtime::rollout::decision_kind::fell_back) continue;  // It told us.
    where->board.leave(watch_board::box::rollback, std::move(back));
    self->send(root, protocols::steer_atom::value, static_cast<std::uint32_t>(root_state::undoing));
  }
  if (where->journaling)
    self->send(root, protocols::report_atom::value, std::string{rollout_record},
               fresh.then.encode(), caf::actor_cast<caf::actor>(self), fresh.token);
  const bool at_once = !where->journaling;
  waiting.push_back(std::move(fresh));
  if (at_once) written(token);
}

void rollout_state::written(std::uint64_t number) {
  while (!waiting.empty() && waiting.front().token <= number) {
    auto one = std::move(waiting.front());
    waiting.pop_front();
    show(one);
  }
}

void rollout_state::show(const unwritten& one) {
  where->board.write([&](watch_board::content& board) { board.rollout = one.then; });
  for (const auto& each : one.made) {
    const auto json = runtime::rollout::decision_json(each);
    where->publish("rollout." + std::string{name_of(each.kind)}, json);
    if (where->journaling)
      self->send(root, protocols::report_atom::value, std::string{"rollout.decision"}, json,
                 static_cast<std::int64_t>(each.at_s * 1000));
  }
  apply(one.then);
  if (one.told) one.told();
}

void rollout_state::apply(const rollout_plan& now) {
  const bool running = active(now.stands());
  where->ends.open(running);
  // An operator's percentage may go past preparation; both pools are there in any case.
  const bool both = now.stands() != standing::idle && now.stands() != standing::complete;
  const auto open = [this](pool_kind kind) {
    self->send(root, protocols::open_atom::value, static_cast<std::uint32_t>(kind));
  };
  if (both) open(pool_kind::baseline);
  if (both || now.routes() != mode::idle) open(pool_kind::intelligent);
  const bool fresh_stage = applied != now.at() || applied_run != now.run();
  if (fresh_stage && now.at() == phase::shadow_mode) where->shadow.begin_anew();
  if (fresh_stage && running) {
    static_cast<void>(where->ends.take(pool_kind::baseline));
    static_cast<void>(where->ends.take(pool_kind::intelligent));
  }
  applied = now.at();
  applied_run = now.run();
  if (where->routes.rolling_back.load(std::memory_order_acquire)) return;
  const bool warm = now.baseline_must_be_warm() || now.stands() == standing::idle;
  if (where->routes.baseline_warm.exchange(warm) != warm)
    self->send(root, protocols::reload_atom::value);
  if (now.routes() != mode::fallback)
    for (auto& one : where->routes.leaving) one.store(false, std::memory_order_release);
  where->routes.set({now.routes(), now.percentage()});
}

void rollout_state::arm() {
  if (!active(plan->stands())) return;
  self->delayed_send(self, tick_period, protocols::tick_atom::value, ++generation);
}

caf::behavior rollout(rollout_actor* self, house* where, caf::actor root) {
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
      [&state](protocols::tick_atom, std::uint64_t generation) {
        if (generation == state.generation) state.tick();
      },
      [&state](protocols::steer_atom) { state.wake(); },
      [&state](protocols::written_atom, std::uint64_t number) { state.written(number); },
      [&state](protocols::reload_atom) {
        std::string ignored;
        if (auto again = rollout_plan::decode(
                state.plan->encode(), settings_of(state.where->now_playing().config), ignored))
          state.plan = std::move(again);
      },
  };
}

}  // namespace greenroom::actors
