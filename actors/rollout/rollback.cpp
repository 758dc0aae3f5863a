#include "actors/rollout/rollback.hpp"

#include "actors/rollout/readiness.hpp"
#include "actors/state/rollout_settings.hpp"
#include "actors/state/text.hpp"
#include "runtime/monitoring/response_ratio.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::pool_kind;
using runtime::monitoring::pool_sample;
using runtime::rollout::mode;
using runtime::rollout::rollback_kind, runtime::rollout::rollback_state;

namespace {

constexpr double window_min_s = 10;
constexpr double late_look_s = 5;  // No load makes a look that late.

// What a caller of the node hears of a word.
void say(const steering& word, int status, std::string refused, std::string text) {
  if (word.told) word.told(status, std::move(refused), std::move(text));
}

}  // namespace

void rollback_actor_state::open(command_probe probe) {
  const auto& config = parts->catalogs.now().config;
  const auto window = std::max(2 * seconds_of(config.rollout.check_interval), window_min_s);
  for (const auto kind : {pool_kind::intelligent, pool_kind::baseline})
    samplers.emplace_back(parts->sampling, kind, window);
  watch.set(thresholds_of(config));
  checklist.emplace(parts->verifying, std::move(probe));
  checklist->count_from_here();
  // A predecessor, or an earlier life of the node, may not have been through.
  parts->board.read([this](const status_board::content& board) {
    if (board.rollbacks.empty() || board.rollbacks.back().plan.finished()) return;
    plan = board.rollbacks.back().plan;
    analysis = board.rollbacks.back().analysis;
  });
  if (plan) {
    plan->resumed(now_s());
    if (analysis.empty()) find_cause();
  }
  look();
  arm_watch();
  wake();
  if (plan) work();
}

// -- the watch ----------------------------------------------------------------

pool_sample rollback_actor_state::take_sample(double now) {
  const auto& config = parts->catalogs.now().config;
  auto sample = samplers[index_of(protocols::pool_kind::intelligent)].take(now);
  const auto baseline = samplers[index_of(protocols::pool_kind::baseline)].take(now);
  // At 100 % the baseline has no traffic; what it was then still is what users had.
  if (baseline.response_mean_ms && baseline.tasks >= config.rollback.min_samples)
    baseline_mean_ms = baseline.response_mean_ms;
  // After a restart at 100 % it is what the rollout has kept of it.
  if (!baseline_mean_ms)
    baseline_mean_ms = parts->board.read([&](const status_board::content& board) {
      const auto* kept = board.rollout ? &board.rollout->compared_with() : nullptr;
      return kept != nullptr && kept->tasks >= config.rollback.min_samples
                 ? kept->latency_ms.mean()
                 : std::optional<double>{};
    });
  using namespace runtime::monitoring;
  sample.plain_response_ratio = plain_ratio(sample.response_mean_ms, baseline_mean_ms);
  sample.response_ratio =
      counted_ratio(sample.response_mean_ms, baseline_mean_ms, slack_of(config));
  health = health_score(sample);
  sample.health = health.score;
  if (parts->routes.now().routes != mode::shadow) return sample;
  // In shadow the pool begins cold, and nobody waits for its starts: how slow it is counts from
  // when there is enough to judge it by. Errors and memory count from the first.
  const auto judged = parts->board.read([](const status_board::content& board) {
    return board.rollout ? board.rollout->canary().tasks : 0;
  });
  if (judged < std::max(config.rollout.min_samples, config.rollback.min_samples)) {
    sample.response_ratio.reset();
    sample.health.reset();
  }
  return sample;
}

