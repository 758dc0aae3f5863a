#include "actors/pooling/director.hpp"

#include "actors/state/units.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace greenroom::actors {

using protocols::slot_news;
using runtime::plan, runtime::reason, runtime::worker_state;

namespace {

// However soon a policy wants to be asked again; a large cast costs more to look at.
constexpr double review_min_s = 0.02;
constexpr double review_each_s = 1e-5;
constexpr double spread_s = 0.05;  // Between starts that wait for their turn, one to three times.
constexpr double review_max_s = 1.0;
// Everybody is told of another typical start when it differs by so much (natural logarithm).
constexpr double typical_moved = 0.1;
constexpr double answer_s = 1;  // A grant that was not answered by then is told again.
// A pinned worker that cannot start is tried again after this, twice this, and so on.
constexpr double failed_base_s = 1;
constexpr double failed_max_s = 60;
// While others wait a place is one specialist's for its residency, and so many starts.
constexpr double turn_starts = 4;
constexpr double turn_min_s = 0.1;
constexpr std::size_t turns_tried = 4;

double weight_of(config::priority priority) {
  switch (priority) {
    case config::priority::high: return 1.5;
    case config::priority::normal: return 1.0;
    case config::priority::low: break;
  }
  return 1 / 1.5;
}

// What is scored. A pin and an operator's word are no predictions.
bool ahead_of_demand(reason why) { return why == reason::predicted || why == reason::workflow; }

double seconds(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>{duration}.count();
}

}  // namespace

double director_state::now_s() {
  return parts->clock.unix_s(self->clock().now().time_since_epoch().count());
}

template <class Message>
void director_state::tell(std::uint32_t who, Message message) {
  const auto department = parts->catalogs.now().members[who].department;
  if (department < departments.size() && departments[department])
    self->send(departments[department], std::move(message));
}

void director_state::adopt_catalog() {
  const auto& cast = parts->catalogs.now();
  const auto& from = cast.config.pool;
  // After COMPLETE the baseline pool may cool like any other.
  const bool baseline = pool == protocols::pool_kind::baseline && parts->routes.baseline_warm;
  const bool parked = pool == protocols::pool_kind::baseline && !baseline;
  limits = {.max_warm = baseline || parked ? cast.members.size() : from.max_warm,
            .memory_budget_mb = baseline ? 0 : from.memory_budget_mb,
            .target_memory = baseline ? 0 : from.target_memory,
            .min_residency_s =
                from.min_residency ? seconds(*from.min_residency) : runtime::automatic_residency,
            .cooldown_s = baseline ? runtime::never_s : seconds(from.cooldown),
            .warm_threshold = from.warm_threshold,
            .adaptive = from.adaptive,
            .warming_concurrency = from.warming_concurrency};
  for (std::uint32_t i = 0; i < seats.size(); ++i)
    if (cast.born[i] > generation) begin_anew(i);
  generation = cast.generation;
  seats.resize(cast.members.size());
  held.resize(cast.members.size());
  facts.resize(cast.members.size());
  const auto known = starts.grow(cast.members.size());
  // What a predecessor has measured, one start for each.
  for (auto i = known; i < cast.members.size(); ++i)
    if (const auto start_ns = parts->pools.of(pool).specialists[i].gauge.start_ns.load();
        start_ns > 0)
      starts.measured(static_cast<std::uint32_t>(i), static_cast<double>(start_ns) * 1e-9);
  typical_told_s = starts.typical_s();
  for (std::uint32_t i = 0; i < cast.members.size(); ++i) {
    const auto& one = cast.members[i];
    auto& fact = facts[i];
    fact.department = one.department;
    fact.priority_weight = weight_of(one.config.priority);
    const auto& gauge = parts->pools.of(pool).specialists[i].gauge;
    const bool callable = one.config.backend.kind == config::backend_kind::function;
    // A callable costs nothing to keep, so it is always there. In the baseline pool everybody is.
    fact.pinned = !one.gone && (one.config.pin || baseline || callable);
    const auto bytes = gauge.memory_seen_bytes.load(std::memory_order_relaxed);
    fact.load_s = starts.expected_s(i, fact.load_s);
    fact.memory_mb = bytes > 0 ? static_cast<double>(bytes) / bytes_per_mb : one.config.memory_mb;
    policy->learn(i, fact);
    // One that is up and has been pinned takes no slot any more, and the other way round.
    if (held[i].held && (held[i].counted_mb < 0) != fact.pinned) {
      hold(i, false);
      hold(i, true);
    }
  }
  policy->set_limits(limits);
}

