#include "actors/rollout/rollout.hpp"

#include "actors/monitoring/evidence.hpp"
#include "actors/rollout/readiness.hpp"
#include "actors/state/rollout_settings.hpp"
#include "actors/state/root_children.hpp"
#include "actors/state/text.hpp"
#include "runtime/rollout/deployment_report.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::pool_kind;
using runtime::rollout::decision, runtime::rollout::mode, runtime::rollout::phase;
using runtime::rollout::rollout_plan, runtime::rollout::standing;

namespace {

constexpr std::chrono::milliseconds judge_period{200};
constexpr double insist_min_s = 1;
constexpr double insist_max_s = 60;

bool active(standing how) {
  return how == standing::running || how == standing::paused
         || how == standing::awaiting_confirmation;
}

// What a rollback had set before the node died holds again before the first task comes.
void resume_rollback(routing_table& routes, const runtime::rollout::rollback_plan& last) {
  using runtime::rollout::rollback_state;
  if (last.finished() || last.state() == rollback_state::awaiting_confirmation) return;
  routes.rolling_back = true;
  routes.baseline_warm = true;
  if (last.state() == rollback_state::lowering) {
    routes.force({mode::hybrid, last.next().percentage});
    return;
  }
  routes.force({mode::fallback, 0});
  routes.leaving[static_cast<std::size_t>(pool_kind::intelligent)] = true;
}

}  // namespace

std::string remember(const config::node& config, routing_table& routes, status_board& board,
                     const journaled_status& journaled) {
  std::string unread;
  std::string error;
  board.write([&](status_board::content& content) {
    if (!journaled.rollout.empty()) {
      content.rollout = rollout_plan::decode(journaled.rollout, settings_of(config), error);
      if (!content.rollout) unread = "the rollout: " + error;
    }
    for (const auto& [text, analysis] : journaled.rollbacks) {
      auto plan = runtime::rollout::rollback_plan::decode(text, way_back_of(config), error);
      if (!plan) {
        unread += (unread.empty() ? "" : "; ") + std::string{"a rollback: "} + error;
        continue;
      }
      content.rollbacks_begun = std::max(content.rollbacks_begun, plan->id());
      content.rollbacks.push_back({std::move(*plan), analysis});
    }
    if (content.rollout) {
      routes.force({content.rollout->routes(), content.rollout->percentage()});
      routes.baseline_warm = content.rollout->baseline_must_be_warm()
                             || (content.rollout->stands() == standing::idle
                                 && config.pool.mode == config::pool_mode::baseline);
    }
    if (!content.rollbacks.empty()) resume_rollback(routes, content.rollbacks.back().plan);
    content.evidence_page = read_evidence(journaled.evidence, content.evidence);
  });
  return unread;
}

// -- the plan -----------------------------------------------------------------

void rollout_state::open() {
  const auto settings = settings_of(parts->catalogs.now().config);
  plan = parts->board.read([](const status_board::content& board) { return board.rollout; });
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
    catch_up();
  }
  parts->board.write([this](status_board::content& board) { board.rollout = plan; });
  parts->shadow.ignore(parts->catalogs.now().config.rollout.ignore);
  wake();
  arm();
}

void rollout_state::wake() {
  for (auto& word : parts->board.empty(status_board::box::rollout)) obey(word);
  arm();
}

