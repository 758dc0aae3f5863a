#include "actors/rollout/rollout.hpp"

#include "actors/rollout/rollback_requests.hpp"
#include "actors/state/rollout_settings.hpp"
#include "actors/state/text.hpp"
#include "actors/state/units.hpp"
#include "runtime/rollout/deployment_report.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::pool_kind;
using runtime::rollout::decision, runtime::rollout::mode, runtime::rollout::phase;
using runtime::rollout::rollout_plan, runtime::rollout::standing;

namespace {

constexpr std::chrono::milliseconds tick_period{200};

bool is_refused(runtime::rollout::answer& said, rollout_command& command) {
  if (!said.refused) return false;
  const bool malformed = *said.refused == runtime::rollout::refusal::bad_percentage;
  if (command.reply)
    command.reply(malformed ? 400 : 409, std::string{name_of(*said.refused)}, said.text);
  return true;
}

}  // namespace

// -- the plan -----------------------------------------------------------------

void rollout_state::open() {
  observer_.emplace(*parts);
  instances_.emplace(parts->catalogs, parts->pools, parts->shadow);
  const auto settings = settings_of(parts->catalogs.now().config);
  plan_ = parts->board.read([](const status_board::content& board) { return board.rollout; });
  if (!plan_) {
    plan_.emplace(settings);
  } else {
    // A predecessor or the node died: the rollout continues from there.
    if (auto again = rollout_plan::decode(plan_->encode(), settings)) plan_ = std::move(*again);
    std::vector<decision> made;
    if (auto back = plan_->restored(now_s())) made.push_back(std::move(*back));
    apply(*plan_);
    keep(std::move(made), {});
    if (auto request = undelivered_rollback(*plan_, parts->board))
      send_command(protocols::commanded_actor::rollback, *std::move(request));
  }
  parts->board.write([this](status_board::content& board) { board.rollout = plan_; });
  parts->shadow.ignore(parts->catalogs.now().config.rollout.ignore);
  wake();
  arm();
}

void rollout_state::wake() {
  for (auto& command : parts->board.take_commands(status_board::receiver::rollout))
    execute(command);
  arm();
}

void rollout_state::execute(rollout_command& command) {
  if (const auto refused = why_not_now(command)) {
    if (command.reply) command.reply(409, std::string{refused->code}, refused->text);
    return;
  }
  auto said = decide(command);
  if (!said || is_refused(*said, command)) return;
  std::vector<decision> made;
  if (said->done) made.push_back(*said->done);
  auto reply = std::move(command.reply);
  keep(std::move(made),
       reply ? [reply, text = said->text] { reply(200, {}, text); } : std::function<void()>{});
  // The operator waits for the first judgement, which need not wait for its interval.
  if (command.what == rollout_command::kind::start) judged_at_s_ = 0;
}

std::optional<base::problem> rollout_state::why_not_now(const rollout_command& command) {
  using kind = rollout_command::kind;
  const bool rolling_back = parts->routes.rolling_back.load(std::memory_order_acquire);
  // A rollout that starts now would be commanded to fall back when the rollback is done.
  if (command.what == kind::start && rolling_back)
    return base::problem{"rolling-back",
                         "a rollback is under way; start again when `greenroom rollback status` "
                         "says that it is done"};
  if (command.what == kind::reset && rolling_back)
    return base::problem{"rolling-back",
                         "a rollback is under way; reset when `greenroom rollback status` says "
                         "that it is done"};
  if (command.what != kind::route) return std::nullopt;
  const auto ready = prepare_route();
  return ready ? std::nullopt : std::optional{ready.error()};
}

std::optional<runtime::rollout::answer> rollout_state::decide(const rollout_command& command) {
  const auto now = now_s();
  switch (command.what) {
    case rollout_command::kind::start: return plan_->start(command.who, now);
    case rollout_command::kind::advance: return plan_->advance(command.who, command.force, now);
    case rollout_command::kind::pause: return plan_->pause(command.who, now);
    case rollout_command::kind::resume: return plan_->resume(command.who, now);
    case rollout_command::kind::reset: return plan_->reset(command.who, now);
    case rollout_command::kind::abort: return plan_->abort(command.who, command.reason, now);
    case rollout_command::kind::route: return plan_->route(command.who, command.percentage, now);
    case rollout_command::kind::fall_back: {
      runtime::rollout::answer result;
      result.done = plan_->fall_back(command.reason, now);
      return result;
    }
    default: return std::nullopt;
  }
}

// A rollback must find warm baseline workers.
base::expected<void> rollout_state::prepare_route() {
  if (plan_->active() || plan_->stands() == standing::rolled_back) return {};
  const auto count = baseline_count(parts->readiness);
  if (parts->pools.of(pool_kind::baseline).open && count.warm == count.all) return {};
  keep_baseline_warm(true);
  open_pool(pool_kind::baseline);
  return base::problem{
      "not-ready",
      std::to_string(count.warm) + " of " + std::to_string(count.all)
          + " baseline workers are warm, and a rollback needs all of them. They are being warmed "
            "now: repeat this when `greenroom rollout status` shows them all, or let `greenroom "
            "rollout start` do it step by step."};
}

