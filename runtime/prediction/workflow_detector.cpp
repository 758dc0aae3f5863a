#include "runtime/prediction/workflow_detector.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {

namespace {

// A hypothesis below this is not worth its place.
constexpr double mass_least = 0.01;
// Beyond the time between steps that only so few exceed, an instance was given up.
constexpr double survival_least = 0.005;

}  // namespace

workflow_detector::workflow_detector(std::vector<workflow_steps> workflows, std::size_t cast,
                                     const detector_settings& settings)
    : workflows_(std::move(workflows)), settings_(settings), where_(cast) {
  for (std::uint32_t w = 0; w < workflows_.size(); ++w) {
    for (std::uint32_t k = 0; k < workflows_[w].size(); ++k) {
      const specialist_index who = workflows_[w][k];
      if (who >= where_.size()) where_.resize(who + 1);
      where_[who].push_back({w, k});
    }
  }
  // Before anything is seen: one call a second, half of them of workflows. The first real minutes
  // outweigh this.
  foreign_.assign(where_.size(), 2.0 / static_cast<double>(std::max<std::size_t>(cast, 1)));
  foreign_sum_ = 2.0;
  begun_.assign(workflows_.size(),
                1.0 / static_cast<double>(std::max<std::size_t>(workflows_.size(), 1)));
  seconds_ = 4.0;
  // Any time between steps from 1/64 s to days is thought possible, minutes the likeliest.
  for (std::size_t i = 0; i < gap_classes; ++i) {
    const double from_minute = std::abs(std::log2(std::max(gap_from(i), 1.0 / 64) / 30.0));
    gaps_[i] = 0.2 / (1.0 + 0.25 * from_minute * from_minute);
    gaps_sum_ += gaps_[i];
  }
  sum_gaps();
}

void workflow_detector::grow(std::size_t cast) {
  if (cast <= where_.size()) return;
  where_.resize(cast);
  foreign_.resize(cast, 0);
}

std::size_t workflow_detector::gap_class(double gap_s) {
  const double place = 2.0 * std::log2(std::clamp(gap_s, 1.0 / 64, 1e6) * 64);
  return std::min<std::size_t>(static_cast<std::size_t>(place), gap_classes - 1);
}

double workflow_detector::gap_from(std::size_t which) {
  static const std::array<double, gap_classes + 1> edges = [] {
    std::array<double, gap_classes + 1> from{};
    for (std::size_t i = 1; i <= gap_classes; ++i) {
      from[i] = std::exp2(static_cast<double>(i) / 2.0) / 64;
    }
    return from;
  }();
  return edges[which];
}

double workflow_detector::density(double age_s) const {
  const std::size_t at = gap_class(age_s);
  return gaps_[at] / gaps_sum_ / (gap_from(at + 1) - gap_from(at));
}

double workflow_detector::survival(double age_s) const {
  const std::size_t at = gap_class(age_s);
  const double inside =
      std::clamp((gap_from(at + 1) - age_s) / (gap_from(at + 1) - gap_from(at)), 0.0, 1.0);
  return longer_[at + 1] + inside * (longer_[at] - longer_[at + 1]);
}

void workflow_detector::sum_gaps() {
  longer_[gap_classes] = 0;
  for (std::size_t i = gap_classes; i-- > 0;) longer_[i] = longer_[i + 1] + gaps_[i] / gaps_sum_;
  given_up_s_ = gap_from(1);
  for (std::size_t i = 1; i < gap_classes && longer_[i] >= survival_least; ++i) {
    given_up_s_ = gap_from(i + 1);
  }
}

void workflow_detector::learn_gap(double gap_s, double weight) {
  // Neighbours share, for times between steps are smooth.
  const std::size_t at = gap_class(gap_s);
  gaps_[at] += 0.5 * weight;
  if (at > 0) gaps_[at - 1] += 0.25 * weight;
  if (at + 1 < gap_classes) gaps_[at + 1] += 0.25 * weight;
  gaps_sum_ += weight;
  if (gaps_sum_ < 2000) return;
  gaps_sum_ = 0;
  for (double& gap : gaps_) gaps_sum_ += gap *= 0.5;
}