void rollout_state::obey(steering& word) {
  runtime::rollout::answer said;
  const auto now = now_s();
  switch (word.verb) {
    case steering::what::start: {
      // It would be told to fall back until the rollback is through.
      if (parts->routes.rolling_back.load(std::memory_order_acquire)) {
        if (word.told)
          word.told(409, "rolling-back",
                    "a rollback is under way; start again when `greenroom rollback status` says "
                    "that it is done");
        return;
      }
      said = plan->start(word.who, now);
      break;
    }
    case steering::what::advance: said = plan->advance(word.who, word.force, now); break;
    case steering::what::pause: said = plan->pause(word.who, now); break;
    case steering::what::resume: said = plan->resume(word.who, now); break;
    case steering::what::reset: {
      if (parts->routes.rolling_back.load(std::memory_order_acquire)) {
        if (word.told)
          word.told(
              409, "rolling-back",
              "a rollback is under way; reset when `greenroom rollback status` says that it is "
              "done");
        return;
      }
      said = plan->reset(word.who, now);
      break;
    }
    case steering::what::abort: said = plan->abort(word.who, word.reason, now); break;
    case steering::what::route: {
      if (auto missing = not_ready_to_route(); !missing.empty()) {
        if (word.told) word.told(409, "not-ready", std::move(missing));
        return;
      }
      said = plan->route(word.who, word.percentage, now);
      break;
    }
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

// There must be something to come back to before anybody is sent away from it.
std::string rollout_state::not_ready_to_route() {
  if (active(plan->stands()) || plan->stands() == standing::rolled_back) return {};
  const auto count = baseline_count(parts->readiness);
  if (parts->pools.of(pool_kind::baseline).open && count.warm == count.all) return {};
  keep_baseline_warm(true);
  open_pool(pool_kind::baseline);
  return std::to_string(count.warm) + " of " + std::to_string(count.all)
         + " baseline workers are warm, and a rollback would land there. They are being warmed now: "
           "repeat this when `greenroom rollout status` shows them all, or let `greenroom rollout "
           "start` do it step by step.";
}

// Decided to go back, and died before the rollback had heard of it.
void rollout_state::catch_up() {
  if (plan->stands() != standing::rolled_back || plan->decisions().empty()) return;
  const auto& decisions = plan->decisions();
  const auto last = std::find_if(decisions.rbegin(), decisions.rend(),
                                 [](const decision& one) { return one.roll_back; });
  if (last == decisions.rend() || last->kind == runtime::rollout::decision_kind::fell_back) return;
  const bool heard = parts->board.read([&](const status_board::content& board) {
    return std::ranges::any_of(board.rollbacks, [&](const rollback_face& one) {
      return !one.plan.finished() || one.plan.steps().back().at_s >= last->at_s;
    });
  });
  if (!heard) go_back(*last);
}

runtime::rollout::circumstances rollout_state::look() const {
  runtime::rollout::circumstances result;
  result.ready = readiness_of(parts->readiness);
  const auto interval = seconds_of(parts->catalogs.now().config.health_interval);
  const auto now = parts->clock.unix_s(parts->clock.now_ns());
  parts->board.read([&](const status_board::content& board) {
    // The watch of the rollback looks at every check interval, the monitor may take longer.
    const auto check = seconds_of(parts->catalogs.now().config.rollout.check_interval);
    result.memory_efficiency =
        board.watched_at_s > 0 && now - board.watched_at_s <= 3 * check + 1
            ? board.watched_efficiency
            : board.samples[static_cast<std::size_t>(pool_kind::intelligent)].memory_efficiency;
    // Three intervals without a look: the monitor sees nothing.
    if (now - board.checked_at_s > 3 * interval + 1) result.ready.monitor_ok = false;
  });
  const auto shadow = parts->shadow.read();
  result.commands_compared = shadow.commands_compared;
  result.commands_differing = shadow.commands_differing;
  return result;
}

void rollout_state::judge(double now) {
  judged_at_s = now;
  plan->observe(pool_kind::baseline, parts->ends.take(pool_kind::baseline), now);
  plan->observe(pool_kind::intelligent, parts->ends.take(pool_kind::intelligent), now);
  if (const auto count = parts->forecast.adjustments.load(std::memory_order_relaxed);
      std::exchange(adjustments_seen, count) != count)
    adjusted_at_s = now;
  // While a planned rollback lowers the share nothing goes on; its watchdog goes on looking.
  if (parts->routes.rolling_back.load(std::memory_order_acquire)) return;
  auto seen = look();
  // What was changed is watched for as long as it takes to see something of it.
  constexpr double looks = 4;
  seen.tuning = adjusted_at_s > 0
                && now - adjusted_at_s
                       < looks * seconds_of(parts->catalogs.now().config.rollout.check_interval);
  keep(plan->tick(seen, now), {});
  parts->routes.copies_wanted.store(
      static_cast<std::int64_t>(std::max(plan->control_missing(), plan->comparisons_missing())),
      std::memory_order_relaxed);
}

// Only a worker that was started again can show that a difference is its process's own. Callers of
// the baseline would wait for that start, so it happens while nobody asks, and never where a start
// is long. A task that comes at just that moment keeps the worker; then it is tried again.
void rollout_state::try_other_instances() {
  constexpr std::int64_t start_most_ns = 3'000'000'000;
  constexpr int attempts_most = 20;
  constexpr double pause_s = 2;
  if (!active(plan->stands())) return;
  const auto now = now_s();
  const auto& playing = parts->catalogs.now();
  auto& pool = parts->pools.of(pool_kind::baseline);
  for (const auto& suspect : parts->shadow.instance_suspects()) {
    const auto who = playing.find(suspect);
    if (who == catalog::nobody) continue;
    const auto& gauge = pool.specialists[who].gauge;
    if (gauge.depth() > 0 || gauge.start_ns.load(std::memory_order_relaxed) > start_most_ns)
      continue;
    auto& mine = tried[suspect];
    if (mine.made >= attempts_most || (mine.made > 0 && now - mine.last_s < pause_s)) continue;
    ++mine.made;
    mine.last_s = now;
    self->send(root, protocols::cool_atom::value, static_cast<std::uint32_t>(pool_kind::baseline),
               who);
    parts->events.publish("rollout.instance_tried", json_object{{"specialist", suspect}});
    break;  // One at a time.
  }
}

// The journal actor may have died with what it was given, and nobody would hear of it any more.
void rollout_state::insist() {
  if (waiting.empty()) return;
  const auto now = now_s();
  if (now < insist_at_s) return;
  insist_pause_s = std::min(2 * insist_pause_s, insist_max_s);
  insist_at_s = now + insist_pause_s;
  waiting.back().token = record(rollout_record, waiting.back().then.encode());
}

void rollout_state::tick() {
  ticking = false;
  insist();
  if (!active(plan->stands())) {
    parts->routes.copies_wanted.store(0, std::memory_order_relaxed);
    arm();
    return;
  }
  parts->shadow.settle();
  const auto now = now_s();
  const auto wait = plan->at() == phase::preparation
                        ? 0.0
                        : seconds_of(parts->catalogs.now().config.rollout.check_interval);
  if (now - judged_at_s >= wait) judge(now);
  try_other_instances();
  arm();
}

// -- what was decided ---------------------------------------------------------

void rollout_state::keep(std::vector<decision> made, std::function<void()> told) {
  for (const auto& one : made) {
    if (one.roll_back) go_back(one);
    if (one.ask) propose(one);
  }
  step fresh{0, *plan, std::move(made), std::move(told)};
  fresh.token = record(rollout_record, fresh.then.encode());
  waiting.push_back(std::move(fresh));
  insist_pause_s = insist_min_s;
  insist_at_s = now_s() + insist_pause_s;
  // The way back does not wait for a journal that cannot be written (a full disk); its record is
  // written as soon as it can be.
  const bool back = plan->routes() == mode::fallback;
  const bool writes = parts->gauge.journal_ok.load(std::memory_order_relaxed);
  written(back && !writes ? token : written_token);
  arm();
}

// The way back does not wait for the journal.
void rollout_state::go_back(const decision& why) {
  using runtime::rollout::decision_kind;
  if (why.kind == decision_kind::fell_back) return;  // The rollback told us.
  steering back;
  back.verb = steering::what::roll_back;
  back.who = "rollout";
  back.reason = why.reason;
  back.cause = why.kind == decision_kind::failed ? runtime::rollout::trigger::judge
                                                 : runtime::rollout::trigger::by_hand;
  tell(status_board::box::rollback, root_children::undoing, std::move(back));
}

void rollout_state::propose(const decision& why) {
  steering back;
  back.verb = steering::what::roll_back;
  back.who = "rollout";
  back.reason = why.reason;
  back.cause = runtime::rollout::trigger::judge;
  back.planned = true;
  back.confirmed = false;
  tell(status_board::box::rollback, root_children::undoing, std::move(back));
}

void rollout_state::written(std::uint64_t number) {
  note_written(number);
  while (!waiting.empty() && waiting.front().token <= number) {
    auto one = std::move(waiting.front());
    waiting.pop_front();
    show(one);
  }
}

void rollout_state::show(const step& one) {
  parts->board.write([&](status_board::content& board) { board.rollout = one.then; });
  for (const auto& each : one.made) {
    const auto json = runtime::rollout::decision_json(each);
    parts->events.publish("rollout." + std::string{name_of(each.kind)}, json);
    if (parts->journal.on)
      self->send(root, protocols::report_atom::value, std::string{"rollout.decision"}, json,
                 static_cast<std::int64_t>(each.at_s * 1000));
  }
  apply(one.then);
  if (one.told) one.told();
}

void rollout_state::apply(const rollout_plan& now) {
  const bool running = active(now.stands());
  parts->ends.open(running);
  // An operator's percentage may go past preparation; both pools are there in any case.
  const bool both = now.stands() != standing::idle && now.stands() != standing::complete;
  if (both) open_pool(pool_kind::baseline);
  if (both || now.routes() != mode::idle) open_pool(pool_kind::intelligent);
  // Back to what the node was before: that pool may not have been opened in this life of the node.
  const auto configured = parts->routes.configured.load(std::memory_order_relaxed);
  if (now.stands() == standing::idle) open_pool(configured);
  const bool fresh_stage = applied != now.at() || applied_run != now.run();
  if (fresh_stage && now.at() == phase::shadow_mode) parts->shadow.begin_anew();
  if (fresh_stage && running) {
    static_cast<void>(parts->ends.take(pool_kind::baseline));
    static_cast<void>(parts->ends.take(pool_kind::intelligent));
  }
  if (applied_run != now.run()) tried.clear();
  applied = now.at();
  applied_run = now.run();
  if (parts->routes.rolling_back.load(std::memory_order_acquire)) return;
  keep_baseline_warm(now.baseline_must_be_warm()
                     || (now.stands() == standing::idle && configured == pool_kind::baseline));
  if (now.routes() != mode::fallback)
    for (auto& one : parts->routes.leaving) one.store(false, std::memory_order_release);
  parts->routes.set({now.routes(), now.percentage()});
}

void rollout_state::arm() {
  // Somebody who asks again and again does not put the next tick off.
  if (ticking || (waiting.empty() && !active(plan->stands()))) return;
  ticking = true;
  self->delayed_send(self, judge_period, protocols::tick_atom::value);
}

caf::behavior rollout(rollout_actor* self, const rollout_parts& parts, caf::actor root) {
  auto& state = attend(self, parts, std::move(root));
  state.open();
  return {
      [&state](protocols::tick_atom) { state.tick(); },
      [&state](protocols::steer_atom) { state.wake(); },
      [&state](const protocols::state_written& news) { state.written(news.token); },
      [&state](protocols::reload_atom) {
        std::string ignored;
        if (auto again = rollout_plan::decode(
                state.plan->encode(), settings_of(state.parts->catalogs.now().config), ignored))
          state.plan = std::move(again);
        state.parts->shadow.ignore(state.parts->catalogs.now().config.rollout.ignore);
      },
  };
}

}  // namespace greenroom::actors