// What is said of a number may come sooner than the message that says what it means now.
void director_state::follow_cast() {
  if (parts->catalogs.now().generation != generation) adopt_catalog();
}

void director_state::begin_anew(std::uint32_t who) {
  hold(who, false);
  held[who] = {};
  seats[who] = {};
  facts[who].load_s = runtime::specialist_facts{}.load_s;
  starts.forget(who);
  std::erase(waiting, who);
  std::erase(reservations, who);
  parts->forecast.forget(who);
}

// -- demand -------------------------------------------------------------------

// A new department has heard of nothing that its predecessor was told last and did not answer.
void director_state::meet(std::uint32_t index, const caf::actor& department) {
  if (departments.size() <= index) departments.resize(index + 1);
  departments[index] = department;
  const auto& members = parts->catalogs.now().members;
  for (std::uint32_t who = 0; who < held.size(); ++who)
    if (members[who].department == index && held[who].held && !held[who].heard) vacate(who);
  grant_reserved();
  serve_waiting();
}

// What we believe may be wrong. Each department tells how it is, and asks for what it needs.
void director_state::ask_all() {
  const auto me = caf::actor_cast<caf::actor>(self);
  for (const auto& one : departments)
    if (one)
      self->send(one, protocols::report_state{caf::actor_cast<protocols::director_actor>(me)});
  review();
}

void director_state::hear_need(const protocols::slot_need& need) {
  const auto who = need.specialist;
  if (who >= seats.size()) return;
  auto& mine = held[who];
  seats[who].tasks = std::max(seats[who].tasks, 1U);
  mine.dismissed_s = mine.failed_until_s = 0;
  mine.failures = 0;
  const bool answers = need.lease == 0 || need.lease >= mine.lease;
  if (mine.reserved || (mine.held && !answers)) {
    mine.why = reason::demand;  // It is on its way.
    return;
  }
  // Who asks has heard every grant, and has neither a worker nor one that is going.
  if (mine.held) vacate(who);
  if (std::ranges::find(waiting, who) == waiting.end())
    place(who, reason::demand);
  else
    review_at(now_s() + review_pause_s());
}

// A place for one that is wanted: at once, or as soon as those who give it up are gone.
void director_state::place(std::uint32_t who, reason why) {
  const auto now = now_s();
  const auto room = policy->make_room(who, seats, now);
  if (!room.fits) {
    wait(who);
    review_at(now + review_pause_s());
    return;
  }
  auto& mine = held[who];
  mine.reserved = true;
  mine.waits_since_s = 0;
  mine.why = why;
  reservations.push_back(who);
  seats[who].state = worker_state::warming;  // Reserved places count as taken.
  seats[who].since_s = now;
  for (const auto& victim : room.evict) recall(victim.who, reason::evicted);
  grant_reserved();
}

void director_state::wait(std::uint32_t who) {
  if (held[who].waits_since_s <= 0) held[who].waits_since_s = now_s();
  if (std::ranges::find(waiting, who) == waiting.end()) waiting.push_back(who);
}

