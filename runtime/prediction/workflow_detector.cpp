#include "runtime/prediction/workflow_detector.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace greenroom::runtime {

namespace {

// A shared call is tracked until this many later shared calls.
constexpr std::size_t shared_max = 64;
constexpr std::size_t shared_per_case_max = 8;
// A changed claim is passed on above this relative change.
constexpr double news_least = 0.02;
// Increase when the meaning of the saved data changes.
constexpr std::uint64_t state_shape = 2;

template <typename F>
void each_instance(const joint_instances& of, F&& then) {
  for (std::uint64_t bits = of.used(); bits != 0; bits &= bits - 1) {
    then(of.instances()[static_cast<std::size_t>(std::countr_zero(bits))]);
  }
}

}  // namespace

workflow_detector::workflow_detector(std::vector<workflow_steps> workflows, std::size_t cast,
                                     const detector_settings& settings)
    : workflows_(std::move(workflows)), settings_(settings), where_(cast) {
  for (std::uint32_t w = 0; w < workflows_.size(); ++w) {
    for (std::uint32_t k = 0; k < workflows_[w].size(); ++k) {
      const specialist_index who = workflows_[w][k];
      if (who >= where_.size()) where_.resize(who + 1);
      if (where_[who].empty() || where_[who].back().workflow != w) where_[who].push_back({w, {}});
      where_[who].back().places.push_back(k);
    }
  }
  // Prior: one call a second, half of the calls in workflows. The first minutes of data outweigh
  // it.
  foreign_ = alike_counts(where_.size(), 2.0 / static_cast<double>(std::max<std::size_t>(cast, 1)));
  begun_ = alike_counts(workflows_.size(),
                        1.0 / static_cast<double>(std::max<std::size_t>(workflows_.size(), 1)));
  seconds_ = 4.0;
  calls_ = 4.0;
}

void workflow_detector::grow(std::size_t cast) {
  if (cast <= where_.size()) return;
  where_.resize(cast);
  foreign_.grow(cast);
}

void workflow_detector::age_rates(double now_s) {
  if (started_) seconds_ += std::max(0.0, now_s - last_s_) * unit_;
  started_ = true;
  last_s_ = now_s;
  unit_ *= 1.0 + 1.0 / settings_.memory_events;
  calls_ += unit_;
  if (unit_ < 1e9) return;
  foreign_.divide(unit_);
  begun_.divide(unit_);
  seconds_ /= unit_;
  calls_ /= unit_;
  unit_ = 1;
}

workflow_detector::book& workflow_detector::book_of(std::uint64_t case_key) {
  const auto at = books_.find(case_key);
  if (at != books_.end()) {
    latest_.splice(latest_.begin(), latest_, at->second.place);
    return at->second;
  }
  if (books_.size() >= settings_.cases_max) {
    const auto oldest = books_.find(latest_.back());
    close_book(oldest->second);
    books_.erase(oldest);
    latest_.pop_back();
  }
  latest_.push_front(case_key);
  book& fresh = books_[case_key];
  fresh.place = latest_.begin();
  return fresh;
}

joint_instances& workflow_detector::open_in(book& where, std::uint32_t workflow) {
  for (joint_instances& one : where.open) {
    if (one.workflow() == workflow) return one;
  }
  return where.open.emplace_back(workflow, workflows_[workflow].size());
}

void workflow_detector::close_book(book& gone) {
  for (joint_instances& one : gone.open) {
    one.bring_to(last_s_, habits_);
    each_instance(one, [this](const instance_state& last) { over_.push_back(last); });
    settle(gone, one.workflow());
  }
}

void workflow_detector::claim_more(std::uint32_t workflow, const instance_state& one) {
  const double more = one.mass - one.counted;
  for (std::uint64_t seen = one.seen; seen != 0; seen &= seen - 1) {
    const auto back = static_cast<std::uint32_t>(std::countr_zero(seen));
    foreign_.add(workflows_[workflow][one.next - 1 - back], -more * unit_);
  }
}

