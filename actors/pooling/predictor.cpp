#include "actors/pooling/predictor.hpp"

#include "actors/state/text.hpp"
#include "runtime/machine/io/thread_urgency.hpp"
#include "runtime/pooling/pace.hpp"
#include "runtime/state_text.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace greenroom::actors {

namespace {

constexpr std::chrono::milliseconds predict_period{50};
constexpr std::chrono::seconds save_period{60};
constexpr std::size_t unseen_max = 8192;
// What is wanted later than this is not worth a place yet; shorter where all else is.
constexpr double usual_horizon_s = 30;
constexpr double least_probability = 0.05;  // What is less probable is not worth a word.
constexpr std::string_view kind = "greenroom predictor with its cast";
constexpr std::uint32_t version = 2;
constexpr std::size_t names_max = 10'000'000;
// So many names of those that are not in the cast are kept beside one for each that is: a
// specialist that comes back finds what was learnt of it.
constexpr std::size_t departed_names = 1024;

// In front of what the model saves stand the names that its numbers mean, under one seal: a name
// that was damaged must not pass for somebody else's.
std::string with_names(const std::vector<std::string>& names, const std::string& model) {
  runtime::state_writer to;
  to.put(static_cast<std::uint64_t>(names.size()));
  for (const auto& one : names) to.put(std::string_view{one});
  to.put(std::string_view{model});
  return to.sealed(kind, version);
}

std::string without_names(std::string_view text, std::vector<std::string>& names) {
  std::string_view body;
  if (auto why = runtime::state_reader::open(text, kind, version, body); !why.empty()) return why;
  runtime::state_reader from{body};
  const auto count = from.count(names_max, sizeof(std::uint64_t));
  for (std::size_t i = 0; i < count; ++i) names.emplace_back(from.text());
  names.emplace_back(from.text());  // The model, taken off again by the caller.
  return from.failed() || !from.at_end() ? "names and model do not add up" : "";
}

}  // namespace

std::vector<runtime::workflow_steps> predictor_state::workflows() const {
  std::vector<runtime::workflow_steps> result;
  for (const auto& steps : parts->catalogs.now().workflows) {
    auto& mine = result.emplace_back();
    for (const auto step : steps) mine.push_back(own_of[step]);
  }
  return result;
}

void predictor_state::open() {
  using part = learned_state::part;
  const auto& playing = parts->catalogs.now();
  runtime::predictor_settings settings;
  settings.decay = playing.config.prediction.usage_decay;
  settings.steps_remembered = playing.config.prediction.window;
  settings.case_idle_s *= runtime::pace::unit_of(cooldown_s());
  const auto saved = parts->forecast.learned.latest(part::predictor);
  std::string model;
  std::string why;
  if (!saved.empty()) {
    why = without_names(saved, names);
    if (why.empty()) {
      model = std::move(names.back());
      names.pop_back();
    } else {
      names.clear();
    }
  }
  const auto known = names.size();
  adopt_catalog();
  if (!saved.empty() && why.empty()) {
    // Its size then is what the saved model expects; those who came since are added afterwards.
    const auto steps = workflows();
    const bool all_known = std::ranges::all_of(steps, [known](const auto& one) {
      return std::ranges::all_of(one, [known](auto step) { return step < known; });
    });
    mind = std::make_unique<runtime::predictor>(all_known ? known : names.size(), steps, settings);
    why = mind->restore(model);
    mind->grow(names.size());
    if (!why.empty() && !all_known) {
      // Not damaged: workflows have got steps that it has never heard of.
      parts->events.publish("learned.skipped", json_object{{"part", "predictor"}, {"why", why}});
      return;
    }
  }
  if (!why.empty()) {
    const auto aside = parts->forecast.learned.set_aside(part::predictor);
    parts->events.publish("learned.damaged",
                          json_object{{"part", "predictor"}, {"why", why}, {"file", aside}});
  }
  if (!mind) mind = std::make_unique<runtime::predictor>(names.size(), workflows(), settings);
}

void predictor_state::adopt_catalog() {
  const auto& members = parts->catalogs.now().members;
  std::unordered_map<std::string_view, std::uint32_t> index;
  names.reserve(names.size() + members.size());  // Views into the names must hold.
  for (std::uint32_t i = 0; i < names.size(); ++i) index.emplace(names[i], i);
  auto free = numbers_to_reuse();
  own_of.resize(members.size());
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    const auto& called = members[i].config.name;
    auto found = index.find(called);
    if (found == index.end() && !free.empty()) {
      const auto number = free.back();
      free.pop_back();
      index.erase(names[number]);
      names[number] = called;
      found = index.emplace(names[number], number).first;
    } else if (found == index.end()) {
      names.push_back(called);
      found = index.emplace(names.back(), static_cast<std::uint32_t>(names.size() - 1)).first;
    }
    own_of[i] = found->second;
  }
  cast_of.assign(names.size(), catalog::nobody);
  for (std::uint32_t i = 0; i < members.size(); ++i)
    if (!members[i].gone) cast_of[own_of[i]] = i;
  if (!mind) return;
  mind->grow(names.size());
  mind->follow(workflows());
  mind->remember_steps(parts->catalogs.now().config.prediction.window);
}

