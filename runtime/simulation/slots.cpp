#include "runtime/simulation/slots.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

namespace greenroom::runtime {
namespace {

/// Policies that rank residents by worth and evict the lowest. Scans the residents on a miss, which
/// is cheap compared with the load.
class ranked_slots : public slot_rule {
public:
  explicit ranked_slots(const trace& traffic)
      : traffic_(traffic), entries_(traffic.specialists.size()) {}

  void hit(specialist_index who, std::size_t position) override {
    entry& one = entries_[who];
    ++one.frequency;
    one.last_s = traffic_.requests[position].time_s;
    one.worth = worth_of(one, position);
  }

  void miss(specialist_index who, std::size_t position) override {
    residents_.push_back(who);
    entries_[who].admitted = position;
    hit(who, position);
  }

  specialist_index evict(const idle_test& idle) override {
    specialist_index victim = nobody;
    std::size_t found = 0;
    for (std::size_t i = 0; i < residents_.size(); ++i) {
      const specialist_index other = residents_[i];
      if (victim != nobody && !less(entries_[other], entries_[victim])) continue;
      if (!idle(other)) continue;
      victim = other;
      found = i;
    }
    if (victim == nobody) return nobody;
    residents_[found] = residents_.back();
    residents_.pop_back();
    evicted(entries_[victim]);
    return victim;
  }

protected:
  struct entry {
    double worth = 0;
    std::uint64_t frequency = 0;
    double last_s = 0;
    std::size_t admitted = 0;  ///< Position of the request that loaded it.
  };
  virtual double worth_of(const entry& one, std::size_t position) = 0;
  virtual void evicted(entry&) {}

private:
  static bool less(const entry& a, const entry& b) {
    // Recordings by the minute have many equal times: evict the longest resident then.
    if (a.worth != b.worth) return a.worth < b.worth;
    return a.last_s != b.last_s ? a.last_s < b.last_s : a.admitted < b.admitted;
  }

  const trace& traffic_;
  std::vector<entry> entries_;
  std::vector<specialist_index> residents_;
};

class lru_slots final : public ranked_slots {
public:
  using ranked_slots::ranked_slots;

private:
  double worth_of(const entry& one, std::size_t) override { return one.last_s; }
};

class lfu_slots final : public ranked_slots {
public:
  using ranked_slots::ranked_slots;

private:
  double worth_of(const entry& one, std::size_t) override {
    return static_cast<double>(one.frequency);
  }
};

class greedy_dual_slots final : public ranked_slots {
public:
  using ranked_slots::ranked_slots;

private:
  double worth_of(const entry& one, std::size_t) override {
    return clock_ + static_cast<double>(one.frequency);
  }
  void evicted(entry& victim) override {
    clock_ = std::max(clock_, victim.worth);
    victim.frequency = 0;
  }

  double clock_ = 0;
};

class belady_slots final : public ranked_slots {
public:
  explicit belady_slots(const trace& traffic)
      : ranked_slots(traffic), next_(traffic.requests.size()) {
    std::vector<std::size_t> upcoming(traffic.specialists.size(), traffic.requests.size());
    for (std::size_t i = traffic.requests.size(); i-- > 0;) {
      next_[i] = upcoming[traffic.requests[i].who];
      upcoming[traffic.requests[i].who] = i;
    }
  }

private:
  double worth_of(const entry&, std::size_t position) override {
    return -static_cast<double>(next_[position]);
  }

  std::vector<std::size_t> next_;
};

}  // namespace

std::unique_ptr<slot_rule> make_lru_slots(const trace& traffic) {
  return std::make_unique<lru_slots>(traffic);
}
std::unique_ptr<slot_rule> make_lfu_slots(const trace& traffic) {
  return std::make_unique<lfu_slots>(traffic);
}
std::unique_ptr<slot_rule> make_greedy_dual_slots(const trace& traffic) {
  return std::make_unique<greedy_dual_slots>(traffic);
}
std::unique_ptr<slot_rule> make_belady_slots(const trace& traffic) {
  return std::make_unique<belady_slots>(traffic);
}

simulation_result run_slots(const workload& work, slot_rule& rule, std::size_t slots) {
  assert(slots > 0);
  struct residence {
    bool resident = false;
    double from_s = 0;
    double ready_s = 0;
    double busy_until_s = 0;
  };
  const trace& traffic = *work.traffic;
  cost_ledger books(work);
  std::vector<residence> places(traffic.specialists.size());
  std::size_t taken = 0;
  double now_s = 0;
  const slot_rule::idle_test idle = [&](specialist_index who) {
    return places[who].busy_until_s <= now_s;
  };
  for (std::size_t i = 0; i < traffic.requests.size(); ++i) {
    const request& one = traffic.requests[i];
    residence& place = places[one.who];
    now_s = one.time_s;
    if (place.resident) {
      rule.hit(one.who, i);
      if (now_s < place.ready_s) {
        books.serve_delayed(one.who, place.ready_s - now_s);
      } else {
        books.serve_warm(one.who);
      }
    } else {
      while (taken >= slots) {
        const specialist_index victim = rule.evict(idle);
        if (victim == slot_rule::nobody) break;
        books.charge(victim, places[victim].from_s, now_s, false, true);
        places[victim].resident = false;
        --taken;
      }
      ++taken;
      rule.miss(one.who, i);
      place = {true, now_s, now_s + work.load_s, now_s};
      books.serve_cold(one.who, work.load_s);
    }
    place.busy_until_s =
        std::max(place.busy_until_s, std::max(now_s, place.ready_s) + one.duration_s);
  }
  for (specialist_index who = 0; who < places.size(); ++who) {
    if (places[who].resident) {
      books.charge(who, places[who].from_s, work.horizon_s, false, true);
    }
  }
  return books.close();
}

}  // namespace greenroom::runtime