void workflow_detector::recount(joint_instances& of) {
  for (instance_state& one : of.instances()) {
    if (one.mass == one.counted) continue;
    claim_more(of.workflow(), one);
    one.counted = one.mass;
  }
}

std::size_t workflow_detector::mark_shared(book& where, std::size_t most, double foreign) {
  const std::size_t place = where.shared_next;
  where.shared_next = (place + 1) % most;
  if (place == where.shared.size()) where.shared.emplace_back();
  for (joint_instances& of : where.open) of.unmark(1ULL << place);
  where.shared[place].foreign = foreign;
  where.shared[place].by.clear();
  return place;
}

void workflow_detector::spread(book& where, joint_instances& of) {
  for (std::size_t place = 0; place < where.shared.size(); ++place) {
    shared_call& call = where.shared[place];
    const auto mine = std::find_if(call.by.begin(), call.by.end(), [&of](const claimant& by) {
      return by.workflow == of.workflow() && !by.settled;
    });
    if (mine == call.by.end()) continue;
    const double claimed = std::clamp(of.claims(1ULL << place), 1e-6, 1.0 - 1e-6);
    // Its odds are its intensity over the intensity of the others, given the later calls.
    mine->mine = mine->others * claimed / (1.0 - claimed);
    for (claimant& other : call.by) {
      if (&other == &*mine || other.settled) continue;
      double others = call.foreign;
      for (const claimant& by : call.by) others += &by == &other ? 0.0 : by.mine;
      const double ratio = others / other.others;
      if (std::abs(ratio - 1.0) < news_least) continue;
      other.others = others;
      const auto theirs = std::find_if(
          where.open.begin(), where.open.end(),
          [&other](const joint_instances& one) { return one.workflow() == other.workflow; });
      if (theirs == where.open.end()) continue;
      theirs->reconsider(1ULL << place, ratio);
      recount(*theirs);
    }
  }
}

void workflow_detector::settle(book& where, std::uint32_t workflow) {
  for (const instance_state& one : over_) {
    for (std::uint64_t marks = one.shared; marks != 0; marks &= marks - 1) {
      for (claimant& by : where.shared[static_cast<std::size_t>(std::countr_zero(marks))].by) {
        by.settled = by.settled || by.workflow == workflow;
      }
    }
    claim_more(workflow, one);
    begun_.add(workflow, one.mass * unit_);
    if (one.next >= 2 && (one.seen & 2U) == 0) habits_.lost(one.mass);
    if (one.matched() > 1) {
      habits_.broke_off(workflows_[workflow].size() - one.next, one.mass);
    }
  }
  over_.clear();
}

double workflow_detector::live_share(double now_s) {
  // The number of cases with a call within the time that almost all steps take.
  const auto oldest = books_.find(latest_.back());
  if (oldest != books_.end() && latest_.size() > 1
      && now_s - oldest->second.last_call_s > habits_.given_up_s()) {
    close_book(oldest->second);
    books_.erase(oldest);
    latest_.pop_back();
  }
  cases_live_ += 0.02 * (static_cast<double>(books_.size()) - cases_live_);
  return 1.0 / std::max(1.0, cases_live_);
}

double workflow_detector::worth_reporting(const joint_instances& of) const {
  const double missing = habits_.missing();
  const double of_workflows = 1.0 - std::clamp(foreign_.sum() / calls_, 0.0, 1.0);
  const double costs = settings_.wrong_report_costs * of_workflows * of_workflows;
  double worth = 0;
  for (std::uint64_t bits = of.fresh(); bits != 0; bits &= bits - 1) {
    const instance_state& one = of.instances()[static_cast<std::size_t>(std::countr_zero(bits))];
    if (one.reported || one.next >= of.length()) continue;
    const std::size_t left = of.length() - 1 - one.next;
    // After only the first call, each remaining step makes up for a postponed report, unless the
    // step is missing or not recognised. A later doubt rarely disappears.
    const double never = one.matched() > 1 ? 1.0
                                           : std::pow(1.0 - (1.0 - missing) * settings_.recognised,
                                                      static_cast<double>(left));
    worth += one.mass * (costs + never);
  }
  return worth - costs;
}

