#include "actors/rollout/rollback.hpp"

#include "actors/state/text.hpp"

#include <string>
#include <utility>

namespace greenroom::actors {

using runtime::rollout::mode;
using runtime::rollout::rollback_kind, runtime::rollout::rollback_state;

namespace {

// Answers the operator.
void answer_operator(const rollout_command& command, int status, std::string refused,
                     std::string text) {
  if (command.reply) command.reply(status, std::move(refused), std::move(text));
}

}  // namespace

void rollback_actor_state::open(command_probe probe) {
  watch_.emplace(pool_watch_parts{parts->catalogs, parts->routes, parts->board, parts->sampling});
  execution_.emplace(*this, *watch_, std::move(probe));
  execution_->restore();
  look();
  arm_watch();
  wake();
  execution_->work();
}

// -- the watch ----------------------------------------------------------------

void rollback_actor_state::look() {
  const auto now = now_s();
  const auto* const plan = execution_->plan();
  const bool may = plan == nullptr || plan->state() == rollback_state::awaiting_confirmation
                   || plan->state() == rollback_state::lowering;
  if (!may) return watch_->disarm();
  if (const auto tripped = watch_->look(now)) on_tripped(*tripped, now);
}

void rollback_actor_state::on_tripped(const runtime::rollout::tripped& found, double now) {
  using config::rollback_automatic;
  const auto automatic = parts->catalogs.now().config.rollback.automatic;
  auto* const plan = execution_->plan();
  // A rollback that an operator has confirmed is hurried whatever the configuration says.
  const bool decided = plan != nullptr && plan->state() == rollback_state::lowering;
  if (automatic == rollback_automatic::yes || decided) {
    if (plan == nullptr)
      execution_->begin(rollback_kind::emergency, found.cause, found.text, now);
    else if (plan->hurry(found.text, now))
      execution_->switch_over();
    return execution_->work();
  }
  parts->events.publish(
      automatic == rollback_automatic::ask ? "rollback.proposed" : "rollback.withheld",
      json_object{{"trigger", name_of(found.cause)}, {"reason", found.text}});
  if (automatic == rollback_automatic::no || plan != nullptr) return;
  execution_->begin(rollback_kind::planned, found.cause,
                    found.text + "; confirm with `greenroom rollback --confirm`", now);
  execution_->work();
}

void rollback_actor_state::arm_watch() {
  const auto wait = parts->catalogs.now().config.rollout.check_interval;
  self->delayed_send(self, wait, look_atom::value, ++watch_generation_);
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
    case rollout_command::kind::cancel: return confirm_or_cancel(command);
    default: return;
  }
}

void rollback_actor_state::confirm_or_cancel(rollout_command& command) {
  const bool confirms = command.what == rollout_command::kind::confirm;
  auto* const plan = execution_->plan();
  const auto id = plan != nullptr ? std::to_string(plan->id()) : std::string{};
  // A rollback that the node proposed was due already, so it begins at once.
  if (confirms && plan != nullptr && plan->cause() != runtime::rollout::trigger::by_hand
      && plan->state() == rollback_state::awaiting_confirmation
      && plan->hurry("confirmed", now_s()))
    execution_->switch_over();
  else if (plan == nullptr || !(confirms ? plan->confirm(now_s()) : plan->cancel(now_s())))
    return answer_operator(command, 409, "nothing-to-confirm",
                           "no planned rollback waits for a confirmation");
  execution_->save();
  execution_->work();
  answer_operator(command, 200, {}, id);
}

void rollback_actor_state::roll_back(rollout_command& command) {
  const auto now = now_s();
  if (auto* const plan = execution_->plan()) {
    const auto id = std::to_string(plan->id());
    if (command.planned || !plan->hurry(command.reason, now))
      return answer_operator(command, 409, "already-rolling-back",
                             "rollback " + id + " is " + std::string{name_of(plan->state())});
    execution_->switch_over();
    execution_->work();
    return answer_operator(command, 202, {}, id);
  }
  execution_->begin(command.planned ? rollback_kind::planned : rollback_kind::emergency,
                    command.cause, command.reason, now);
  auto* const plan = execution_->plan();
  const auto id = std::to_string(plan->id());
  if (command.planned && command.confirmed && plan->confirm(now)) execution_->save();
  execution_->work();
  answer_operator(command, 202, {}, id);
}

void rollback_actor_state::verify_again(rollout_command& command) {
  if (execution_->plan() != nullptr)
    return answer_operator(command, 409, "already-rolling-back", "a rollback is under way");
  auto last = parts->board.read([](const status_board::content& board) {
    return board.rollbacks.empty() ? std::optional<rollback_face>{} : board.rollbacks.back();
  });
  if (!last || !last->plan.verify_again(now_s()))
    return answer_operator(command, 409, "nothing-to-verify",
                           "there was no rollback that could be verified");
  if (parts->routes.now().routes != mode::fallback)
    return answer_operator(
        command, 409, "nothing-to-verify",
        "the baseline does not answer alone any more: a rollout was begun since");
  const auto id = std::to_string(last->plan.id());
  execution_->verify_again(*std::move(last));
  execution_->work();
  answer_operator(command, 202, {}, id);
}

// -- behaviour ----------------------------------------------------------------

void rollback_actor_state::on_look(std::uint64_t generation) {
  if (generation != watch_generation_) return;
  look();
  arm_watch();
}

void rollback_actor_state::on_written(std::uint64_t number) {
  note_written(number);
  execution_->work();
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
      [&state](protocols::settings_changed) { state.on_settings_changed(); },
  };
}

}  // namespace greenroom::actors
