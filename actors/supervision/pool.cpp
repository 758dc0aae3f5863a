#include "actors/supervision/pool.hpp"

#include "actors/state/text.hpp"

#include <utility>

namespace greenroom::actors {

// -- children -----------------------------------------------------------------

void pool_state::spawn_director() {
  director_ = self_->spawn<caf::linked>(actors::director, parts_->director, kind_, make_policy_);
  for (std::uint32_t i = 0; i < departments_.size(); ++i) {
    if (!departments_[i]) continue;
    self_->send(director_, protocols::department_joined{i, departments_[i]});
    self_->send(departments_[i], protocols::report_state{director_});
  }
  if (predictor_) self_->send(director_, protocols::predictor_joined{predictor_});
}

void pool_state::spawn_department(std::uint32_t index) {
  departments_[index] =
      actors::spawn_department(*self_, parts_->departments, index, kind_, director_);
  to_director(protocols::department_joined{index, departments_[index]});
}

void pool_state::spawn_new_departments() {
  const auto count = parts_->catalogs.now().departments.size();
  for (auto i = departments_.size(); i < count; ++i) {
    departments_.emplace_back();
    spawn_department(static_cast<std::uint32_t>(i));
  }
}

void pool_state::open(pool_self::stateful_pointer<pool_state> actor, const pool_parts& from,
                      protocols::pool_kind which, policy_factory factory) {
  self_ = actor;
  parts_.emplace(from);
  kind_ = which;
  make_policy_ = std::move(factory);
  spawn_director();
  spawn_new_departments();
  to_director(protocols::begin_reviews{});
  parts_->pools.of(kind_).open = true;
}

std::string pool_state::json_of(std::uint32_t child) const {
  if (child == director_child) return json_object{{"actor", "director"}};
  return json_object{{"department", parts_->catalogs.now().departments[child]}};
}

std::optional<std::uint32_t> pool_state::child_at(const caf::actor_addr& address) const {
  if (director_ && director_.address() == address) return director_child;
  for (std::uint32_t i = 0; i < departments_.size(); ++i)
    if (departments_[i] && departments_[i].address() == address) return i;
  return std::nullopt;
}

void pool_state::on_exit(const caf::exit_msg& message) {
  const auto child = child_at(message.source);
  if (!child) {
    // From the root: the pool ends, and its children end with it.
    self_->quit(message.reason ? message.reason : caf::error{caf::exit_reason::user_shutdown});
    return;
  }
  if (*child == director_child) {
    director_ = nullptr;
  } else {
    departments_[*child] = nullptr;
    machine::count(parts_->pools.of(kind_).departments[*child].gauge.actor_restarts);
  }
  parts_->events.publish("actor.lost", json_of(*child));
  const auto& limits = parts_->catalogs.now().config.supervision;
  const auto delay = budget_.next_restart({limits.restarts_max, limits.window, limits.delay},
                                          self_->clock().now());
  if (delay)
    self_->delayed_send(self_, *delay, respawn_atom::value, *child);
  else
    self_->quit(message.reason ? message.reason
                               : caf::error{caf::exit_reason::unhandled_exception});
}

void pool_state::respawn(std::uint32_t child) {
  if (child == director_child) {
    spawn_director();
    to_director(protocols::begin_reviews{});
  } else {
    spawn_department(child);
  }
  parts_->events.publish("actor.back", json_of(child));
}

// -- messages for children ----------------------------------------------------

template <class Message>
void pool_state::to_departments(const Message& message) {
  for (const auto& one : departments_)
    if (one) self_->send(one, message);
}

void pool_state::on_predictor(const protocols::predictor_joined& news) {
  predictor_ = news.predictor;
  to_director(news);
}

void pool_state::on_settings_changed() {
  spawn_new_departments();
  to_departments(protocols::settings_changed{});
  to_director(protocols::settings_changed{});
}

void pool_state::pass_purge(const protocols::purge& ended) {
  std::vector<protocols::purge> shares(departments_.size());
  for (const auto who : ended.specialists)
    shares[parts_->catalogs.now().members[who].department].specialists.push_back(who);
  for (std::size_t i = 0; i < shares.size(); ++i)
    if (!shares[i].specialists.empty() && departments_[i])
      self_->send(departments_[i], std::move(shares[i]));
}

pool_self::behavior_type pool(pool_self::stateful_pointer<pool_state> self, const pool_parts& parts,
                              protocols::pool_kind kind, policy_factory make_policy) {
  auto& state = self->state;
  parts.unexpected.watch(self);
  self->set_exit_handler([&state](const caf::exit_msg& message) { state.on_exit(message); });
  state.open(self, parts, kind, std::move(make_policy));
  return {
      [&state](respawn_atom, std::uint32_t child) { state.respawn(child); },
      [&state](const protocols::predictor_joined& news) { state.on_predictor(news); },
      [&state](const protocols::purge& ended) { state.pass_purge(ended); },
      [&state](const protocols::memory_survey& survey) { state.to_director(survey); },
      [&state](protocols::reconcile_slots what) { state.to_director(what); },
      [&state](protocols::warm_by_hand wish) { state.to_director(wish); },
      [&state](protocols::cool_by_hand wish) { state.to_director(wish); },
      [&state](protocols::hand_over_tasks what) { state.to_departments(what); },
      [&state](protocols::check_workers what) { state.to_departments(what); },
      [&state](protocols::settings_changed) { state.on_settings_changed(); },
  };
}

}  // namespace greenroom::actors