void workflow_detector::bring_to(book& mine, std::uint32_t workflow, double now_s) {
  joint_instances& of = open_in(mine, workflow);
  of.bring_to(now_s, habits_);
  spread(mine, of);
  of.close_silent(over_);
  settle(mine, workflow);
  recount(of);
}

std::uint64_t workflow_detector::share_call(book& mine, specialist_index who,
                                            std::uint64_t case_key, double foreign, double sum) {
  if (where_[who].size() <= 1) return 0;
  const std::size_t index =
      mark_shared(mine, case_key == 0 ? shared_max : shared_per_case_max, foreign);
  for (std::size_t i = 0; i < where_[who].size(); ++i) {
    mine.shared[index].by.push_back({where_[who][i].workflow,
                                     std::max(foreign, sum - expected_of_[i]), expected_of_[i],
                                     expected_of_[i] <= 0});
  }
  return 1ULL << index;
}

workflow_progress workflow_detector::report_of(const joint_instances& of, std::uint64_t case_key,
                                               double now_s) {
  workflow_progress report{of.workflow(), case_key, 0, 0, now_s};
  double best = 0;
  for (std::uint64_t bits = of.fresh(); bits != 0; bits &= bits - 1) {
    const auto& one = of.instances()[static_cast<std::size_t>(std::countr_zero(bits))];
    if (one.reported) continue;
    report.probability = std::min(1.0, report.probability + one.mass);
    if (one.mass <= best) continue;
    best = one.mass;
    report.next = one.next;
  }
  return report;
}

std::span<const workflow_progress> workflow_detector::observe(specialist_index who,
                                                              std::uint64_t case_key,
                                                              double now_s) {
  reports_.clear();
  if (who >= where_.size()) return {};
  age_rates(now_s);
  book& mine = book_of(case_key);
  mine.last_call_s = now_s;
  const std::size_t most = case_key == 0 ? settings_.without_case_max : settings_.per_case_max;
  // The case's share of new workflows and foreign calls.
  const double share = case_key == 0 ? 1.0 : live_share(now_s);

  const double seconds = seconds_ / unit_;
  const double foreign = share * foreign_.expect(who, unit_) / seconds;
  foreign_.add(who, unit_);
  double sum = foreign;
  expected_of_.clear();
  for (const membership& in : where_[who]) bring_to(mine, in.workflow, now_s);
  for (const membership& in : where_[who]) {
    const double begins = share * begun_.expect(in.workflow, unit_) / seconds;
    expected_of_.push_back(open_in(mine, in.workflow).expect(in.places, begins, habits_));
    sum += expected_of_.back();
  }
  const std::uint64_t mark = share_call(mine, who, case_key, foreign, sum);
  for (std::size_t i = 0; i < where_[who].size(); ++i) {
    const membership& in = where_[who][i];
    joint_instances& of = open_in(mine, in.workflow);
    of.observe(std::max(foreign, sum - expected_of_[i]), most, mark, habits_, over_);
    settle(mine, in.workflow);
    recount(of);
  }
  for (const membership& in : where_[who]) {
    joint_instances& of = open_in(mine, in.workflow);
    spread(mine, of);
    if (of.fresh() == 0 || worth_reporting(of) < 0) continue;
    reports_.push_back(report_of(of, case_key, now_s));
    of.report_fresh();
  }
  std::erase_if(mine.open, [](const joint_instances& of) { return of.empty(); });
  std::sort(reports_.begin(), reports_.end(),
            [](const workflow_progress& a, const workflow_progress& b) {
              return a.probability != b.probability ? a.probability > b.probability
                                                    : a.workflow < b.workflow;
            });
  return reports_;
}

