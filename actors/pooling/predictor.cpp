#include "actors/pooling/predictor.hpp"

#include "actors/state/text.hpp"
#include "runtime/machine/io/thread_urgency.hpp"
#include "runtime/pooling/pace.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace greenroom::actors {

namespace {

constexpr std::chrono::milliseconds predict_period{50};
constexpr std::chrono::seconds save_period{60};
constexpr std::size_t unseen_max = 8192;
// A call that is expected later is not worth a slot yet; shorter with a short cooldown.
constexpr double usual_horizon_s = 30;
constexpr double least_probability = 0.05;  // The director is told of no call below.

}  // namespace

// -- the catalog and the saved state ------------------------------------------

std::vector<runtime::workflow_steps> predictor_state::workflows() const {
  std::vector<runtime::workflow_steps> result;
  for (const auto& steps : parts_->catalogs.now().workflows) {
    auto& mine = result.emplace_back();
    for (const auto step : steps) mine.push_back(names_.number_of(step));
  }
  return result;
}

double predictor_state::cooldown_s() const {
  return std::chrono::duration<double>{parts_->catalogs.now().config.pool.cooldown}.count();
}

void predictor_state::adopt_catalog() {
  const auto& catalog = parts_->catalogs.now();
  std::vector<runtime::numbered_names::member> members;
  for (const auto& one : catalog.members) members.push_back({one.config.name, one.gone});
  names_.adopt(members);
  if (!model_) return;
  model_->grow(names_.size());
  model_->follow(workflows());
  model_->remember_steps(catalog.config.prediction.window);
}

void predictor_state::restore() {
  using part = learned_state::part;
  const auto& config = parts_->catalogs.now().config;
  runtime::predictor_settings settings;
  settings.decay = config.prediction.usage_decay;
  settings.steps_remembered = config.prediction.window;
  settings.case_idle_s *= runtime::pace::unit_of(cooldown_s());
  const auto saved = parts_->forecast.learned.latest(part::predictor);
  const auto state =
      saved.empty() ? base::expected<std::string>{std::string{}} : names_.restore(saved);
  std::string why;
  if (!state) why = state.error().text;
  const auto known = names_.size();
  adopt_catalog();
  if (!saved.empty() && state) {
    // The saved model has as many specialists as there were names; new ones are added afterwards.
    const auto steps = workflows();
    const bool all_known = std::ranges::all_of(steps, [known](const auto& one) {
      return std::ranges::all_of(one, [known](auto step) { return step < known; });
    });
    model_ =
        std::make_unique<runtime::predictor>(all_known ? known : names_.size(), steps, settings);
    if (const auto restored = model_->restore(*state); !restored) why = restored.error().text;
    model_->grow(names_.size());
    if (!why.empty() && !all_known) {
      // Not damaged: workflows have new steps, which the saved model does not know.
      parts_->events.publish("learned.skipped", json_object{{"part", "predictor"}, {"why", why}});
      return;
    }
  }
  if (!why.empty()) {
    const auto aside = parts_->forecast.learned.set_aside(part::predictor);
    parts_->events.publish("learned.damaged",
                           json_object{{"part", "predictor"}, {"why", why}, {"file", aside}});
  }
  if (!model_) model_ = std::make_unique<runtime::predictor>(names_.size(), workflows(), settings);
}

void predictor_state::save() {
  parts_->forecast.learned.keep(learned_state::part::predictor, names_.sealed_with(model_->save()));
}

void predictor_state::on_settings_changed() {
  adopt_catalog();
  catalog_reader::turn();  // The predictor may not run for a long time.
}

void predictor_state::on_save() {
  save_armed_ = false;
  save();
  if (const auto written = parts_->forecast.learned.write(); !written)
    parts_->events.publish("learned.unwritten", json_object{{"why", written.error().text}});
}

// -- predictions --------------------------------------------------------------

void predictor_state::on_arrivals(const protocols::arrival_batch& batch) {
  parts_->forecast.taken();
  director_ = batch.director;
  const auto room = unseen_max - std::min(unseen_.size(), unseen_max);
  const auto taken = std::min(room, batch.arrivals.size());
  unseen_.insert(unseen_.end(), batch.arrivals.begin(),
                 batch.arrivals.begin() + static_cast<std::ptrdiff_t>(taken));
  machine::count(parts_->forecast.unseen, batch.arrivals.size() - taken + batch.lost);
  if (!unseen_.empty() && !std::exchange(predict_armed_, true)) arm();
}