// No specialist is idle, and one has waited for a whole turn. Of the specialists that have had a
// turn, the one with the shortest tasks gives up its place as soon as its running tasks are done,
// even when more tasks wait for it. It asks for a place again later.
void director_state::take_turns(double now) {
  auto line = std::vector<std::uint32_t>(waiting.begin(), waiting.end());
  std::ranges::stable_sort(line, {}, [&](std::uint32_t who) { return held[who].waits_since_s; });
  // A turn is as long as the one who waits for it takes to start. One that starts faster must not
  // always come first, so nobody's turn is over before those who waited longer call it over, too.
  double over_s = 0;
  for (const auto who : line) {
    const auto& mine = held[who];
    if (mine.held || mine.reserved || seats[who].tasks == 0 || mine.waits_since_s <= 0) continue;
    const auto turn_s =
        std::max({limits.min_residency_s, turn_starts * facts[who].load_s, turn_min_s});
    if (now - mine.waits_since_s < turn_s) continue;
    over_s = std::max(over_s, turn_s);
    std::vector<std::pair<std::int64_t, std::uint32_t>> others;  // By how long a task takes.
    for (std::uint32_t other = 0; other < held.size(); ++other)
      if (held[other].held && !held[other].recalled && !facts[other].pinned
          && seats[other].state == worker_state::warm && seats[other].tasks > 0
          && now - seats[other].since_s >= over_s)
        others.emplace_back(parts->pools.of(pool).specialists[other].gauge.run_ns.load(), other);
    std::ranges::sort(others);
    if (others.size() > turns_tried) others.resize(turns_tried);
    for (const auto& [run_ns, other] : others) {
      auto without = seats;
      without[other].state = worker_state::cooling;
      if (!policy->make_room(who, without, now).fits) continue;
      recall(other, reason::evicted, true);
      std::erase(waiting, who);
      place(who, reason::demand);
      break;
    }
  }
}

void director_state::serve_waiting() {
  for (auto count = waiting.size(); count-- > 0;) {
    const auto who = waiting.front();
    waiting.pop_front();
    auto& mine = held[who];
    if (mine.held && seats[who].state == worker_state::cooling && seats[who].tasks > 0) {
      waiting.push_back(who);
    } else if (mine.held || mine.reserved || seats[who].tasks == 0) {
      mine.waits_since_s = 0;  // It has a place, or nobody waits for it any more.
    } else {
      place(who, reason::demand);
    }
  }
}

bool director_state::has_room_for(std::uint32_t who) const {
  if (facts[who].pinned) return true;
  return held_count < limits.max_warm
         && (limits.memory_budget_mb <= 0 || held_count == 0
             || held_mb + facts[who].memory_mb <= limits.memory_budget_mb);
}

void director_state::hold(std::uint32_t who, bool now_held) {
  auto& mine = held[who];
  if (mine.held == now_held) return;
  mine.held = now_held;
  // What it was counted with is what is given back, however it is measured meanwhile.
  if (now_held) mine.counted_mb = facts[who].pinned ? -1 : facts[who].memory_mb;
  if (mine.counted_mb < 0) return;
  held_count += now_held ? 1 : std::size_t(-1);
  held_mb += now_held ? mine.counted_mb : -mine.counted_mb;
}

void director_state::grant_reserved() {
  const auto line = std::exchange(reservations, {});
  for (const auto who : line) {
    if (!held[who].reserved || held[who].held) continue;
    if (has_room_for(who))
      grant(who);
    else
      reservations.push_back(who);
  }
}

// A promised place becomes free when another specialist leaves it. When that one stays after all,
// the latest promises are taken back, and their specialists wait for the next place.
void director_state::keep_promises() {
  if (reservations.empty()) return;
  auto places = limits.max_warm - std::min(limits.max_warm, held_count);
  double staying_mb = held_mb;
  bool anybody_stays = false;
  for (std::uint32_t who = 0; who < held.size(); ++who) {
    const auto& one = held[who];
    if (!one.held || one.counted_mb < 0) continue;
    const bool going = one.recalled || seats[who].state == worker_state::cooling;
    anybody_stays = anybody_stays || !going;
    if (!going) continue;
    ++places;
    staying_mb -= one.counted_mb;
  }
  for (const auto who : std::exchange(reservations, {})) {
    auto& mine = held[who];
    if (!mine.reserved || mine.held) continue;
    const auto needed_mb = facts[who].memory_mb;
    const bool fits = facts[who].pinned
                      || (places > 0
                          && (limits.memory_budget_mb <= 0 || !anybody_stays
                              || staying_mb + needed_mb <= limits.memory_budget_mb));
    if (fits) {
      reservations.push_back(who);
      if (facts[who].pinned) continue;
      --places;
      staying_mb += needed_mb;
      anybody_stays = true;
      continue;
    }
    mine.reserved = false;
    seats[who].state = worker_state::cold;
    if (mine.why == reason::demand || seats[who].tasks > 0) wait(who);
  }
}