void workflow_detector::age_rates(double now_s) {
  if (started_) seconds_ += std::max(0.0, now_s - last_s_) * unit_;
  started_ = true;
  last_s_ = now_s;
  unit_ *= 1.0 + 1.0 / settings_.memory_events;
  if (unit_ < 1e9) return;
  for (double& sum : foreign_) sum /= unit_;
  for (double& sum : begun_) sum /= unit_;
  foreign_sum_ /= unit_;
  seconds_ /= unit_;
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
    for (hypothesis& gone : oldest->second.open) forget(gone);
    books_.erase(oldest);
    latest_.pop_back();
  }
  latest_.push_front(case_key);
  book& fresh = books_[case_key];
  fresh.place = latest_.begin();
  return fresh;
}

void workflow_detector::forget(hypothesis& gone) {
  // It was begun by one call and nothing followed: that call was a foreign one after all.
  if (gone.matched == 1 && gone.mass > 0) {
    put_down_as_foreign(gone.latest, gone.mass);
  }
  gone.mass = 0;
}

void workflow_detector::put_down_as_foreign(specialist_index who, double calls) {
  const double before = foreign_[who];
  foreign_[who] = std::max(0.0, before + calls * unit_);
  foreign_sum_ = std::max(1e-9, foreign_sum_ + foreign_[who] - before);
}

void workflow_detector::admit(book& where, std::size_t most, const hypothesis& fresh) {
  if (where.open.size() < most) {
    where.open.push_back(fresh);
    return;
  }
  auto least =
      std::min_element(where.open.begin(), where.open.end(),
                       [](const hypothesis& a, const hypothesis& b) { return a.mass < b.mass; });
  if (least->mass >= fresh.mass) return;
  forget(*least);
  *least = fresh;
}

