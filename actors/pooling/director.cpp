#include "actors/pooling/director.hpp"

#include "actors/pooling/slot_descriptions.hpp"
#include "actors/state/units.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace greenroom::actors {

using runtime::slot_order;

namespace {

constexpr double spread_s = 0.05;  // Between starts that wait for their turn, one to three times.

}  // namespace

void director_state::open(director_self::stateful_pointer<director_state> actor,
                          const director_parts& from, protocols::pool_kind which,
                          const policy_factory& make_policy) {
  self_ = actor;
  parts_.emplace(from);
  pool_ = which;
  policy_ = make_policy();
  predictive_ = dynamic_cast<runtime::predictive_policy*>(policy_.get());
  slots_.emplace(*policy_, from.pools.of(which).leases.load(std::memory_order_relaxed));
  random_.seed(from.seed);
  adopt_catalog();  // Departments may report before the reviews begin.
  if (predictive_ == nullptr) return;
  learned_policy learned{*predictive_, from.catalogs, from.events, from.forecast};
  learned.restore();
  if (which == protocols::pool_kind::intelligent) learned_.emplace(learned);
}

double director_state::now_s() const {
  return parts_->clock.unix_s(self_->clock().now().time_since_epoch().count());
}

// -- the catalog --------------------------------------------------------------

void director_state::adopt_catalog() {
  const auto& catalog = parts_->catalogs.now();
  // After COMPLETE the baseline pool may cool like any other.
  const bool baseline_warm =
      pool_ == protocols::pool_kind::baseline && parts_->routes.baseline_warm;
  for (std::uint32_t who = 0; who < slots_->size(); ++who) {
    if (catalog.born[who] <= generation_) continue;
    slots_->forget(who);
    parts_->forecast.forget(who);
  }
  generation_ = catalog.generation;
  slots_->adopt(limits_of(catalog.config.pool, catalog.members.size(), pool_, baseline_warm),
                describe_slots(catalog, parts_->pools.of(pool_), baseline_warm));
}

void director_state::follow_catalog() {
  if (parts_->catalogs.now().generation != generation_) adopt_catalog();
}

void director_state::on_settings_changed() {
  adopt_catalog();
  review();
}

// -- departments --------------------------------------------------------------

void director_state::on_department(const protocols::department_joined& news) {
  follow_catalog();
  if (departments_.size() <= news.index) departments_.resize(news.index + 1);
  departments_[news.index] = news.department;
  slots_->department_joined(news.index, now_s());
  carry_out();
}

// What the director believes may be wrong. Each department reports its state, and asks for what it
// needs.
void director_state::on_reconcile() {
  follow_catalog();
  for (const auto& one : departments_)
    if (one) self_->send(one, protocols::report_state{self_});
  review();
}

void director_state::on_need(const protocols::slot_need& need) {
  follow_catalog();
  slots_->on_need(need.specialist, need.lease, now_s());
  carry_out();
}

void director_state::on_news(const protocols::slot_news& news) {
  follow_catalog();
  slots_->on_event(news.specialist, news.what, static_cast<double>(news.load_ms) * 1e-3, news.lease,
                   now_s());
  carry_out();
}

void director_state::on_usage(const protocols::usage_batch& batch) {
  follow_catalog();
  const auto now = now_s();
  for (const auto& one : batch.arrivals)
    slots_->on_arrival(one.specialist, one.case_key, static_cast<double>(one.unix_us) * 1e-6);
  if (pool_ == protocols::pool_kind::intelligent && !batch.arrivals.empty()) {
    parts_->forecast.record(batch.arrivals);
    if (predictor_) pass_to_predictor(batch);
  }
  for (const auto& one : batch.changed)
    slots_->on_usage(one.specialist, one.tasks, static_cast<double>(one.idle_unix_us) * 1e-6, now);
  slots_->on_batch_end(now);
  carry_out();
}

void director_state::on_survey(const protocols::memory_survey& survey) {
  follow_catalog();
  for (std::size_t i = 0; i < survey.specialists.size(); ++i)
    slots_->on_memory(survey.specialists[i], static_cast<double>(survey.bytes[i]) / bytes_per_mb);
  if (slots_->limits().memory_budget_mb > 0) review();
}

void director_state::on_warm_by_hand(protocols::warm_by_hand wish) {
  follow_catalog();
  slots_->warm_by_hand(wish.specialist, now_s());
  carry_out();
}

void director_state::on_cool_by_hand(protocols::cool_by_hand wish) {
  follow_catalog();
  slots_->cool_by_hand(wish.specialist, now_s());
  carry_out();
}

// -- predictions --------------------------------------------------------------

void director_state::on_predictor(const protocols::predictor_joined& news) {
  // Batches that were sent to the previous predictor are lost.
  if (std::exchange(predictor_, news.predictor) != news.predictor)
    parts_->forecast.under_way.store(0, std::memory_order_relaxed);
}