// Nobody knows of a way for a grant to be lost but the death of who was to hear it, and that is
// looked after. It costs nothing to be sure.
void director_state::tell_again(double now_s) {
  for (std::uint32_t who = 0; who < held.size(); ++who) {
    auto& mine = held[who];
    if (!mine.held || mine.heard || mine.lease == 0 || now_s < mine.told_s + answer_s) continue;
    mine.told_s = now_s;
    tell(who, protocols::slot_grant{who, static_cast<std::uint8_t>(mine.why), mine.lease});
  }
}

void director_state::grant(std::uint32_t who) {
  auto& mine = held[who];
  mine.reserved = false;
  hold(who, true);
  mine.recalled = false;
  mine.heard = false;
  mine.lease = parts->pools.of(pool).leases.fetch_add(1, std::memory_order_relaxed) + 1;
  mine.told_s = now_s();
  mine.prewarmed = mine.why != reason::demand;
  mine.granted_s = now_s();
  mine.started = false;
  seats[who].state = worker_state::warming;
  seats[who].since_s = now_s();
  if (mine.prewarmed && ahead_of_demand(mine.why))
    machine::count(parts->pools.of(pool).gauge.prewarms);
  tell(who, protocols::slot_grant{who, static_cast<std::uint8_t>(mine.why), mine.lease});
}

void director_state::recall(std::uint32_t who, reason why, bool turn) {
  if (!held[who].held || held[who].recalled) return;
  held[who].recalled = true;
  seats[who].state = worker_state::cooling;
  seats[who].since_s = now_s();
  auto& gauge = parts->pools.of(pool).gauge;
  machine::count(why == reason::evicted ? gauge.evictions : gauge.cooldowns);
  tell(who, protocols::slot_recall{who, static_cast<std::uint8_t>(why), turn});
}

// -- what departments report --------------------------------------------------

void director_state::hear_news(const slot_news& news) {
  const auto who = news.specialist;
  if (who >= seats.size()) return;
  auto& seat = seats[who];
  auto& mine = held[who];
  const auto now = now_s();
  // What was said before a grant was heard says nothing of it; that one is answered, too.
  const bool answers = news.lease == 0 || news.lease >= mine.lease;
  const bool was_going = mine.recalled || seat.state == worker_state::cooling;
  using enum slot_news::kind;
  if (news.what == released || news.what == failed) {
    // Told again what is known, or before the grant was heard.
    if (!mine.reserved && answers) {
      const auto failures = mine.failures;
      const bool again = mine.to_warm;
      vacate(who);
      if (news.what == failed) note_failure(who, failures);
      if (again) by_hand(who, true);
    }
  } else {
    hold(who, true);
    mine.heard = mine.heard || answers;
  }
  switch (news.what) {
    case warming:
      mine.reserved = mine.recalled = false;
      mine.started = true;
      if (seat.state != worker_state::warming) seat = {worker_state::warming, seat.tasks, now, now};
      break;
    case warm:
      mine.reserved = mine.recalled = false;
      mine.started = true;
      mine.failed_until_s = 0;
      if (seat.state != worker_state::warm) seat.since_s = seat.idle_since_s = now;
      seat.state = worker_state::warm;
      if (news.load_ms > 0) learn_start(who, static_cast<double>(news.load_ms) * 1e-3);
      break;
    case cooling:
      mine.reserved = false;
      seat.state = worker_state::cooling;
      break;
    case kept:
      mine.recalled = mine.reserved = mine.to_warm = false;
      // It has been there since its start, and is not protected anew.
      if (seat.state != worker_state::warm) seat.since_s = mine.granted_s;
      seat.state = worker_state::warm;
      seat.tasks = std::max(seat.tasks, 1U);
      break;
    case released:
    case failed: break;
  }
  if (was_going && mine.held && !mine.recalled && seat.state != worker_state::cooling)
    keep_promises();
  grant_reserved();
  serve_waiting();
  review_at(now + review_max_s);
}

