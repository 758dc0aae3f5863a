#include "actors/supervision/pool.hpp"

#include "actors/state/text.hpp"

#include <utility>

namespace greenroom::actors {

namespace {

constexpr std::uint32_t the_director = 0xffffffffU;  // In place of a department's number.

}  // namespace

void pool_state::hire_director() {
  director_handle = self->spawn<caf::linked>(director, parts->director, kind, make_policy);
  for (std::uint32_t i = 0; i < departments.size(); ++i) {
    if (!departments[i]) continue;
    self->send(director_handle, protocols::hire_atom::value, i, departments[i]);
    self->send(departments[i], protocols::report_state{
                                   caf::actor_cast<protocols::director_actor>(director_handle)});
  }
  if (predictor_handle) self->send(director_handle, protocols::hire_atom::value, predictor_handle);
  self->send(director_handle, protocols::report_atom::value);
}

void pool_state::hire(std::uint32_t index) {
  departments[index] = caf::actor_cast<caf::actor>(
      spawn_department(*self, parts->departments, index, kind,
                       caf::actor_cast<protocols::director_actor>(director_handle)));
  if (director_handle)
    self->send(director_handle, protocols::hire_atom::value, index, departments[index]);
}

void pool_state::adopt_catalog() {
  const auto count = parts->catalogs.now().departments.size();
  for (auto i = departments.size(); i < count; ++i) {
    departments.emplace_back();
    hire(static_cast<std::uint32_t>(i));
  }
}

void pool_state::open() {
  director_handle = self->spawn<caf::linked>(director, parts->director, kind, make_policy);
  adopt_catalog();
  self->send(director_handle, protocols::report_atom::value);
  parts->pools.of(kind).open = true;
}

std::string pool_state::name_of(std::uint32_t who) const {
  return who == the_director ? json_object{{"actor", "director"}}
                             : json_object{{"department", parts->catalogs.now().departments[who]}};
}

void pool_state::lose(const caf::exit_msg& message) {
  auto who = the_director;
  if (!director_handle || message.source != director_handle.address()) {
    who = 0;
    while (who < departments.size()
           && (!departments[who] || departments[who].address() != message.source))
      ++who;
    if (who == departments.size()) {
      // Not one of ours: our own supervisor wants us gone, and ours go with us.
      self->quit(message.reason ? message.reason : caf::error{caf::exit_reason::user_shutdown});
      return;
    }
    departments[who] = nullptr;
    machine::count(parts->pools.of(kind).departments[who].gauge.actor_restarts);
  } else {
    director_handle = nullptr;
  }
  parts->events.publish("actor.lost", name_of(who));
  const auto& limits = parts->catalogs.now().config.supervision;
  const auto delay =
      budget.next_restart({limits.restarts_max, limits.window, limits.delay}, self->clock().now());
  if (delay)
    self->delayed_send(self, *delay, protocols::hire_atom::value, who);
  else
    self->quit(message.reason ? message.reason : caf::error{caf::exit_reason::unhandled_exception});
}

void pool_state::pass_purge(const protocols::purge& gone) {
  std::vector<protocols::purge> shares(departments.size());
  for (const auto who : gone.specialists)
    shares[parts->catalogs.now().members[who].department].specialists.push_back(who);
  for (std::size_t i = 0; i < shares.size(); ++i)
    if (!shares[i].specialists.empty() && departments[i])
      self->send(departments[i], std::move(shares[i]));
}

caf::behavior pool(pool_actor* self, const pool_parts& parts, protocols::pool_kind kind,
                   policy_factory make_policy) {
  auto& state = self->state;
  state.self = self;
  state.parts.emplace(parts);
  state.kind = kind;
  state.make_policy = std::move(make_policy);
  parts.unexpected.watch(self);
  self->set_exit_handler([&state](const caf::exit_msg& message) { state.lose(message); });
  state.open();
  return {
      [&state](protocols::hire_atom, std::uint32_t who) {
        if (who == the_director)
          state.hire_director();
        else
          state.hire(who);
        state.parts->events.publish("actor.back", state.name_of(who));
      },
      [&state](protocols::hire_atom word, const caf::actor& predictor) {
        state.predictor_handle = predictor;
        if (state.director_handle) state.self->send(state.director_handle, word, predictor);
      },
      [&state](const protocols::purge& gone) { state.pass_purge(gone); },
      [&state](const protocols::memory_survey& survey) {
        if (state.director_handle) state.self->send(state.director_handle, survey);
      },
      [&state](protocols::again_atom word) {
        if (state.director_handle) state.self->send(state.director_handle, word);
      },
      [&state](protocols::warm_up_atom word, std::uint32_t who) {
        if (state.director_handle) state.self->send(state.director_handle, word, who);
      },
      [&state](protocols::cool_atom word, std::uint32_t who) {
        if (state.director_handle) state.self->send(state.director_handle, word, who);
      },
      [&state](protocols::switch_atom, bool fence) {
        for (const auto& one : state.departments)
          if (one) state.self->send(one, protocols::hand_over_tasks{fence});
      },
      [&state](protocols::check_atom) {
        for (const auto& one : state.departments)
          if (one) state.self->send(one, protocols::check_workers{});
      },
      [&state](protocols::reload_atom word) {
        state.adopt_catalog();
        for (const auto& one : state.departments)
          if (one) state.self->send(one, protocols::settings_changed{});
        if (state.director_handle) state.self->send(state.director_handle, word);
      },
  };
}

}  // namespace greenroom::actors