std::size_t workflow_detector::expected(double now_s, double horizon_s,
                                        std::span<workflow_expectation> out) const {
  constexpr std::size_t ahead_max = 4;
  const double missing = habits_.missing();
  const double in_time = 1.0 - habits_.survival(horizon_s);
  std::size_t found = 0;
  std::size_t looked_at = 0;
  for (const std::uint64_t key : latest_) {
    for (const joint_instances& of : books_.at(key).open) {
      each_instance(of, [&](const instance_state& one) {
        // The look is bounded; older instances at the far end are skipped.
        if (++looked_at > 4 * out.size() || one.mass < 0.05) return;
        const double age_s = std::max(0.0, now_s - one.last_s);
        const double still = habits_.survival(age_s);
        if (age_s > habits_.given_up_s() || still <= 0) return;
        // Only the first step has waited already; each later step starts after the one before.
        double probability =
            one.mass * one.alive(still) * (1.0 - habits_.survival(age_s + horizon_s) / still);
        for (std::size_t k = one.next; k < of.length() && k < one.next + ahead_max; ++k) {
          if (probability * (1.0 - missing) < 0.02 || found == out.size()) break;
          out[found++] = {workflows_[of.workflow()][k],
                          std::min(1.0, probability * (1.0 - missing)), of.workflow()};
          probability *= in_time;
        }
      });
      if (found == out.size() || looked_at > 4 * out.size()) return found;
    }
  }
  return found;
}

std::size_t workflow_detector::next_steps(std::uint64_t case_key, double now_s,
                                          std::span<workflow_expectation> out) const {
  const auto at = books_.find(case_key);
  if (at == books_.end()) return 0;
  const double missing = habits_.missing();
  std::size_t found = 0;
  for (const joint_instances& of : at->second.open) {
    each_instance(of, [&](const instance_state& one) {
      if (found == out.size() || one.mass < 0.05 || one.next >= of.length()) return;
      const double survival = habits_.survival(std::max(0.0, now_s - one.last_s));
      const double probability = one.mass * one.alive(survival) * (1.0 - missing);
      if (probability < 0.02) return;
      out[found++] = {workflows_[of.workflow()][one.next], std::min(1.0, probability),
                      of.workflow()};
    });
  }
  return found;
}

std::size_t workflow_detector::hypotheses() const {
  std::size_t all = 0;
  for (const auto& [key, one] : books_) {
    for (const joint_instances& of : one.open) all += of.hypotheses();
  }
  return all;
}

void workflow_detector::save(state_writer& to) const {
  std::uint64_t shape = foreign_.size() * 1099511628211ULL + state_shape;
  for (const workflow_steps& steps : workflows_) {
    shape = shape * 1099511628211ULL + steps.size();
    for (const specialist_index who : steps) shape = shape * 1099511628211ULL + who;
  }
  to.put(shape);
  foreign_.save(to, unit_);
  begun_.save(to, unit_);
  to.put(calls_ / unit_);
  to.put(seconds_ / unit_);
  habits_.save(to);
  to.put(cases_live_);
}

base::expected<void> workflow_detector::restore(state_reader& from) {
  constexpr double most = 1e15;
  std::uint64_t shape = foreign_.size() * 1099511628211ULL + state_shape;
  for (const workflow_steps& steps : workflows_) {
    shape = shape * 1099511628211ULL + steps.size();
    for (const specialist_index who : steps) shape = shape * 1099511628211ULL + who;
  }
  if (from.integer() != shape)
    return base::problem{"workflows", "what was learnt is of other workflows"};
  workflow_detector read(workflows_, foreign_.size(), settings_);
  read.foreign_.restore(from);
  read.begun_.restore(from);
  read.calls_ = from.number_within(1e-300, most);
  read.seconds_ = from.number_within(1e-300, most);
  read.habits_.restore(from);
  read.cases_live_ = from.number_within(0, most);
  if (from.failed()) return base::problem{"damaged", "what is inside does not fit together"};
  *this = std::move(read);
  return {};
}

}  // namespace greenroom::runtime