// It has no process and no place any more.
void director_state::vacate(std::uint32_t who) {
  auto& mine = held[who];
  const auto now = now_s();
  hold(who, false);
  if (mine.started && mine.prewarmed && ahead_of_demand(mine.why)) {
    machine::count(parts->forecast.prewarm_wastes);
    machine::count(parts->forecast.prewarm_wasted_ms,
                   static_cast<std::uint64_t>(std::max(now - mine.granted_s, 0.0) * 1e3));
  }
  mine = {.lease = mine.lease, .dismissed_s = mine.dismissed_s > 0 ? now : 0};
  seats[who].state = worker_state::cold;
  seats[who].since_s = now;
}

// Who is pinned is tried again by and by; anybody else when somebody asks for him.
void director_state::note_failure(std::uint32_t who, std::uint32_t before) {
  auto& mine = held[who];
  constexpr std::uint32_t doublings_max = 16;
  const auto wait_s = std::min(failed_base_s * std::exp2(before), failed_max_s);
  mine.failures = std::min(before + 1, doublings_max);
  mine.failed_until_s = facts[who].pinned ? now_s() + wait_s : runtime::never_s;
}

void director_state::learn_start(std::uint32_t who, double seconds) {
  starts.measured(who, seconds);
  const auto typical_s = starts.typical_s();
  const bool moved =
      typical_told_s <= 0 || std::abs(std::log(typical_s / typical_told_s)) > typical_moved;
  const auto tell = [this](std::uint32_t one) {
    facts[one].load_s = starts.expected_s(one, facts[one].load_s);
    policy->learn(one, facts[one]);
  };
  if (!moved) return tell(who);
  typical_told_s = typical_s;
  for (std::uint32_t one = 0; one < facts.size(); ++one) tell(one);
}

void director_state::pass_on(const protocols::usage_batch& batch) {
  auto& board = parts->forecast;
  if (board.under_way.load(std::memory_order_relaxed) >= forecast_board::under_way_max) {
    machine::count(board.unseen, batch.arrivals.size() + batch.lost);
    return;
  }
  board.under_way.fetch_add(1, std::memory_order_relaxed);
  self->send(predictor_handle,
             protocols::usage_batch{batch.department, batch.arrivals, {}, batch.lost});
}

void director_state::hear_usage(const protocols::usage_batch& batch) {
  const auto now = now_s();
  for (const auto& one : batch.arrivals) {
    if (one.specialist >= seats.size()) continue;
    const auto arrived_s = static_cast<double>(one.unix_us) * 1e-6;
    policy->observe_arrival(one.specialist, one.case_key, arrived_s);
    auto& mine = held[one.specialist];
    // What came before it was cooled may be heard of only now, and does not bring it back.
    if (arrived_s > mine.dismissed_s) mine.dismissed_s = 0;
    if (std::exchange(mine.prewarmed, false) && mine.held && ahead_of_demand(mine.why))
      machine::count(parts->pools.of(pool).gauge.prewarm_hits);
  }
  if (pool == protocols::pool_kind::intelligent && !batch.arrivals.empty()) {
    parts->forecast.record(batch.arrivals);
    if (predictor_handle) pass_on(batch);
  }
  for (const auto& one : batch.changed) {
    if (one.specialist >= seats.size()) continue;
    auto& seat = seats[one.specialist];
    seat.tasks = one.tasks;
    if (one.tasks > 0) continue;
    seat.idle_since_s = std::max(static_cast<double>(one.idle_unix_us) * 1e-6, seat.since_s);
    policy->observe_idle(one.specialist, seat.idle_since_s);
    if (held[one.specialist].to_cool) recall(one.specialist, reason::by_hand);
  }
  if (!waiting.empty()) serve_waiting();
  review_at(now + review_max_s);
}

