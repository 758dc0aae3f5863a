#include "runtime/simulation/warm_policy_run.hpp"

#include <algorithm>
#include <queue>
#include <vector>

namespace greenroom::runtime {
namespace {

class stage {
public:
  stage(const workload& work, warm_policy& policy, const warm_policy_run& settings)
      : work_(work),
        policy_(policy),
        settings_(settings),
        books_(work),
        slot_states_(work.traffic->specialists.size()),
        actors_(slot_states_.size()) {
    for (specialist_index who = 0; who < slot_states_.size(); ++who) {
      specialist_facts facts;
      facts.load_s = work.load_s;
      policy_.learn(who, facts);
    }
    policy_.set_limits(settings.limits);
    max_warm_ = settings.limits.max_warm;
  }

  simulation_result play() {
    for (const request& one : work_.traffic->requests) {
      advance(one.time_s);
      arrive(one);
    }
    advance(work_.horizon_s);
    for (specialist_index who = 0; who < slot_states_.size(); ++who) {
      if (slot_states_[who].state != worker_state::cold) give_up(who, work_.horizon_s);
    }
    return books_.close();
  }

private:
  struct actor {
    double from_s = 0;
    double ready_s = 0;
    double busy_until_s = 0;
    bool prewarmed = false;
    bool used = false;
    std::uint32_t life = 0;  ///< Generation; events of earlier residencies are stale.
  };
  struct event {
    double at_s = 0;
    specialist_index who = 0;
    std::uint32_t life = 0;
    bool ready = false;
    bool operator<(const event& other) const { return at_s > other.at_s; }
  };

  void advance(double now_s) {
    for (;;) {
      double event_s = never_s;
      if (!events_.empty()) event_s = events_.top().at_s;
      const double review_s = next_review();
      if (std::min(event_s, review_s) > now_s) return;
      if (event_s <= review_s) {
        const event one = events_.top();
        events_.pop();
        happen(one);
      } else {
        review(review_s);
      }
    }
  }

  double next_review() const {
    const double soonest_s = reviewed_s_ + settings_.review_every_s;
    if (changed_) return std::max(soonest_s, changed_s_);
    return std::max(soonest_s, wanted_review_s_);
  }

  void happen(const event& one) {
    actor& body = actors_[one.who];
    slot_state& slot = slot_states_[one.who];
    if (one.life != body.life) return;
    if (one.ready) {
      slot.state = worker_state::warm;
      slot.since_s = slot.idle_since_s = at(one.at_s);
      if (!body.used) note(one.at_s);
      return;
    }
    if (one.at_s < body.busy_until_s) return;  // A later request extended the busy time.
    slot.tasks = 0;
    slot.idle_since_s = at(one.at_s);
    policy_.observe_idle(one.who, at(one.at_s));
    note(one.at_s);
  }

  void note(double now_s) {
    if (!changed_) changed_s_ = now_s;
    changed_ = true;
  }

  void review(double now_s) {
    reviewed_s_ = now_s;
    changed_ = false;
    const plan wanted = policy_.review(slot_states_, at(now_s));
    wanted_review_s_ = wanted.next_review_s - settings_.epoch_s;
    for (const change& one : wanted.cool) {
      if (slot_states_[one.who].state == worker_state::warm && slot_states_[one.who].tasks == 0) {
        give_up(one.who, now_s);
      }
    }
    for (const change& one : wanted.warm) {
      if (slot_states_[one.who].state == worker_state::cold) load(one.who, now_s, true);
    }
  }

  void arrive(const request& one) {
    actor& body = actors_[one.who];
    slot_state& slot = slot_states_[one.who];
    policy_.observe_arrival(one.who, one.case_key, at(one.time_s));
    if (slot.state == worker_state::cold) {
      slot.tasks = 1;
      const warm_policy::room room = make_room(one);
      for (const change& victim : room.evict) give_up(victim.who, one.time_s);
      load(one.who, one.time_s, false);
      if (settings_.surplus_until_miss) limit(std::max(settings_.limits.max_warm, residents_));
      books_.serve_cold(one.who, work_.load_s);
    } else if (one.time_s < body.ready_s) {
      books_.serve_delayed(one.who, body.ready_s - one.time_s);
    } else {
      books_.serve_warm(one.who);
    }
    body.used = true;
    slot.tasks = 1;
    const double end_s = std::max(one.time_s, body.ready_s) + one.duration_s;
    body.busy_until_s = std::max(body.busy_until_s, end_s);
    events_.push({end_s, one.who, body.life, false});
  }

  // Evicts as many as possible, even if fewer than needed.
  warm_policy::room make_room(const request& one) {
    if (!settings_.surplus_until_miss)
      return policy_.make_room(one.who, slot_states_, at(one.time_s));
    warm_policy::room room;
    for (std::size_t most = settings_.limits.max_warm; !room.fits; ++most) {
      limit(most);
      room = policy_.make_room(one.who, slot_states_, at(one.time_s));
      if (most > residents_) break;
    }
    return room;
  }

  void limit(std::size_t most) {
    if (most == max_warm_) return;
    pool_limits now = settings_.limits;
    now.max_warm = max_warm_ = most;
    policy_.set_limits(now);
  }

  void load(specialist_index who, double now_s, bool prewarmed) {
    ++residents_;
    actor& body = actors_[who];
    body.from_s = now_s;
    body.ready_s = now_s + work_.load_s;
    body.busy_until_s = now_s;
    body.prewarmed = prewarmed;
    body.used = false;
    ++body.life;
    slot_states_[who].state = worker_state::warming;
    slot_states_[who].since_s = at(now_s);
    events_.push({body.ready_s, who, body.life, true});
  }

  void give_up(specialist_index who, double now_s) {
    actor& body = actors_[who];
    --residents_;
    books_.charge(who, body.from_s, now_s, body.prewarmed, body.used);
    ++body.life;
    slot_states_[who].state = worker_state::cold;
    slot_states_[who].since_s = at(now_s);
    slot_states_[who].tasks = 0;
  }

  double at(double trace_s) const { return trace_s + settings_.epoch_s; }

  const workload& work_;
  warm_policy& policy_;
  const warm_policy_run& settings_;
  cost_ledger books_;
  std::vector<slot_state> slot_states_;
  std::vector<actor> actors_;
  std::priority_queue<event> events_;
  std::size_t residents_ = 0;
  std::size_t max_warm_ = 0;  ///< The current limit.
  double reviewed_s_ = -1;
  double wanted_review_s_ = never_s;
  double changed_s_ = 0;
  bool changed_ = false;
};

}  // namespace

simulation_result run_warm_policy(const workload& work, warm_policy& policy,
                                  const warm_policy_run& settings) {
  return stage(work, policy, settings).play();
}

}  // namespace greenroom::runtime