void rollout_state::judge(double now) {
  judged_at_s_ = now;
  observer_->feed(*plan_, now);
  // While a planned rollback lowers the share, the rollout does not go on.
  if (parts->routes.rolling_back.load(std::memory_order_acquire)) return;
  keep(plan_->tick(observer_->circumstances(now), now), {});
  parts->routes.copies_wanted.store(
      static_cast<std::int64_t>(std::max(plan_->control_missing(), plan_->comparisons_missing())),
      std::memory_order_relaxed);
}

void rollout_state::try_other_instances() {
  if (!plan_->active()) return;
  const auto who = instances_->next(now_s());
  if (!who) return;
  self->send(root, protocols::restart_worker{pool_kind::baseline, *who});
  parts->events.publish("rollout.instance_tried",
                        json_object{{"specialist", parts->catalogs.now().name_of(*who)}});
}

void rollout_state::repeat_unwritten() {
  if (auto* const last = waiting_.take_overdue(now_s()))
    last->token = record(rollout_record, last->then.encode());
}

void rollout_state::tick() {
  ticking_ = false;
  repeat_unwritten();
  if (!plan_->active()) {
    parts->routes.copies_wanted.store(0, std::memory_order_relaxed);
    arm();
    return;
  }
  parts->shadow.settle();
  const auto now = now_s();
  const auto wait = plan_->at() == phase::preparation
                        ? 0.0
                        : seconds_of(parts->catalogs.now().config.rollout.check_interval);
  if (now - judged_at_s_ >= wait) judge(now);
  try_other_instances();
  arm();
}

// -- what was decided ---------------------------------------------------------

void rollout_state::keep(std::vector<decision> made, std::function<void()> reply) {
  // The way back does not wait for the journal.
  for (const auto& one : made)
    if (auto request = rollback_request(one))
      send_command(protocols::commanded_actor::rollback, *std::move(request));
  rollout_step fresh{0, *plan_, std::move(made), std::move(reply)};
  fresh.token = record(rollout_record, fresh.then.encode());
  waiting_.push(std::move(fresh), now_s());
  // The way back does not wait for a journal that cannot be written (a full disk); its record is
  // written as soon as it can be.
  const bool back = plan_->routes() == mode::fallback;
  const bool writes = parts->gauge.journal_ok.load(std::memory_order_relaxed);
  on_written(back && !writes ? token : written_token);
  arm();
}

void rollout_state::on_written(std::uint64_t number) {
  note_written(number);
  while (const auto step = waiting_.take_written(number)) show(*step);
}

void rollout_state::show(const rollout_step& one) {
  parts->board.write([&](status_board::content& board) { board.rollout = one.then; });
  for (const auto& each : one.made) {
    const auto json = runtime::rollout::decision_json(each);
    parts->events.publish("rollout." + std::string{name_of(each.kind)}, json);
    if (parts->journal.on)
      self->send(root, protocols::event_to_log{"rollout.decision", json,
                                               static_cast<std::int64_t>(each.at_s * 1000)});
  }
  apply(one.then);
  if (one.reply) one.reply();
}

void rollout_state::apply(const rollout_plan& now) {
  const bool running = now.active();
  parts->ends.open(running);
  // An operator's percentage may go past preparation; both pools are there in any case.
  const bool both = now.stands() != standing::idle && now.stands() != standing::complete;
  if (both) open_pool(pool_kind::baseline);
  if (both || now.routes() != mode::idle) open_pool(pool_kind::intelligent);
  // Back to the configured pool, which may not have been opened in this run of the node.
  const auto configured = parts->routes.configured.load(std::memory_order_relaxed);
  if (now.stands() == standing::idle) open_pool(configured);
  const bool fresh_stage = applied_ != now.at() || applied_run_ != now.run();
  if (fresh_stage && now.at() == phase::shadow_mode) parts->shadow.begin_anew();
  if (fresh_stage && running) observer_->drop_ends();
  if (applied_run_ != now.run()) instances_->begin_anew();
  applied_ = now.at();
  applied_run_ = now.run();
  if (parts->routes.rolling_back.load(std::memory_order_acquire)) return;
  keep_baseline_warm(now.baseline_must_be_warm()
                     || (now.stands() == standing::idle && configured == pool_kind::baseline));
  if (now.routes() != mode::fallback)
    for (auto& one : parts->routes.leaving) one.store(false, std::memory_order_release);
  parts->routes.set({now.routes(), now.percentage()});
}

void rollout_state::arm() {
  // Commands do not put the next tick off.
  if (ticking_ || (waiting_.empty() && !plan_->active())) return;
  ticking_ = true;
  self->delayed_send(self, tick_period, rollout_tick_atom::value);
}

void rollout_state::on_settings_changed() {
  const auto& config = parts->catalogs.now().config;
  if (auto again = rollout_plan::decode(plan_->encode(), settings_of(config)))
    plan_ = std::move(*again);
  parts->shadow.ignore(config.rollout.ignore);
}

rollout_self::behavior_type rollout(rollout_self::stateful_pointer<rollout_state> self,
                                    const rollout_parts& parts, protocols::root_actor root) {
  auto& state = open_journaled(self, parts, std::move(root));
  state.open();
  return {
      [&state](rollout_tick_atom) { state.tick(); },
      [&state](protocols::commands_posted) { state.wake(); },
      [&state](protocols::state_written news) { state.on_written(news.token); },
      [&state](protocols::settings_changed) { state.on_settings_changed(); },
  };
}

}  // namespace greenroom::actors