void director_state::hear_expectations(const protocols::expectation_batch& batch) {
  if (!ours) return;
  const auto now = now_s();
  for (const auto& one : batch.calls)
    if (one.specialist < seats.size())
      ours->expect(one.specialist, one.probability, one.within_s, static_cast<reason>(one.why),
                   now);
  review();
}

void director_state::hear_survey(const protocols::memory_survey& survey) {
  for (std::size_t i = 0; i < survey.specialists.size(); ++i) {
    const auto who = survey.specialists[i];
    if (who >= facts.size()) continue;
    facts[who].memory_mb = static_cast<double>(survey.bytes[i]) / bytes_per_mb;
    if (held[who].held && held[who].counted_mb >= 0) {
      held_mb += facts[who].memory_mb - held[who].counted_mb;
      held[who].counted_mb = facts[who].memory_mb;
    }
    policy->learn(who, facts[who]);
  }
  if (limits.memory_budget_mb > 0) review();
}

void director_state::by_hand(std::uint32_t who, bool warm) {
  if (who >= seats.size()) return;
  auto& mine = held[who];
  const auto now = now_s();
  mine.dismissed_s = warm ? 0 : now;
  if (warm) mine.failed_until_s = 0;
  mine.to_cool = !warm && (mine.held || mine.reserved);
  mine.to_warm = warm && mine.held && seats[who].state == worker_state::cooling;
  if (!warm) {
    recall(who, reason::by_hand);
    return;
  }
  if (mine.held || mine.reserved) return;
  const bool waits = std::ranges::find(waiting, who) != waiting.end();
  place(who, reason::by_hand);
  if (!waits) std::erase(waiting, who);  // By hand it is now or not at all.
}

// -- ahead of demand ----------------------------------------------------------

// As long as one that nothing is predicted for would be kept: a residency may be no time at all.
double director_state::dismissal_s() const {
  const auto residency_s =
      limits.min_residency_s >= 0 ? limits.min_residency_s : limits.automatic_residency_max_s;
  return std::max(residency_s, limits.cooldown_s);
}

double director_state::review_pause_s() const {
  return std::clamp(review_each_s * static_cast<double>(seats.size()), review_min_s, review_max_s);
}

void director_state::review_at(double due_s) {
  if (due_s >= review_due_s) return;
  review_due_s = due_s;
  const auto wait = std::max(due_s - now_s(), 0.0);
  self->delayed_send(self, std::chrono::nanoseconds{static_cast<std::int64_t>(wait * 1e9)},
                     protocols::tick_atom::value, ++review_generation);
}

