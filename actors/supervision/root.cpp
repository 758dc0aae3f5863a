#include "actors/supervision/root.hpp"

#include "actors/pooling/predictor.hpp"
#include "actors/rollout/rollback.hpp"
#include "actors/rollout/rollout.hpp"
#include "actors/state/text.hpp"
#include "actors/supervision/hand_out.hpp"
#include "actors/supervision/pool.hpp"
#include "actors/tasks/dispatcher.hpp"

#include <utility>

namespace greenroom::actors {

namespace {

constexpr std::array<std::string_view, root_state::children> child_names{
    "journal", "dispatcher", "memory sampler", "intelligent pool", "baseline pool",
    "monitor", "rollout",    "rollback",       "predictor"};

}  // namespace

void root_state::hire(std::uint32_t which) {
  switch (which) {
    case keeper:
      if (plan.open_journal)
        actors[which] =
            caf::actor_cast<caf::actor>(self->spawn<journal_actor, caf::linked + caf::detached>(
                hand_out<journal_parts>(*where), plan.open_journal));
      break;
    case dispatcher_child:
      actors[which] = caf::actor_cast<caf::actor>(
          self->spawn<dispatcher, caf::linked>(hand_out<dispatcher_parts>(*where)));
      break;
    case survey:
      if (plan.measure)
        actors[which] = self->spawn<caf::linked + caf::detached>(
            memory_sampler, hand_out<memory_sampler_parts>(*where), plan.measure,
            plan.survey_period);
      break;
    case watching:
      if (plan.watched)
        actors[which] = self->spawn<caf::linked>(monitor, hand_out<monitor_parts>(*where),
                                                 caf::actor_cast<caf::actor>(self), plan.post);
      break;
    case rolling:
      if (plan.watched)
        actors[which] = self->spawn<caf::linked>(rollout, hand_out<rollout_parts>(*where),
                                                 caf::actor_cast<caf::actor>(self));
      break;
    case undoing:
      if (plan.watched)
        actors[which] = self->spawn<caf::linked>(rollback, hand_out<rollback_parts>(*where),
                                                 caf::actor_cast<caf::actor>(self), plan.probe);
      break;
    case foreseeing:
      if (!plan.predicted) break;
      if (plan.predictor_apart)
        actors[which] =
            self->spawn<caf::linked + caf::detached>(predictor, hand_out<predictor_parts>(*where));
      else
        actors[which] = self->spawn<caf::linked>(predictor, hand_out<predictor_parts>(*where));
      break;
    default: {
      const auto kind = static_cast<protocols::pool_kind>(which - intelligent);
      if (plan.policies[which - intelligent] && !plan.later[which - intelligent])
        actors[which] = self->spawn<caf::linked>(pool, hand_out<pool_parts>(*where), kind,
                                                 plan.policies[which - intelligent]);
    }
  }
  introduce();
}

// Whoever is new must know the pools, and the pools may be new.
void root_state::introduce() {
  for (std::uint32_t kind = 0; kind < pools; ++kind) {
    const auto& one = actors[intelligent + kind];
    if (!one) continue;
    if (actors[dispatcher_child])
      self->send(actors[dispatcher_child],
                 protocols::pool_joined{static_cast<protocols::pool_kind>(kind),
                                        caf::actor_cast<protocols::pool_actor>(one)});
    if (actors[survey]) self->send(actors[survey], protocols::hire_atom::value, kind, one);
    if (actors[foreseeing]) self->send(one, protocols::hire_atom::value, actors[foreseeing]);
  }
}

void root_state::open() {
  for (std::uint32_t which = 0; which < children; ++which) hire(which);
}

void root_state::lose(const caf::exit_msg& message) {
  std::uint32_t which = 0;
  while (which < children && (!actors[which] || actors[which].address() != message.source)) ++which;
  if (which == children) {
    self->quit(message.reason ? message.reason : caf::error{caf::exit_reason::user_shutdown});
    return;
  }
  actors[which] = nullptr;
  where->events.publish("actor.lost", json_object{{"actor", child_names[which]}});
  const auto& limits = where->catalogs.now().config.supervision;
  const auto delay = budgets[which].next_restart({limits.restarts_max, limits.window, limits.delay},
                                                 self->clock().now());
  if (delay) {
    self->delayed_send(self, *delay, protocols::hire_atom::value, which);
    return;
  }
  if (where->collapse)
    where->collapse("the " + std::string{child_names[which]} + " died "
                    + std::to_string(limits.restarts_max + 1) + " times in a row");
  self->quit(caf::exit_reason::unhandled_exception);
}

caf::behavior root(root_actor* self, node_state* where, root_plan plan) {
  auto& state = self->state;
  state.self = self;
  state.where = where;
  state.plan = std::move(plan);
  where->unexpected.watch(self);
  self->set_exit_handler([&state](const caf::exit_msg& message) { state.lose(message); });
  state.open();
  const auto to_pools = [&state](const auto&... words) {
    for (std::uint32_t kind = 0; kind < pools; ++kind)
      if (const auto& one = state.actors[root_state::intelligent + kind])
        state.self->send(one, words...);
  };
  return {
      [&state](protocols::hire_atom, std::uint32_t which) {
        state.hire(which);
        state.where->events.publish("actor.back", json_object{{"actor", child_names[which]}});
      },
      [&state, to_pools](protocols::reload_atom word) {
        to_pools(word);
        for (const auto which : {root_state::watching, root_state::rolling, root_state::undoing,
                                 root_state::foreseeing})
          if (const auto& one = state.actors[which]) state.self->send(one, word);
      },
      [to_pools](protocols::check_atom word) { to_pools(word); },
      [to_pools](protocols::again_atom word) { to_pools(word); },
      [to_pools](protocols::warm_up_atom word, std::uint32_t who) { to_pools(word, who); },
      [to_pools](protocols::cool_atom word, std::uint32_t who) { to_pools(word, who); },
      [&state](protocols::cool_atom word, std::uint32_t kind, std::uint32_t who) {
        // Of one pool, and warm again at once: another process.
        const auto& one = state.actors[root_state::intelligent + kind];
        if (!one) return;
        state.self->send(one, word, who);
        state.self->send(one, protocols::warm_up_atom::value, who);
      },
      [to_pools](const protocols::memory_survey& survey) { to_pools(survey); },
      [&state](protocols::open_atom, std::uint32_t kind) {
        if (!std::exchange(state.plan.later[kind], false)) return;
        state.hire(root_state::intelligent + kind);
      },
      [&state](protocols::switch_atom word, std::uint32_t kind, bool fence) {
        if (const auto& one = state.actors[root_state::intelligent + kind])
          state.self->send(one, word, fence);
      },
      [&state](protocols::steer_atom word, std::uint32_t which) {
        if (const auto& one = state.actors[which]) state.self->send(one, word);
      },
      [&state](protocols::report_atom, const std::string& name, const std::string& value,
               const caf::actor& who, std::uint64_t token) {
        if (const auto& one = state.actors[root_state::keeper])
          state.self->send(
              one, protocols::state_to_confirm{
                       name, value, caf::actor_cast<protocols::state_writer_actor>(who), token});
      },
      [&state](protocols::report_atom, const std::string& kind, const std::string& json,
               std::int64_t unix_ms) {
        if (const auto& one = state.actors[root_state::keeper])
          state.self->send(one, protocols::event_to_log{kind, json, unix_ms});
      },
      [&state](protocols::report_atom, const std::string& name, const std::string& value) {
        if (const auto& one = state.actors[root_state::keeper])
          state.self->send(one, protocols::state_to_keep{name, value});
      },
  };
}

}  // namespace greenroom::actors