void director_state::pass_to_predictor(const protocols::usage_batch& batch) {
  auto& board = parts_->forecast;
  if (board.under_way.load(std::memory_order_relaxed) >= forecast_board::under_way_max) {
    machine::count(board.unseen, batch.arrivals.size() + batch.lost);
    return;
  }
  board.under_way.fetch_add(1, std::memory_order_relaxed);
  self_->send(predictor_, protocols::arrival_batch{batch.arrivals, batch.lost, self_});
}

void director_state::on_expectations(const protocols::expectation_batch& batch) {
  follow_catalog();
  if (predictive_ == nullptr) return;
  const auto now = now_s();
  for (const auto& one : batch.calls)
    if (one.specialist < slots_->size())
      predictive_->expect(one.specialist, one.probability, one.within_s, one.why, now);
  review();
}

// -- reviews ------------------------------------------------------------------

void director_state::on_begin() {
  follow_catalog();
  review();
}

void director_state::on_review_due(std::uint64_t generation) {
  if (generation != review_generation_) return;
  follow_catalog();
  review();
}

void director_state::review() {
  review_due_s_ = runtime::never_s;
  const auto now = now_s();
  const auto& specialists = parts_->pools.of(pool_).specialists;
  const bool more = slots_->review(
      parts_->catalogs.now().config.prediction.batch_size,
      [&](std::uint32_t who) { return specialists[who].gauge.run_ns.load(); }, now);
  carry_out();
  if (learned_) learned_->show(now);
  // Spread, so that specialists that are wanted at the same moment do not all start at once.
  if (more) review_at(now + spread_s * std::uniform_real_distribution<double>{1, 3}(random_));
}

void director_state::review_at(double due_s) {
  if (due_s >= review_due_s_) return;
  review_due_s_ = due_s;
  const auto wait = std::max(due_s - now_s(), 0.0);
  self_->delayed_send(self_, std::chrono::nanoseconds{static_cast<std::int64_t>(wait * 1e9)},
                      review_due_atom::value, ++review_generation_);
}

void director_state::carry_out() {
  auto& records = parts_->pools.of(pool_);
  // Before a department receives a grant: a department that starts meanwhile reads the number.
  records.leases.store(slots_->last_lease(), std::memory_order_relaxed);
  for (const auto& order : slots_->take_orders()) {
    const auto department = parts_->catalogs.now().members[order.who].department;
    if (department >= departments_.size() || !departments_[department]) continue;
    if (order.what == slot_order::kind::grant)
      self_->send(departments_[department],
                  protocols::slot_grant{order.who, order.why, order.lease});
    else
      self_->send(departments_[department],
                  protocols::slot_recall{order.who, order.why, order.turn});
  }
  const auto tally = slots_->take_tally();
  const auto add = [](machine::counter& to, std::uint64_t more) {
    if (more > 0) machine::count(to, more);  // The way of a task writes to the same cache line.
  };
  add(records.gauge.prewarms, tally.prewarms);
  add(records.gauge.prewarm_hits, tally.prewarm_hits);
  add(records.gauge.evictions, tally.evictions);
  add(records.gauge.cooldowns, tally.cooldowns);
  add(parts_->forecast.prewarm_wastes, tally.prewarm_wastes);
  add(parts_->forecast.prewarm_wasted_ms, tally.prewarm_wasted_ms);
  review_at(slots_->take_review_due_s());
}

// -- behaviour ----------------------------------------------------------------

void director_state::on_exit(const caf::exit_msg& message) {
  // The node is stopped in order; after any other reason the state may be wrong.
  if (message.reason == caf::exit_reason::user_shutdown && learned_) learned_->save();
  self_->quit(message.reason);
}

director_self::behavior_type director(director_self::stateful_pointer<director_state> self,
                                      const director_parts& parts, protocols::pool_kind pool,
                                      const policy_factory& make_policy) {
  auto& state = self->state;
  state.open(self, parts, pool, make_policy);
  self->set_exit_handler([&state](const caf::exit_msg& message) { state.on_exit(message); });
  parts.unexpected.watch(self);
  return {
      [&state](const protocols::department_joined& news) { state.on_department(news); },
      [&state](const protocols::predictor_joined& news) { state.on_predictor(news); },
      [&state](protocols::begin_reviews) { state.on_begin(); },
      [&state](const protocols::slot_need& need) { state.on_need(need); },
      [&state](const protocols::slot_news& news) { state.on_news(news); },
      [&state](const protocols::usage_batch& batch) { state.on_usage(batch); },
      [&state](const protocols::expectation_batch& batch) { state.on_expectations(batch); },
      [&state](const protocols::memory_survey& survey) { state.on_survey(survey); },
      [&state](protocols::warm_by_hand wish) { state.on_warm_by_hand(wish); },
      [&state](protocols::cool_by_hand wish) { state.on_cool_by_hand(wish); },
      [&state](protocols::reconcile_slots) { state.on_reconcile(); },
      [&state](protocols::settings_changed) { state.on_settings_changed(); },
      [&state](review_due_atom, std::uint64_t generation) { state.on_review_due(generation); },
  };
}

}  // namespace greenroom::actors