std::span<const workflow_progress> workflow_detector::observe(specialist_index who,
                                                              std::uint64_t case_key,
                                                              double now_s) {
  made_known_.clear();
  if (who >= where_.size()) return {};
  age_rates(now_s);
  book& mine = book_of(case_key);
  mine.heard_s = now_s;
  const std::size_t most = case_key == 0 ? settings_.without_case_max : settings_.per_case_max;

  // One user's share of what begins and of what is foreign.
  double share = 1;
  if (case_key != 0) {
    // Cases that were heard of within the time that almost all steps take.
    const auto oldest = books_.find(latest_.back());
    bool stale = oldest != books_.end() && latest_.size() > 1;
    stale = stale && now_s - oldest->second.heard_s > given_up_s_;
    if (stale) {
      for (hypothesis& gone : oldest->second.open) forget(gone);
      books_.erase(oldest);
      latest_.pop_back();
    }
    cases_live_ += 0.02 * (static_cast<double>(books_.size()) - cases_live_);
    share = 1.0 / std::max(1.0, cases_live_);
  }

  const double missing = passed_over_ / (regular_ + passed_over_);
  const double cast = static_cast<double>(where_.size());
  const double foreign = share * (foreign_[who] + 0.5 * foreign_sum_ / cast) / 1.5 / seconds_;

  // Everything that may explain this call.
  double sum = foreign;
  std::vector<claim>& claims = claims_;
  claims.clear();
  for (const occurrence& at : where_[who]) {
    const std::size_t length = workflows_[at.workflow].size();
    if (at.step > 1 || at.step + 1 >= length + (length < 2 ? 1 : 0)) continue;
    const double likely = at.step == 0 ? 1.0 - missing : missing;
    const double intensity = share * likely * begun_[at.workflow] / seconds_;
    claims.push_back(
        {none, at.workflow, at.step + 1, at.step == 0 ? 0xFFFFFFFFU : 0U, intensity, at.step == 0});
    sum += intensity;
  }
  for (std::size_t i = 0; i < mine.open.size(); ++i) {
    hypothesis& h = mine.open[i];
    const double age_s = std::max(0.0, now_s - h.last_s);
    if (h.mass < mass_least || age_s > given_up_s_) {
      forget(h);
      continue;
    }
    const workflow_steps& steps = workflows_[h.workflow];
    claim by{i, h.workflow, 0, 0xFFFFFFFFU, 0, false};
    double likely = 0;
    if (h.next < steps.size() && steps[h.next] == who) {
      likely = 1.0 - missing;
      by.next = h.next + 1;
      by.regular = true;
    } else if (h.owed < steps.size() && steps[h.owed] == who) {
      likely = 0.5;
      by.next = h.next;
    } else if (h.next + 1 < steps.size() && steps[h.next + 1] == who) {
      likely = missing;
      by.next = h.next + 2;
      by.owed = h.next;
    }
    if (likely <= 0) continue;
    by.intensity = h.mass * likely * density(age_s);
    claims.push_back(by);
    sum += by.intensity;
  }

  const double doubt = foreign / sum;
  put_down_as_foreign(who, doubt);
  for (const claim& by : claims) {
    const double mass = by.intensity / sum;
    hypothesis fresh;
    fresh.workflow = by.workflow;
    fresh.next = by.next;
    fresh.owed = by.owed;
    fresh.mass = mass;
    fresh.last_s = now_s;
    fresh.matched = 1;
    fresh.latest = who;
    fresh.doubt = doubt;
    if (by.from != none) {
      hypothesis& h = mine.open[by.from];
      fresh.matched = h.matched + 1;
      fresh.chain = h.chain;
      fresh.reported = h.reported;
      if (h.matched == 1) begun_[by.workflow] += mass * unit_;
      learn_gap(std::max(0.0, now_s - h.last_s), mass);
      (by.regular ? regular_ : passed_over_) += mass;
      put_down_as_foreign(h.latest, -mass * h.doubt);
      h.doubt *= 1.0 - mass;
      const std::uint64_t chain = h.chain;
      for (hypothesis& other : mine.open) {
        if (other.chain == chain && other.last_s < now_s) other.mass *= 1.0 - mass;
      }
    } else {
      fresh.chain = ++chains_;
    }
    if (mass < mass_least) continue;
    // The same place reached in two ways is one hypothesis.
    hypothesis* same = nullptr;
    for (hypothesis& h : mine.open) {
      if (h.last_s == now_s && h.workflow == fresh.workflow && h.next == fresh.next
          && h.mass >= mass_least && h.owed == fresh.owed && h.chain == fresh.chain) {
        same = &h;
      }
    }
    if (same != nullptr && by.from != none) {
      const double both = same->mass + fresh.mass;
      same->reported = (same->reported * same->mass + fresh.reported * fresh.mass) / both;
      same->mass = both;
    } else {
      admit(mine, most, fresh);
    }
  }
  if (!claims.empty()) sum_gaps();
  if (regular_ + passed_over_ > 4000) {
    regular_ *= 0.5;
    passed_over_ *= 0.5;
  }
  std::erase_if(mine.open, [this](const hypothesis& h) {
    return h.mass < mass_least || h.next >= workflows_[h.workflow].size();
  });

  // What this call makes known, summed over the ways in which it may belong to a workflow.
  for (const hypothesis& h : mine.open) {
    if (h.last_s != now_s) continue;
    double mass = 0;
    double reported = 0;
    const hypothesis* best = &h;
    bool first = true;
    for (const hypothesis& other : mine.open) {
      if (other.last_s != now_s || other.workflow != h.workflow) continue;
      if (&other < &h) first = false;
      mass += other.mass;
      reported += other.mass * other.reported;
      if (other.mass > best->mass) best = &other;
    }
    const double enough = best->matched == 1 ? settings_.report_first_at : settings_.report_at;
    if (!first || mass < enough || reported > settings_.report_again_below * mass) continue;
    made_known_.push_back({h.workflow, case_key, best->next, std::min(1.0, mass), now_s});
  }
  for (const workflow_progress& known : made_known_) {
    for (hypothesis& h : mine.open) {
      if (h.last_s == now_s && h.workflow == known.workflow) h.reported = 1;
    }
  }
  std::sort(made_known_.begin(), made_known_.end(),
            [](const workflow_progress& a, const workflow_progress& b) {
              return a.probability != b.probability ? a.probability > b.probability
                                                    : a.workflow < b.workflow;
            });
  return made_known_;
}

std::size_t workflow_detector::in_progress(double now_s, double least,
                                           std::span<workflow_progress> out) const {
  std::size_t found = 0;
  for (const std::uint64_t key : latest_) {
    for (const hypothesis& h : books_.at(key).open) {
      const double probability = std::min(1.0, h.mass * survival(std::max(0.0, now_s - h.last_s)));
      if (probability < least) continue;
      if (found == out.size()) return found;
      out[found++] = {h.workflow, key, h.next, probability, h.last_s};
    }
  }
  return found;
}

