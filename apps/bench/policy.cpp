// The cost of decisions: policy and predictor, called as the node's director and predictor do.
#include "apps/bench/benchmarks.hpp"
#include "protocols/base/random.hpp"
#include "runtime/load/weighted_choice.hpp"
#include "runtime/pooling/predictive_policy.hpp"
#include "runtime/prediction/predictor.hpp"
#include "runtime/prediction/workflow_stream.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <vector>

namespace greenroom::bench {
namespace {

using steady = std::chrono::steady_clock;

constexpr double tick_s = 0.05;           // The predictor's tick.
constexpr double calls_each_s = 0.1;      // Per specialist, on average.
constexpr double popularity = 1.1;        // Zipf's exponent.
constexpr std::size_t session_calls = 8;  // Calls per session, on average.
constexpr double begin_s = 1'700'000'000;

/// Processor time of this thread, so that other processes do not count.
double worked_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Times a piece of code that runs repeatedly.
struct stretch {
  double total_ns = 0, most_ns = 0, runs = 0;

  template <class Work>
  void time(double times, Work&& work) {
    const double before = worked_ns();
    work();
    const double took = worked_ns() - before;
    total_ns += took;
    most_ns = std::max(most_ns, took);
    runs += times;
  }
  [[nodiscard]] double mean_ns() const { return runs > 0 ? total_ns / runs : 0; }
};

struct call {
  runtime::specialist_index who = 0;
  std::uint64_t session = 0;
};

class office {
public:
  explicit office(std::size_t cast)
      : cast_{cast}, mind_{cast, {}}, slot_states_(cast), popular_{weights(cast)} {
    for (runtime::specialist_index who = 0; who < cast; ++who)
      policy_.learn(who, {.department = who % 19, .load_s = 0.4});
    limits_.max_warm = std::max<std::size_t>(1, cast / 5);
    policy_.set_limits(limits_);
  }

  /// One tick of the predictor, preceded by the calls since the last tick.
  void tick() {
    now_s_ += tick_s;
    draw();
    const auto calls = static_cast<double>(calls_.size());
    if (!calls_.empty()) {
      observe.time(calls, [&] {
        for (const auto& one : calls_) policy_.observe_arrival(one.who, one.session, now_s_);
      });
      for (const auto& one : calls_) admit(one.who);
      finish.time(calls, [&] {
        for (const auto& one : calls_) policy_.observe_idle(one.who, now_s_);
      });
      foresee.time(calls, [&] {
        for (const auto& one : calls_) mind_.observe(one.who, one.session, now_s_);
      });
    }
    for (const auto& one : calls_) {
      slot_states_[one.who].tasks = 0;
      slot_states_[one.who].idle_since_s = now_s_;
    }
    expect.time(1, [&] {
      for (const auto& one : mind_.expected(now_s_, 30))
        if (one.probability >= 0.05)
          policy_.expect(one.who, one.probability, one.within_s, runtime::reason::predicted,
                         now_s_);
    });
    runtime::plan wanted;
    review.time(1, [&] { wanted = policy_.review(slot_states_, now_s_); });
    for (const auto& one : wanted.cool) set(one.who, runtime::worker_state::cold);
    for (const auto& one : wanted.warm) set(one.who, runtime::worker_state::warm);
  }

  stretch observe, finish, foresee, room, expect, review;

private:
  static std::vector<double> weights(std::size_t cast) {
    return runtime::load::zipf_weights(cast, popularity);
  }
  void draw() {
    calls_.clear();
    owed_ += static_cast<double>(cast_) * calls_each_s * tick_s;
    for (; owed_ >= 1; owed_ -= 1) {
      if (random_.below(session_calls) == 0) ++session_;
      calls_.push_back({static_cast<runtime::specialist_index>(popular_.pick(random_)), session_});
    }
  }
  void set(runtime::specialist_index who, runtime::worker_state state) {
    slot_states_[who] = {state, 0, now_s_, now_s_};
  }
  void admit(runtime::specialist_index who) {
    auto& slot = slot_states_[who];
    slot.tasks = 1;
    if (slot.state != runtime::worker_state::cold) return;
    runtime::warm_policy::room found;
    room.time(1, [&] { found = policy_.make_room(who, slot_states_, now_s_); });
    for (const auto& one : found.evict) set(one.who, runtime::worker_state::cold);
    if (!found.fits) return;
    set(who, runtime::worker_state::warm);
    slot.tasks = 1;
  }

