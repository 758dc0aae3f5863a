#include "runtime/simulation/keep_alive.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace greenroom::runtime {
namespace {

class always_warm final : public keep_alive_rule {
public:
  idle_window after_task(specialist_index, double) override { return {0, never_s}; }
  idle_window before_first(specialist_index, double) override { return {0, never_s}; }
};

class fixed_keep_alive final : public keep_alive_rule {
public:
  explicit fixed_keep_alive(double keep_s) : keep_s_(keep_s) {}
  idle_window after_task(specialist_index, double) override { return {0, keep_s_}; }

private:
  double keep_s_;
};

class just_in_time final : public keep_alive_rule {
public:
  explicit just_in_time(double load_s) : load_s_(load_s) {}
  idle_window after_task(specialist_index, double gap_s) override {
    if (gap_s == never_s) return {};
    if (gap_s <= load_s_) return {0, gap_s};
    return {gap_s - load_s_, gap_s};
  }
  idle_window before_first(specialist_index who, double gap_s) override {
    return after_task(who, gap_s);
  }

private:
  double load_s_;
};

class shortest_gaps final : public keep_alive_rule {
public:
  explicit shortest_gaps(double longest_s) : longest_s_(longest_s) {}
  idle_window after_task(specialist_index, double gap_s) override {
    return {0, gap_s <= longest_s_ ? gap_s : 0};
  }

private:
  double longest_s_;
};

/// Replays the requests of one specialist and tracks its residency.
class walk {
public:
  walk(specialist_index who, const workload& work, keep_alive_rule& rule, cost_ledger& books)
      : who_(who), work_(work), rule_(rule), books_(books) {}

  void request_at(double now_s, double duration_s) {
    if (first_) {
      before_first(now_s);
    } else if (now_s > busy_until_s_) {
      idle_until(now_s);
    }
    serve(now_s, duration_s);
  }

  void end() {
    if (first_) {
      open_window(rule_.before_first(who_, never_s), 0, never_s);
    } else {
      open_window(rule_.after_task(who_, never_s), busy_until_s_, never_s);
    }
    if (resident_) give_up(work_.horizon_s);
  }

private:
  void before_first(double now_s) {
    first_ = false;
    open_window(rule_.before_first(who_, now_s), 0, now_s);
  }

  void idle_until(double now_s) {
    const double gap_s = now_s - busy_until_s_;
    open_window(rule_.after_task(who_, gap_s), busy_until_s_, now_s);
    rule_.observe_gap(who_, gap_s);
  }

  // Applies the rule's plan between `idle_s` and the next request at `now_s`.
  void open_window(idle_window window, double idle_s, double now_s) {
    assert(window.until_s >= window.prewarm_s);
    if (window.prewarm_s > 0) {
      if (resident_) give_up(idle_s);
      if (idle_s + window.prewarm_s < now_s && window.until_s > window.prewarm_s) {
        load(idle_s + window.prewarm_s, true);
      }
    } else if (!resident_ && window.until_s > 0) {
      load(idle_s - work_.load_s, true);  // Only always-warm has a worker before the first request.
    }
    if (resident_ && idle_s + window.until_s < now_s) give_up(idle_s + window.until_s);
  }

  void load(double from_s, bool prewarmed) {
    resident_ = true;
    used_ = false;
    prewarmed_ = prewarmed;
    from_s_ = from_s;
    ready_s_ = from_s + work_.load_s;
  }

  void give_up(double at_s) {
    books_.charge(who_, std::max(0.0, from_s_), at_s, prewarmed_, used_);
    resident_ = false;
  }

  void serve(double now_s, double duration_s) {
    if (!resident_) {
      load(now_s, false);
      books_.serve_cold(who_, work_.load_s);
    } else if (now_s < ready_s_) {
      books_.serve_delayed(who_, ready_s_ - now_s);
    } else {
      books_.serve_warm(who_);
    }
    used_ = true;
    busy_until_s_ = std::max(busy_until_s_, std::max(now_s, ready_s_) + duration_s);
  }

  specialist_index who_;
  const workload& work_;
  keep_alive_rule& rule_;
  cost_ledger& books_;
  bool first_ = true;
  bool resident_ = false;
  bool prewarmed_ = false;
  bool used_ = false;
  double from_s_ = 0;
  double ready_s_ = 0;
  double busy_until_s_ = 0;
};

}  // namespace

std::unique_ptr<keep_alive_rule> make_always_warm() { return std::make_unique<always_warm>(); }

std::unique_ptr<keep_alive_rule> make_fixed_keep_alive(double keep_s) {
  return std::make_unique<fixed_keep_alive>(keep_s);
}

std::unique_ptr<keep_alive_rule> make_just_in_time(double load_s) {
  return std::make_unique<just_in_time>(load_s);
}

std::unique_ptr<keep_alive_rule> make_shortest_gaps(double longest_s) {
  return std::make_unique<shortest_gaps>(longest_s);
}

simulation_result run_keep_alive(const workload& work, keep_alive_rule& rule) {
  cost_ledger books(work);
  const std::size_t count = work.traffic->specialists.size();
  std::vector<walk> walks;
  walks.reserve(count);
  for (specialist_index who = 0; who < count; ++who) walks.emplace_back(who, work, rule, books);
  for (const request& one : work.traffic->requests) {
    walks[one.who].request_at(one.time_s, one.duration_s);
  }
  for (walk& one : walks) one.end();
  return books.close();
}

}  // namespace greenroom::runtime