// The first arrival after a pause is learnt at once: the next call may follow soon.
void predictor_state::arm() {
  const auto now_ns = self_->clock().now().time_since_epoch().count();
  const auto due_ns = predicted_ns_ == 0
                          ? now_ns
                          : predicted_ns_ + std::chrono::nanoseconds{predict_period}.count();
  if (due_ns <= now_ns)
    self_->send(self_, predict_atom::value);
  else
    self_->delayed_send(self_, std::chrono::nanoseconds{due_ns - now_ns}, predict_atom::value);
}

void predictor_state::learn() {
  std::ranges::sort(unseen_, {}, &protocols::arrival::unix_us);  // From several departments.
  machine::courtesy others;
  for (const auto& one : std::exchange(unseen_, {})) {
    // On a busy machine the pauses would delay the node's end by a minute.
    if (!parts_->gauge.closing.load(std::memory_order_relaxed)) others.now_and_then();
    const auto number = names_.number_of(one.specialist);
    if (number == runtime::numbered_names::none) continue;
    model_->observe(number, one.case_key, static_cast<double>(one.unix_us) * 1e-6);
    publish_detected(one.case_key);
  }
}

void predictor_state::publish_detected(std::uint64_t case_key) {
  for (const auto& found : model_->detected()) {
    machine::count(parts_->forecast.workflows_detected);
    if (parts_->forecast.runs.find(case_key)) machine::count(parts_->forecast.workflows_found);
    const auto& known = parts_->catalogs.now().config.workflows;
    if (found.workflow >= known.size()) continue;
    parts_->events.publish(
        "workflow.detected",
        json_object{{"workflow", known[found.workflow].name}, {"steps_done", found.next}}.raw(
            "probability", std::to_string(found.probability)));
  }
}

void predictor_state::on_predict() {
  catalog_reader::turn();  // A detached actor has a thread of its own.
  predict_armed_ = false;
  predicted_ns_ = self_->clock().now().time_since_epoch().count();
  const auto now_s = parts_->clock.unix_s(predicted_ns_);
  learn();
  const auto horizon_s = usual_horizon_s * runtime::pace::unit_of(cooldown_s());
  protocols::expectation_batch answer;
  std::vector<runtime::expectation> shown;
  for (const auto& one : model_->expected(now_s, horizon_s)) {
    if (one.probability < least_probability) break;
    const auto who = names_.index_of(one.who);
    if (who == runtime::numbered_names::none) continue;
    const bool flow = one.because == runtime::source::workflow;
    answer.calls.push_back({who, std::min(one.probability, 1.0), one.within_s,
                            flow ? base::slot_reason::workflow : base::slot_reason::predicted});
    auto& seen = shown.emplace_back(one);
    seen.who = who;
    seen.after = names_.index_of(one.after);
  }
  parts_->forecast.write([&](forecast_board::content& board) {
    board.expected = std::move(shown);
    board.accuracy = model_->accuracy();
    board.trust = model_->trust();
    board.expected_at_s = now_s;
  });
  if (director_ && !answer.calls.empty()) self_->send(director_, std::move(answer));
  if (!std::exchange(save_armed_, true)) self_->delayed_send(self_, save_period, save_atom::value);
}

// -- behaviour ----------------------------------------------------------------

void predictor_state::open(predictor_self::stateful_pointer<predictor_state> actor,
                           const predictor_parts& from) {
  static_assert(runtime::numbered_names::none == catalog::nobody);
  self_ = actor;
  parts_.emplace(from);
  parts_->forecast.under_way.store(0, std::memory_order_relaxed);
  restore();
}

void predictor_state::on_exit(const caf::exit_msg& message) {
  // The node is stopped in order, so nothing is to be lost; after any other reason the state may be
  // wrong.
  if (message.reason == caf::exit_reason::user_shutdown) save();
  self_->quit(message.reason);
}

predictor_self::behavior_type predictor(predictor_self::stateful_pointer<predictor_state> self,
                                        const predictor_parts& parts) {
  auto& state = self->state;
  if (self->getf(caf::abstract_actor::is_detached_flag))
    static_cast<void>(machine::let_others_first());
  state.open(self, parts);
  parts.unexpected.watch(self);
  self->set_exit_handler([&state](const caf::exit_msg& message) { state.on_exit(message); });
  return {
      [&state](const protocols::arrival_batch& batch) { state.on_arrivals(batch); },
      [&state](protocols::settings_changed) { state.on_settings_changed(); },
      [&state](predict_atom) { state.on_predict(); },
      [&state](save_atom) { state.on_save(); },
  };
}

}  // namespace greenroom::actors
