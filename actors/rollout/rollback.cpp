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

// Answers the operator.
void say(const rollout_command& command, int status, std::string refused, std::string text) {
  if (command.reply) command.reply(status, std::move(refused), std::move(text));
}

}  // namespace

void rollback_actor_state::open(command_probe probe) {
  watch.emplace(pool_watch_parts{parts->catalogs, parts->routes, parts->board, parts->sampling});
  checklist.emplace(parts->verifying, std::move(probe));
  checklist->count_from_here();
  // A predecessor, or an earlier run of the node, may have left a rollback unfinished.
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

void rollback_actor_state::look() {
  const auto now = now_s();
  const bool may = !plan || plan->state() == rollback_state::awaiting_confirmation
                   || plan->state() == rollback_state::lowering;
  if (!may) return watch->disarm();
  if (const auto tripped = watch->look(now)) on_tripped(*tripped, now);
}

void rollback_actor_state::on_tripped(const runtime::rollout::tripped& found, double now) {
  using config::rollback_automatic;
  const auto automatic = parts->catalogs.now().config.rollback.automatic;
  // A rollback that an operator has confirmed is hurried whatever the configuration says.
  const bool decided = plan && plan->state() == rollback_state::lowering;
  if (automatic == rollback_automatic::yes || decided) {
    if (!plan)
      begin(rollback_kind::emergency, found.cause, found.text, now);
    else if (plan->hurry(found.text, now))
      switch_over();
    return work();
  }
  parts->events.publish(
      automatic == rollback_automatic::ask ? "rollback.proposed" : "rollback.withheld",
      json_object{{"trigger", name_of(found.cause)}, {"reason", found.text}});
  if (automatic == rollback_automatic::no || plan) return;
  begin(rollback_kind::planned, found.cause,
        found.text + "; confirm with `greenroom rollback --confirm`", now);
  work();
}

void rollback_actor_state::arm_watch() {
  const auto wait = parts->catalogs.now().config.rollout.check_interval;
  self->delayed_send(self, wait, look_atom::value, ++watch_generation);
}

// -- commands -----------------------------------------------------------------

void rollback_actor_state::wake() {
  for (auto& command : parts->board.take_commands(status_board::receiver::rollback))
    execute(command);
}

void rollback_actor_state::execute(rollout_command& command) {
  switch (command.what) {
    case rollout_command::kind::roll_back: return roll_back(command);
    case rollout_command::kind::verify: return verify_again(command);
    case rollout_command::kind::confirm:
    case rollout_command::kind::cancel: break;
    default: return;
  }
  const bool yes = command.what == rollout_command::kind::confirm;
  // A rollback that the node proposed was due already, so it begins at once.
  if (yes && plan && plan->cause() != runtime::rollout::trigger::by_hand
      && plan->state() == rollback_state::awaiting_confirmation
      && plan->hurry("confirmed", now_s())) {
    switch_over();
    keep();
    const auto proposed = std::to_string(plan->id());
    work();
    return say(command, 200, {}, proposed);
  }
  if (!plan || !(yes ? plan->confirm(now_s()) : plan->cancel(now_s())))
    return say(command, 409, "nothing-to-confirm", "no planned rollback waits for a confirmation");
  keep();
  const auto id = std::to_string(plan->id());
  work();
  say(command, 200, {}, id);
}

void rollback_actor_state::roll_back(rollout_command& command) {
  const auto now = now_s();
  if (plan) {
    const auto id = std::to_string(plan->id());
    if (command.planned || !plan->hurry(command.reason, now))
      return say(command, 409, "already-rolling-back",
                 "rollback " + id + " is " + std::string{name_of(plan->state())});
    switch_over();
    work();
    return say(command, 202, {}, id);
  }
  begin(command.planned ? rollback_kind::planned : rollback_kind::emergency, command.cause,
        command.reason, now);
  const auto id = std::to_string(plan->id());
  if (command.planned && command.confirmed && plan->confirm(now)) keep();
  work();
  say(command, 202, {}, id);
}

void rollback_actor_state::verify_again(rollout_command& command) {
  if (plan) return say(command, 409, "already-rolling-back", "a rollback is under way");
  auto last = parts->board.read([](const status_board::content& board) {
    return board.rollbacks.empty() ? std::optional<rollback_face>{} : board.rollbacks.back();
  });
  if (!last || !last->plan.verify_again(now_s()))
    return say(command, 409, "nothing-to-verify", "there was no rollback that could be verified");
  if (parts->routes.now().routes != mode::fallback)
    return say(command, 409, "nothing-to-verify",
               "the baseline does not answer alone any more: a rollout was begun since");
  plan = std::move(last->plan);
  analysis = std::move(last->analysis);
  checklist->count_from_here();
  checklist->ask_anew();
  const auto id = std::to_string(plan->id());
  keep();
  work();
  say(command, 202, {}, id);
}

// -- behaviour ----------------------------------------------------------------

void rollback_actor_state::on_look(std::uint64_t generation) {
  if (generation != watch_generation) return;
  look();
  arm_watch();
}

void rollback_actor_state::on_work(std::uint64_t generation) {
  if (generation == work_generation) work();
}

void rollback_actor_state::on_written(std::uint64_t number) {
  note_written(number);
  work();
}

rollback_self::behavior_type rollback(rollback_self::stateful_pointer<rollback_actor_state> self,
                                      const rollback_parts& parts, protocols::root_actor root,
                                      command_probe probe) {
  auto& state = open_journaled(self, parts, std::move(root));
  state.open(std::move(probe));
  return {
      [&state](look_atom, std::uint64_t generation) { state.on_look(generation); },
      [&state](work_atom, std::uint64_t generation) { state.on_work(generation); },
      [&state](protocols::commands_posted) { state.wake(); },
      [&state](protocols::state_written news) { state.on_written(news.token); },
      [&state](protocols::settings_changed) { state.watch->adopt_thresholds(); },
  };
}

}  // namespace greenroom::actors