std::size_t workflow_detector::expected(double now_s, double horizon_s,
                                        std::span<workflow_expectation> out) const {
  constexpr std::size_t ahead_max = 4;
  const double missing = passed_over_ / (regular_ + passed_over_);
  const double in_time = 1.0 - survival(horizon_s);
  std::size_t found = 0;
  std::size_t looked_at = 0;
  for (const std::uint64_t key : latest_) {
    for (const hypothesis& h : books_.at(key).open) {
      // Old hypotheses at the far end are not worth the time of a bounded look.
      if (++looked_at > 4 * out.size()) return found;
      const double age_s = std::max(0.0, now_s - h.last_s);
      const double still = survival(age_s);
      if (h.mass < 0.05 || still < survival_least) continue;
      // The first step has waited already; those after it start from its end.
      double probability = h.mass * still * (1.0 - survival(age_s + horizon_s) / still);
      for (std::size_t k = h.next; k < workflows_[h.workflow].size() && k < h.next + ahead_max;
           ++k) {
        if (probability * (1.0 - missing) < 0.02) break;
        if (found == out.size()) return found;
        out[found++] = {workflows_[h.workflow][k], std::min(1.0, probability * (1.0 - missing)),
                        h.workflow};
        probability *= in_time;
      }
    }
  }
  return found;
}

std::size_t workflow_detector::next_steps(std::uint64_t case_key, double now_s,
                                          std::span<workflow_expectation> out) const {
  const auto at = books_.find(case_key);
  if (at == books_.end()) return 0;
  const double missing = passed_over_ / (regular_ + passed_over_);
  std::size_t found = 0;
  for (const hypothesis& h : at->second.open) {
    if (found == out.size()) break;
    if (h.mass < 0.05 || h.next >= workflows_[h.workflow].size()) continue;
    const double probability = h.mass * survival(std::max(0.0, now_s - h.last_s)) * (1.0 - missing);
    if (probability < 0.02) continue;
    out[found++] = {workflows_[h.workflow][h.next], std::min(1.0, probability), h.workflow};
  }
  return found;
}

std::size_t workflow_detector::hypotheses() const {
  std::size_t all = 0;
  for (const auto& [key, one] : books_) all += one.open.size();
  return all;
}

void workflow_detector::save(state_writer& to) const {
  std::uint64_t shape = foreign_.size();
  for (const workflow_steps& steps : workflows_) {
    shape = shape * 1099511628211ULL + steps.size();
    for (const specialist_index who : steps) shape = shape * 1099511628211ULL + who;
  }
  to.put(shape);
  for (const double sum : foreign_) to.put(sum / unit_);
  for (const double sum : begun_) to.put(sum / unit_);
  to.put(foreign_sum_ / unit_);
  to.put(seconds_ / unit_);
  to.put(regular_);
  to.put(passed_over_);
  for (const double gap : gaps_) to.put(gap);
  to.put(cases_live_);
}

bool workflow_detector::restore(state_reader& from) {
  constexpr double most = 1e15;
  std::uint64_t shape = foreign_.size();
  for (const workflow_steps& steps : workflows_) {
    shape = shape * 1099511628211ULL + steps.size();
    for (const specialist_index who : steps) shape = shape * 1099511628211ULL + who;
  }
  if (from.integer() != shape) return false;
  workflow_detector read(workflows_, foreign_.size(), settings_);
  for (double& sum : read.foreign_) sum = from.number_within(0, most);
  for (double& sum : read.begun_) sum = from.number_within(0, most);
  read.foreign_sum_ = from.number_within(1e-300, most);
  read.seconds_ = from.number_within(1e-300, most);
  read.regular_ = from.number_within(1e-3, most);
  read.passed_over_ = from.number_within(0, most);
  read.gaps_sum_ = 0;
  for (double& gap : read.gaps_) read.gaps_sum_ += gap = from.number_within(1e-300, most);
  read.cases_live_ = from.number_within(0, most);
  if (from.failed()) return false;
  read.sum_gaps();
  *this = std::move(read);
  return true;
}

}  // namespace greenroom::runtime
