#include "actors/pool.hpp"

#include "actors/department.hpp"
#include "actors/text.hpp"

#include <utility>

namespace greenroom::actors {

namespace {

constexpr std::uint32_t the_director = 0xffffffffU;  // In place of a department's number.

}  // namespace

void pool_state::hire_director() {
  chief = self->spawn<caf::linked>(director, where, kind, make_policy);
  for (std::uint32_t i = 0; i < departments.size(); ++i) {
    if (!departments[i]) continue;
    self->send(chief, protocols::hire_atom::value, i, departments[i]);
    self->send(departments[i], protocols::report_atom::value, chief);
  }
  if (seer) self->send(chief, protocols::hire_atom::value, seer);
  self->send(chief, protocols::report_atom::value);
}

void pool_state::hire(std::uint32_t index) {
  departments[index] = self->spawn<department, caf::linked>(*where, index, kind, chief);
  if (chief) self->send(chief, protocols::hire_atom::value, index, departments[index]);
}

void pool_state::adopt_cast() {
  const auto count = where->now_playing().departments.size();
  for (auto i = departments.size(); i < count; ++i) {
    departments.emplace_back();
    hire(static_cast<std::uint32_t>(i));
  }
}

void pool_state::open() {
  chief = self->spawn<caf::linked>(director, where, kind, make_policy);
  adopt_cast();
  self->send(chief, protocols::report_atom::value);
  where->pool(kind).open = true;
}

std::string pool_state::name_of(std::uint32_t who) const {
  return who == the_director
             ? std::string{"{\"actor\":\"director\"}"}
             : "{\"department\":" + json_text(where->now_playing().departments[who]) + "}";
}

void pool_state::lose(const caf::exit_msg& message) {
  auto who = the_director;
  if (!chief || message.source != chief.address()) {
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
    machine::count(where->pool(kind).departments[who].gauge.actor_restarts);
  } else {
    chief = nullptr;
  }
  where->publish("actor.lost", name_of(who));
  const auto& limits = where->now_playing().config.supervision;
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
    shares[where->now_playing().members[who].department].specialists.push_back(who);
  for (std::size_t i = 0; i < shares.size(); ++i)
    if (!shares[i].specialists.empty() && departments[i])
      self->send(departments[i], std::move(shares[i]));
}

caf::behavior pool(pool_actor* self, house* where, protocols::pool_kind kind,
                   policy_factory make_policy) {
  auto& state = self->state;
  state.self = self;
  state.where = where;
  state.kind = kind;
  state.make_policy = std::move(make_policy);
  self->set_default_handler(caf::drop);
  self->set_exit_handler([&state](const caf::exit_msg& message) { state.lose(message); });
  state.open();
  return {
      [&state](protocols::hire_atom, std::uint32_t who) {
        if (who == the_director)
          state.hire_director();
        else
          state.hire(who);
        state.where->publish("actor.back", state.name_of(who));
      },
      [&state](protocols::hire_atom word, const caf::actor& predictor) {
        state.seer = predictor;
        if (state.chief) state.self->send(state.chief, word, predictor);
      },
      [&state](protocols::drop_atom word, std::uint64_t chance) {
        const auto which = chance % 8;
        const auto& one = state.departments[chance / 8 % state.departments.size()];
        const auto& victim = which == 0 ? state.chief : which == 1 ? one : caf::actor{};
        if (victim)
          dismiss(victim);
        else if (which > 1 && one)
          state.self->send(one, word, chance / 64);
      },
      [&state](const protocols::purge& gone) { state.pass_purge(gone); },
      [&state](const protocols::memory_survey& survey) {
        if (state.chief) state.self->send(state.chief, survey);
      },
      [&state](protocols::again_atom word) {
        if (state.chief) state.self->send(state.chief, word);
      },
      [&state](protocols::warm_up_atom word, std::uint32_t who) {
        if (state.chief) state.self->send(state.chief, word, who);
      },
      [&state](protocols::cool_atom word, std::uint32_t who) {
        if (state.chief) state.self->send(state.chief, word, who);
      },
      [&state](protocols::switch_atom word, bool fence) {
        for (const auto& one : state.departments)
          if (one) state.self->send(one, word, fence);
      },
      [&state](protocols::check_atom word) {
        for (const auto& one : state.departments)
          if (one) state.self->send(one, word);
      },
      [&state](protocols::reload_atom word) {
        state.adopt_cast();
        for (const auto& one : state.departments)
          if (one) state.self->send(one, word);
        if (state.chief) state.self->send(state.chief, word);
      },
  };
}

}  // namespace greenroom::actors