void director_state::review() {
  review_due_s = runtime::never_s;
  const auto now = now_s();
  tell_again(now);
  keep_promises();
  grant_reserved();
  serve_waiting();
  take_turns(now);
  const plan wanted = policy->review(seats, now);
  for (const auto& one : wanted.cool) recall(one.who, one.why);
  std::size_t warming = 0;
  std::size_t going = 0;
  for (std::uint32_t i = 0; i < held.size(); ++i) {
    if (seats[i].state == worker_state::warming) ++warming;
    if (held[i].held && seats[i].state == worker_state::cooling) ++going;
  }
  const auto batch_size =
      std::max<std::size_t>(parts->catalogs.now().config.prediction.batch_size, 1);
  std::size_t prewarmed = 0;
  const auto width = std::max<std::size_t>(limits.warming_concurrency, 1);
  bool more = false;
  auto dismissal_ends_s = runtime::never_s;
  for (const auto& one : wanted.warm) {
    if (held[one.who].held || held[one.who].reserved) continue;
    if (const auto until_s = held[one.who].failed_until_s; now < until_s) {
      dismissal_ends_s = std::min(dismissal_ends_s, until_s);
      continue;
    }
    // A callable starts in no time, so it need not wait its turn.
    const bool free_start = parts->catalogs.now().members[one.who].config.backend.kind
                            == config::backend_kind::function;
    if (!free_start && warming >= width) {
      more = true;
      break;
    }
    const bool ahead = ahead_of_demand(one.why);
    const auto dismissed_s = held[one.who].dismissed_s;
    if (ahead && dismissed_s > 0 && now < dismissed_s + dismissal_s()) {
      dismissal_ends_s = std::min(dismissal_ends_s, dismissed_s + dismissal_s());
      continue;
    }
    if (ahead && prewarmed >= batch_size) {
      more = true;
      break;
    }
    if (!has_room_for(one.who)) {
      // The plan has made room, which is not free before the other one's process is gone.
      if (going <= reservations.size()) continue;
      held[one.who].reserved = true;
      reservations.push_back(one.who);
      seats[one.who].state = worker_state::warming;
      seats[one.who].since_s = now;
    }
    held[one.who].why = one.why;
    if (ahead) ++prewarmed;
    if (!free_start) ++warming;
    if (!held[one.who].reserved) grant(one.who);
  }
  auto next = std::clamp(wanted.next_review_s, now + review_pause_s(), now + review_max_s);
  // Spread, so that many who are wanted at the same moment do not start as a herd.
  if (more) next = now + spread_s * std::uniform_real_distribution<double>{1, 3}(chance);
  show(now);
  review_at(dismissal_ends_s);
  if (held_count > 0 || !waiting.empty() || more || wanted.next_review_s < runtime::never_s)
    review_at(next);
}

void director_state::open() { review(); }

// -- behaviour ----------------------------------------------------------------

caf::behavior director(director_actor* self, const director_parts& parts, protocols::pool_kind pool,
                       policy_factory make_policy) {
  auto& state = self->state;
  state.self = self;
  state.parts.emplace(parts);
  state.pool = pool;
  state.policy = make_policy();
  state.ours = dynamic_cast<runtime::greenroom_policy*>(state.policy.get());
  state.chance.seed(parts.seed);
  state.adopt_catalog();  // Departments may speak before anyone says that we are open.
  state.restore();
  self->set_exit_handler([&state](const caf::exit_msg& message) {
    // The node goes down in order; after anything else the state is not to be trusted.
    if (message.reason == caf::exit_reason::user_shutdown) state.save();
    state.self->quit(message.reason);
  });
  parts.unexpected.watch(self);
  return {
      [&state](protocols::hire_atom, std::uint32_t index, const caf::actor& department) {
        state.follow_cast();
        state.meet(index, department);
      },
      [&state](protocols::hire_atom, const caf::actor& predictor) {
        // What was sent to one that is dead is not taken by anybody.
        if (std::exchange(state.predictor_handle, predictor) != predictor)
          state.parts->forecast.under_way.store(0, std::memory_order_relaxed);
      },
      [&state](const protocols::expectation_batch& batch) {
        state.follow_cast();
        state.hear_expectations(batch);
      },
      [&state](protocols::report_atom) {
        state.follow_cast();
        state.open();
      },
      [&state](protocols::again_atom) {
        state.follow_cast();
        state.ask_all();
      },
      [&state](const protocols::slot_need& need) {
        state.follow_cast();
        state.hear_need(need);
      },
      [&state](const slot_news& news) {
        state.follow_cast();
        state.hear_news(news);
      },
      [&state](const protocols::usage_batch& batch) {
        state.follow_cast();
        state.hear_usage(batch);
      },
      [&state](const protocols::memory_survey& survey) {
        state.follow_cast();
        state.hear_survey(survey);
      },
      [&state](protocols::warm_up_atom, std::uint32_t who) {
        state.follow_cast();
        state.by_hand(who, true);
      },
      [&state](protocols::cool_atom, std::uint32_t who) {
        state.follow_cast();
        state.by_hand(who, false);
      },
      [&state](protocols::reload_atom) {
        state.adopt_catalog();
        state.review();
      },
      [&state](protocols::tick_atom, std::uint64_t generation) {
        if (generation != state.review_generation) return;
        state.follow_cast();
        state.review();
      },
  };
}

}  // namespace greenroom::actors
