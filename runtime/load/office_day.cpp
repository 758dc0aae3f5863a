#include "runtime/load/office_day.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "protocols/base/random.hpp"
#include "runtime/calendar.hpp"
#include "runtime/load/weighted_choice.hpp"

namespace greenroom::runtime::load {
namespace {

/// Standard deviation of log(pause): the middle 90 % lie within a factor of five.
constexpr double pause_deviation = 1.0;
constexpr double department_swing = 0.6;
constexpr double home_share = 0.6;
constexpr std::size_t usual_successors = 2;

/// Activity at each full hour; interpolated between.
constexpr std::array<double, 24> hourly = {0.010, 0.008, 0.006, 0.006, 0.008, 0.02, 0.07, 0.28,
                                           0.72,  0.98,  1.04,  1.00,  0.62,  0.66, 0.94, 1.05,
                                           0.96,  0.70,  0.36,  0.20,  0.12,  0.07, 0.03, 0.015};

constexpr std::array<std::string_view, 24> verbs = {
    "review",  "design", "plan",    "migrate", "test",   "profile", "document", "secure",
    "deploy",  "debug",  "improve", "compare", "trace",  "measure", "refactor", "estimate",
    "restore", "audit",  "scale",   "cache",   "render", "query",   "release",  "explain"};
constexpr std::array<std::string_view, 24> subjects = {
    "login",   "checkout", "search",  "billing",  "upload",  "report",  "session", "profile",
    "catalog", "invoice",  "message", "calendar", "payment", "webhook", "gateway", "dashboard",
    "import",  "export",   "backup",  "schedule", "contact", "address", "device",  "account"};

class office {
public:
  office(const office_cast& cast, const office_habits& habits)
      : cast_{cast}, habits_{habits}, random_{habits.seed} {
    assert(!cast.names.empty() && cast.department.size() == cast.names.size());
    rank_people();
    learn_habits();
    draw_activity();
  }

  std::vector<office_task> day() {
    for (std::size_t user = 0; user < habits_.users; ++user) live(user);
    for (std::size_t burst = 0; burst < habits_.bursts; ++burst) crowd(burst);
    for (std::size_t timer = 0; timer < habits_.timers; ++timer) tick(timer);
    std::erase_if(tasks_, [&](const office_task& one) {
      return one.time_s < habits_.from_hour * hour_s || one.time_s >= habits_.to_hour * hour_s;
    });
    std::stable_sort(tasks_.begin(), tasks_.end(),
                     [](const auto& a, const auto& b) { return a.time_s < b.time_s; });
    return std::move(tasks_);
  }

private:
  void rank_people() {
    const auto count = cast_.names.size();
    std::vector<double> place(count);
    for (auto& one : place) one = random_.uniform();
    // Workflows consist of popular specialists.
    for (const auto& workflow : cast_.workflows)
      for (const auto who : workflow) place[who] = std::min(place[who], random_.uniform() / 2);
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return place[a] < place[b]; });
    const auto by_rank = zipf_weights(count, habits_.popularity_exponent);
    popularity_.resize(count);
    for (std::size_t rank = 0; rank < count; ++rank) popularity_[order[rank]] = by_rank[rank];

    departments_ = 1 + *std::max_element(cast_.department.begin(), cast_.department.end());
    top_hour_.resize(departments_);
    // Peaks lie in working hours; a peak at night would leave only low demand during the day.
    for (auto& top : top_hour_) top = 8 + 10 * random_.uniform();
    members_.resize(departments_);
    for (std::size_t who = 0; who < count; ++who) members_[cast_.department[who]].push_back(who);
  }

  void learn_habits() {
    const weighted_choice anyone{popularity_};
    usual_.resize(cast_.names.size());
    for (auto& successors : usual_)
      for (auto& next : successors) next = anyone.pick(random_);
  }

  void draw_activity() {
    constexpr std::size_t slots = std::size_t{24} * 12;
    std::vector<double> weights(slots);
    for (std::size_t slot = 0; slot < slots; ++slot)
      weights[slot] = office_activity((static_cast<double>(slot) + 0.5) / 12);
    moments_.emplace(weights);
  }

  double moment() {
    const auto slot = static_cast<double>(moments_->pick(random_));
    return (slot + random_.uniform()) * day_s / static_cast<double>(moments_->size());
  }

  double pause() { return habits_.pause_s * std::exp(pause_deviation * random_.normal()); }