// Reloads may bring new names without end. What was learnt of a number stays until it is learnt
// better, as with the director.
std::vector<std::uint32_t> predictor_state::numbers_to_reuse() const {
  const auto& members = parts->catalogs.now().members;
  std::vector<std::uint32_t> result;
  if (names.size() < 2 * members.size() + departed_names) return result;
  std::unordered_set<std::string_view> present;
  for (const auto& one : members) present.insert(one.config.name);
  for (std::uint32_t i = 0; i < names.size(); ++i)
    if (!present.contains(names[i])) result.push_back(i);
  return result;
}

double predictor_state::cooldown_s() const {
  return std::chrono::duration<double>{parts->catalogs.now().config.pool.cooldown}.count();
}

void predictor_state::hear(const protocols::usage_batch& batch) {
  const auto room = unseen_max - std::min(unseen.size(), unseen_max);
  const auto taken = std::min(room, batch.arrivals.size());
  unseen.insert(unseen.end(), batch.arrivals.begin(),
                batch.arrivals.begin() + static_cast<std::ptrdiff_t>(taken));
  machine::count(parts->forecast.unseen, batch.arrivals.size() - taken + batch.lost);
  if (unseen.empty() || std::exchange(armed, true)) return;
  // The first one after a pause is looked at at once: who follows may be wanted soon.
  const auto now_ns = self->clock().now().time_since_epoch().count();
  const auto due_ns =
      ticked_ns == 0 ? now_ns : ticked_ns + std::chrono::nanoseconds{predict_period}.count();
  if (due_ns <= now_ns)
    self->send(self, protocols::tick_atom::value);
  else
    self->delayed_send(self, std::chrono::nanoseconds{due_ns - now_ns},
                       protocols::tick_atom::value);
}

void predictor_state::tick() {
  armed = false;
  ticked_ns = self->clock().now().time_since_epoch().count();
  const auto now_s = parts->clock.unix_s(ticked_ns);
  std::ranges::sort(unseen, {}, &protocols::arrival::unix_us);  // Of several departments.
  machine::courtesy others;
  for (const auto& one : std::exchange(unseen, {})) {
    // On a busy machine the pauses would hold up the node's end for a minute.
    if (!parts->gauge.closing.load(std::memory_order_relaxed)) others.now_and_then();
    if (one.specialist >= own_of.size()) continue;
    mind->observe(own_of[one.specialist], one.case_key, static_cast<double>(one.unix_us) * 1e-6);
    for (const auto& found : mind->detected()) {
      machine::count(parts->forecast.workflows_detected);
      if (parts->forecast.runs.find(one.case_key)) machine::count(parts->forecast.workflows_found);
      const auto& known = parts->catalogs.now().config.workflows;
      if (found.workflow >= known.size()) continue;
      parts->events.publish(
          "workflow.detected",
          json_object{{"workflow", known[found.workflow].name}, {"steps_done", found.next}}.raw(
              "probability", std::to_string(found.probability)));
    }
  }
  const auto horizon_s = usual_horizon_s * runtime::pace::unit_of(cooldown_s());
  protocols::expectation_batch told;
  std::vector<runtime::expectation> shown;
  for (const auto& one : mind->expected(now_s, horizon_s)) {
    if (one.probability < least_probability) break;
    const auto who = cast_of[one.who];
    if (who == catalog::nobody) continue;
    const bool flow = one.because == runtime::source::workflow;
    told.calls.push_back(
        {who, std::min(one.probability, 1.0), one.within_s,
         static_cast<std::uint8_t>(flow ? runtime::reason::workflow : runtime::reason::predicted)});
    auto& seen = shown.emplace_back(one);
    seen.who = who;
    seen.after = one.after < cast_of.size() ? cast_of[one.after] : catalog::nobody;
  }
  parts->forecast.write([&](forecast_board::content& board) {
    board.expected = std::move(shown);
    board.accuracy = mind->accuracy();
    board.trust = mind->trust();
    board.expected_at_s = now_s;
  });
  if (director && !told.calls.empty()) self->send(director, std::move(told));
  if (!std::exchange(save_armed, true))
    self->delayed_send(self, save_period, protocols::check_atom::value);
}

void predictor_state::save() {
  parts->forecast.learned.keep(learned_state::part::predictor, with_names(names, mind->save()));
}

caf::behavior predictor(predictor_actor* self, const predictor_parts& parts) {
  auto& state = self->state;
  state.self = self;
  state.parts.emplace(parts);
  if (self->getf(caf::abstract_actor::is_detached_flag))
    static_cast<void>(machine::let_others_first());
  parts.forecast.under_way.store(0, std::memory_order_relaxed);
  state.open();
  parts.unexpected.watch(self);
  self->set_exit_handler([&state](const caf::exit_msg& message) {
    // The node goes down in order, so nothing is to be lost; after anything else the state is
    // not to be trusted.
    if (message.reason == caf::exit_reason::user_shutdown) state.save();
    state.self->quit(message.reason);
  });
  return {
      [&state](const protocols::usage_batch& batch) {
        state.parts->forecast.taken();
        state.director = caf::actor_cast<caf::actor>(state.self->current_sender());
        state.hear(batch);
      },
      [&state](protocols::tick_atom) {
        catalog_reader::turn();  // It has a thread of its own.
        state.tick();
      },
      [&state](protocols::reload_atom) {
        state.adopt_catalog();
        catalog_reader::turn();  // It may be long until it ticks.
      },
      [&state](protocols::check_atom) {
        state.save_armed = false;
        state.save();
        if (const auto written = state.parts->forecast.learned.write(); !written)
          state.parts->events.publish("learned.unwritten",
                                      json_object{{"why", written.error().text}});
      },
  };
}

}  // namespace greenroom::actors