  std::size_t cast_;
  runtime::predictive_policy policy_;
  runtime::predictor mind_;
  runtime::pool_limits limits_;
  std::vector<runtime::slot_state> slot_states_;
  runtime::load::weighted_choice popular_;
  base::random_source random_{7};
  std::vector<call> calls_;
  double now_s_ = begin_s;
  double owed_ = 0;
  std::uint64_t session_ = 1;
};

/// The cost of detecting twelve workflows with `people` concurrent users.
result following(std::size_t people, bool with_cases, double noise) {
  runtime::stream_settings stream;
  stream.workflows = runtime::sample_workflows();
  stream.users = people;
  stream.noise = noise;
  stream.with_cases = with_cases;
  const auto calls = runtime::generate_stream(stream).calls;
  runtime::workflow_detector detector{stream.workflows, stream.cast};
  constexpr std::size_t together = 64;  // Reading the clock costs as much as one call.
  stretch observe;
  for (std::size_t at = 0; at + together <= calls.size(); at += together) {
    if (at < calls.size() / 4 && at + together >= calls.size() / 4) observe = {};
    observe.time(together, [&] {
      for (std::size_t i = at; i < at + together; ++i)
        detector.observe(calls[i].who, calls[i].case_key, calls[i].at_s);
    });
  }
  result one;
  one.name = "workflows of " + std::to_string(people) + " people, "
             + (with_cases ? "with" : "without") + " case keys, noise "
             + std::to_string(static_cast<int>(noise * 100)) + " %";
  one.found.tasks_per_s = 1e9 / std::max(1.0, observe.mean_ns());
  one.more = {{"detector_ns_a_task", observe.mean_ns()},
              {"detector_ns_a_task_most", observe.most_ns / static_cast<double>(together)}};
  return one;
}

}  // namespace

std::vector<result> policy(const settings& how) {
  std::vector<result> found;
  for (const std::size_t cast : {83UL, 500UL, 5'000UL, 100'000UL}) {
    office day{cast};
    // Warm-up: every specialist is called before the measurement.
    const auto begin = steady::now();
    const auto half = std::chrono::duration<double>{how.seconds / 2};
    while (steady::now() - begin < half) day.tick();
    day.observe = day.finish = day.foresee = day.room = day.expect = day.review = {};
    const auto again = steady::now();
    do day.tick();
    while (steady::now() - again < half);
    result one;
    one.name = "policy, cast of " + std::to_string(cast);
    const double policy_ns = day.observe.mean_ns() + day.finish.mean_ns();
    one.found.tasks_per_s = 1e9 / std::max(1.0, policy_ns + day.foresee.mean_ns());
    one.more = {{"policy_ns_a_task", policy_ns},
                {"predictor_ns_a_task", day.foresee.mean_ns()},
                {"room_us_a_cold_start", day.room.mean_ns() / 1e3},
                {"predictor_tick_us", day.expect.mean_ns() / 1e3},
                {"review_us", day.review.mean_ns() / 1e3},
                {"review_most_us", day.review.most_ns / 1e3}};
    found.push_back(std::move(one));
  }
  for (const double noise : {0.1, 0.3}) {
    found.push_back(following(20, true, noise));
    for (const std::size_t people : {5UL, 20UL, 50UL})
      found.push_back(following(people, false, noise));
  }
  return found;
}

}  // namespace greenroom::bench