  /// A specialist by popularity at that time of day; from `within` unless that is empty.
  std::size_t someone(double time_s, std::span<const std::size_t> within = {}) {
    // Rejection sampling: draw by popularity, accept with the department's share of its peak.
    for (;;) {
      std::size_t who = 0;
      if (within.empty()) {
        if (!anyone_) anyone_.emplace(popularity_);
        who = anyone_->pick(random_);
      } else {
        double sum = 0;
        for (const auto one : within) sum += popularity_[one];
        double left = random_.uniform() * sum;
        who = within.back();
        for (const auto one : within) {
          left -= popularity_[one];
          if (left < 0) {
            who = one;
            break;
          }
        }
        return who;
      }
      const double phase =
          (time_s / hour_s - top_hour_[cast_.department[who]]) / 24 * 2 * std::numbers::pi;
      const double share = (1 + department_swing * std::cos(phase)) / (1 + department_swing);
      if (random_.uniform() < share) return who;
    }
  }

  void ask(double time_s, std::size_t who, const std::string& session) {
    const auto& name = cast_.names[who];
    const auto dash = name.find('-');
    std::string query{verbs[random_.below(verbs.size())]};
    query.append(" ").append(subjects[random_.below(subjects.size())]);
    query.append(" ").append(name, 0, dash);
    tasks_.push_back({time_s, who, session, std::move(query)});
  }

  /// Calls the specialist once or repeatedly; returns the time after the last pause.
  double converse(double time_s, std::size_t who, const std::string& session) {
    do {
      ask(time_s, who, session);
      time_s += pause();
    } while (random_.uniform() < habits_.again_share);
    return time_s;
  }

  void follow(double time_s, const std::vector<std::size_t>& steps, const std::string& session) {
    for (const auto who : steps)
      if (random_.uniform() >= habits_.slip_share) time_s = converse(time_s, who, session);
  }

  void walk(double time_s, std::size_t home, const std::string& session) {
    auto who = random_.uniform() < home_share ? someone(time_s, members_[home]) : someone(time_s);
    // Each specialist is called 1 / (1 - again) times on average.
    const double specialists = habits_.tasks_per_session * (1 - habits_.again_share);
    for (;;) {
      time_s = converse(time_s, who, session);
      if (random_.uniform() * specialists < 1) return;
      const double turn = random_.uniform();
      if (turn < habits_.habit_share)
        // The first successor is twice as likely as the second.
        who = usual_[who][random_.uniform() < 2.0 / 3 ? 0 : 1];
      else if (turn < habits_.habit_share + habits_.colleague_share)
        who = someone(time_s, members_[cast_.department[who]]);
      else
        who = someone(time_s);
    }
  }

  const std::vector<std::size_t>& a_workflow() {
    if (!usual_workflows_)
      usual_workflows_.emplace(zipf_weights(cast_.workflows.size(), habits_.popularity_exponent));
    return cast_.workflows[usual_workflows_->pick(random_)];
  }

  void live(std::size_t user) {
    const auto home = cast_.department[someone(11 * hour_s)];
    // A Poisson number of sessions: unit-rate arrivals until the mean is reached.
    double used = random_.exponential(1);
    for (std::size_t number = 1; used < habits_.sessions_per_user; ++number) {
      used += random_.exponential(1);
      std::string session = "u";
      session.append(std::to_string(user)).append("-").append(std::to_string(number));
      const double begin = moment();
      if (!cast_.workflows.empty() && random_.uniform() < habits_.workflow_share)
        follow(begin, a_workflow(), session);
      else
        walk(begin, home, session);
    }
  }

  void crowd(std::size_t burst) {
    if (cast_.workflows.empty()) return;
    const double begin = moment();
    const auto& steps = a_workflow();
    for (std::size_t user = 0; user < habits_.burst_users; ++user) {
      std::string session = "burst-";
      session.append(std::to_string(burst)).append("-").append(std::to_string(user));
      follow(begin + habits_.burst_s * random_.uniform(), steps, session);
    }
  }

  void tick(std::size_t timer) {
    const auto who = random_.below(cast_.names.size());
    const double interval = (10 + 50 * random_.uniform()) * 60;
    const auto session = "timer-" + std::to_string(timer);
    double time = interval * random_.uniform();
    while (time < day_s) {
      ask(time + 2 * random_.uniform(), who, session);
      time += interval;
    }
  }

  const office_cast& cast_;
  const office_habits& habits_;
  base::random_source random_;
  std::vector<double> popularity_;
  std::size_t departments_ = 0;
  std::vector<double> top_hour_;
  std::vector<std::vector<std::size_t>> members_;
  std::vector<std::array<std::size_t, usual_successors>> usual_;
  std::optional<weighted_choice> anyone_;
  std::optional<weighted_choice> moments_;
  std::optional<weighted_choice> usual_workflows_;
  std::vector<office_task> tasks_;
};

}  // namespace

double office_activity(double hour) {
  const double whole = std::floor(hour);
  const auto at = static_cast<std::size_t>(whole) % 24;
  const double share = hour - whole;
  return hourly[at] * (1 - share) + hourly[(at + 1) % 24] * share;
}

std::vector<office_task> make_office_day(const office_cast& cast, const office_habits& habits) {
  return office{cast, habits}.day();
}

}  // namespace greenroom::runtime::load