void rollback_actor_state::look() {
  const auto now = now_s();
  const auto rules = parts->routes.now().routes;
  const bool works = rules == mode::shadow || rules == mode::hybrid || rules == mode::full;
  const bool may = !plan || plan->state() == rollback_state::awaiting_confirmation
                   || plan->state() == rollback_state::lowering;
  if (!works || !may) return watch.disarm();
  // The node stood still: what came of that says nothing of the pool.
  const auto before_s = std::exchange(looked_s, now);
  const auto interval_s = seconds_of(parts->catalogs.now().config.rollout.check_interval);
  if (before_s > 0 && now - before_s > 2 * interval_s + late_look_s) watch.disarm();
  if (!watch.armed()) {
    for (auto& one : samplers) one.forget();
    watch.arm(now);
  }
  const auto sample = take_sample(now);
  parts->board.write([&](status_board::content& board) {
    board.watched_efficiency = sample.memory_efficiency;
    board.watched_at_s = now;
  });
  const auto critical = parts->board.read([&](const status_board::content& board) {
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
  const auto tripped = watch.observe(sample, critical);
  if (!tripped) return;
  using config::rollback_automatic;
  const auto automatic = parts->catalogs.now().config.rollback.automatic;
  // One that an operator has confirmed is hurried whatever the configuration says.
  const bool decided = plan && plan->state() == rollback_state::lowering;
  if (automatic == rollback_automatic::yes || decided) {
    if (!plan)
      begin(rollback_kind::emergency, tripped->cause, tripped->text, now);
    else if (plan->hurry(tripped->text, now))
      switch_over();
    return work();
  }
  parts->events.publish(
      automatic == rollback_automatic::ask ? "rollback.proposed" : "rollback.withheld",
      json_object{{"trigger", name_of(tripped->cause)}, {"reason", tripped->text}});
  if (automatic == rollback_automatic::no || plan) return;
  begin(rollback_kind::planned, tripped->cause,
        tripped->text + "; confirm with `greenroom rollback --confirm`", now);
  work();
}

void rollback_actor_state::arm_watch() {
  const auto wait = parts->catalogs.now().config.rollout.check_interval;
  self->delayed_send(self, wait, protocols::check_atom::value, ++watch_generation);
}

// -- words --------------------------------------------------------------------

void rollback_actor_state::wake() {
  for (auto& word : parts->board.empty(status_board::box::rollback)) obey(word);
}

void rollback_actor_state::obey(steering& word) {
  switch (word.verb) {
    case steering::what::roll_back: return roll_back(word);
    case steering::what::verify: return verify_again(word);
    case steering::what::confirm:
    case steering::what::cancel: break;
    default: return;
  }
  const bool yes = word.verb == steering::what::confirm;
  // What the node proposed was due already, and goes at once.
  if (yes && plan && plan->cause() != runtime::rollout::trigger::by_hand
      && plan->state() == rollback_state::awaiting_confirmation
      && plan->hurry("confirmed", now_s())) {
    switch_over();
    keep();
    const auto proposed = std::to_string(plan->id());
    work();
    return say(word, 200, {}, proposed);
  }
  if (!plan || !(yes ? plan->confirm(now_s()) : plan->cancel(now_s())))
    return say(word, 409, "nothing-to-confirm", "no planned rollback awaits a word");
  keep();
  const auto id = std::to_string(plan->id());
  work();
  say(word, 200, {}, id);
}

void rollback_actor_state::roll_back(steering& word) {
  const auto now = now_s();
  if (plan) {
    const auto id = std::to_string(plan->id());
    if (word.planned || !plan->hurry(word.reason, now))
      return say(word, 409, "already-rolling-back",
                 "rollback " + id + " is " + std::string{name_of(plan->state())});
    switch_over();
    work();
    return say(word, 202, {}, id);
  }
  begin(word.planned ? rollback_kind::planned : rollback_kind::emergency, word.cause, word.reason,
        now);
  const auto id = std::to_string(plan->id());
  if (word.planned && word.confirmed && plan->confirm(now)) keep();
  work();
  say(word, 202, {}, id);
}

void rollback_actor_state::verify_again(steering& word) {
  if (plan) return say(word, 409, "already-rolling-back", "a rollback is under way");
  auto last = parts->board.read([](const status_board::content& board) {
    return board.rollbacks.empty() ? std::optional<rollback_face>{} : board.rollbacks.back();
  });
  if (!last || !last->plan.verify_again(now_s()))
    return say(word, 409, "nothing-to-verify", "there was no rollback that could be verified");
  if (parts->routes.now().routes != mode::fallback)
    return say(word, 409, "nothing-to-verify",
               "the baseline does not answer alone any more: a rollout was begun since");
  plan = std::move(last->plan);
  analysis = std::move(last->analysis);
  checklist->count_from_here();
  checklist->ask_anew();
  const auto id = std::to_string(plan->id());
  keep();
  work();
  say(word, 202, {}, id);
}

// -- the actor ----------------------------------------------------------------

caf::behavior rollback(rollback_actor* self, const rollback_parts& parts, caf::actor root,
                       command_probe probe) {
  auto& state = attend(self, parts, std::move(root));
  state.open(std::move(probe));
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
      [&state](const protocols::state_written& news) {
        const auto number = news.token;
        state.note_written(number);
        state.work();
      },
      [&state](protocols::reload_atom) {
        state.watch.set(thresholds_of(state.parts->catalogs.now().config));
      },
  };
}

}  // namespace greenroom::actors
