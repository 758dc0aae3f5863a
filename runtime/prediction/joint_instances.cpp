#include "runtime/prediction/joint_instances.hpp"

#include <algorithm>
#include <bit>

namespace greenroom::runtime {

namespace {

// An instance is over below this probability of a further call.
constexpr double alive_least = 0.02;
// A hypothesis is dropped below this ratio to the best one.
constexpr double weight_least = 1e-4;
// At most this many steps in a row may be skipped.
constexpr std::uint32_t passed_over_max = 2;

template <typename F>
void each_bit(std::uint64_t bits, F&& of) {
  for (; bits != 0; bits &= bits - 1) of(static_cast<std::uint32_t>(std::countr_zero(bits)));
}

}  // namespace

std::size_t instance_state::matched() const {
  return static_cast<std::size_t>(std::popcount(seen));
}

void joint_instances::weigh() {
  double sum = 0;
  for (const hypothesis& h : joint_) sum += h.weight;
  used_ = 0;
  for (instance_state& one : instances_) one.mass = 0;
  for (hypothesis& h : joint_) {
    h.weight /= sum;
    used_ |= h.members;
    each_bit(h.members, [&](std::uint32_t i) { instances_[i].mass += h.weight; });
  }
}

void joint_instances::merge() {
  std::sort(joint_.begin(), joint_.end(),
            [](const hypothesis& a, const hypothesis& b) { return a.members < b.members; });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < joint_.size(); ++i) {
    if (joint_[i].members == joint_[kept].members) {
      joint_[kept].weight += joint_[i].weight;
    } else {
      joint_[++kept] = joint_[i];
    }
  }
  joint_.resize(kept + 1);
}

void joint_instances::close(std::uint64_t which, closed& over) {
  each_bit(which, [&](std::uint32_t i) {
    over.push_back(instances_[i]);
    instances_[i].counted = 0;
  });
  for (hypothesis& h : joint_) h.members &= ~which;
  merge();
}

void joint_instances::bring_to(double now_s, const step_habits& habits) {
  now_s_ = now_s;
  fresh_ = 0;
  silent_ = 0;
  if (used_ == 0) return;
  std::array<double, instances_max> factor;
  each_bit(used_, [&](std::uint32_t i) {
    instance_state& one = instances_[i];
    const double age_s = std::max(0.0, now_s - one.last_s);
    const double survival = habits.survival(age_s);
    const bool over_now = one.alive(survival) < alive_least || age_s > habits.given_up_s();
    if (over_now) silent_ |= 1ULL << i;
    // An instance that is over counts as silent for ever.
    const double waiting = one.chance.ends + (over_now ? 0.0 : one.chance.goes_on * survival);
    factor[i] = waiting / one.waiting;
    one.waiting = waiting;
  });
  for (hypothesis& h : joint_) {
    each_bit(h.members, [&](std::uint32_t i) { h.weight *= factor[i]; });
  }
  weigh();
}

void joint_instances::close_silent(closed& over) {
  if (silent_ == 0) return;
  close(silent_, over);
  silent_ = 0;
  weigh();
}

std::uint64_t joint_instances::claimants(std::uint64_t shared) const {
  std::uint64_t found = 0;
  each_bit(used_, [&](std::uint32_t i) {
    if ((instances_[i].shared & shared) != 0) found |= 1ULL << i;
  });
  return found;
}

double joint_instances::claims(std::uint64_t shared) const {
  const std::uint64_t mine = claimants(shared);
  double sum = 0;
  for (const hypothesis& h : joint_) {
    if ((h.members & mine) != 0) sum += h.weight;
  }
  return sum;
}

void joint_instances::reconsider(std::uint64_t shared, double ratio) {
  const std::uint64_t mine = claimants(shared);
  for (hypothesis& h : joint_) {
    if ((h.members & mine) == 0) h.weight *= ratio;
  }
  weigh();
}

void joint_instances::unmark(std::uint64_t shared) {
  each_bit(used_, [&](std::uint32_t i) { instances_[i].shared &= ~shared; });
}

double joint_instances::expect(std::span<const std::uint32_t> places, double begins_per_s,
                               const step_habits& habits) {
  claims_.clear();
  const double missing = habits.missing();
  double sum = 0;
  for (const std::uint32_t k : places) {
    if (k > 1 || k + 1 >= length_) continue;
    claim by;
    by.from = begins;
    by.intensity = begins_per_s * (k == 0 ? 1.0 - missing : missing);
    by.passed_over = k;
    by.stands.seen = 1;
    by.stands.next = k + 1;
    sum += by.intensity;
    claims_.push_back(by);
  }
  each_bit(used_, [&](std::uint32_t i) {
    const instance_state& one = instances_[i];
    const bool owed = one.next >= 2 && (one.seen & 2U) == 0;
    double per_s = -1;
    for (const std::uint32_t k : places) {
      claim by;
      by.from = i;
      by.was_owed = owed;
      by.stands = one;
      if (k >= one.next && k <= one.next + passed_over_max) {
        by.intensity = one.chance.regular;
        for (std::uint32_t p = one.next; p < k; ++p) by.intensity *= missing;
        by.passed_over = k - one.next;
        by.stands.seen = (one.seen << (k + 1 - one.next)) | 1U;
        by.stands.next = k + 1;
      } else if (owed && k + 2 == one.next) {
        by.intensity = one.chance.late;
        by.late = true;
        by.stands.seen = one.seen | 2U;
      } else {
        continue;
      }
      if (per_s < 0) per_s = habits.density(std::max(0.0, now_s_ - one.last_s)) / one.waiting;
      by.intensity *= per_s;
      sum += one.mass * by.intensity;
      claims_.push_back(by);
    }
  });
  return sum;
}

std::uint32_t joint_instances::index_for(const instance_state& fresh, closed& over) {
  std::uint32_t found = begins;
  each_bit(fresh_, [&](std::uint32_t i) {
    const instance_state& one = instances_[i];
    if (one.next == fresh.next && one.seen == fresh.seen && one.reported == fresh.reported
        && one.shared == fresh.shared) {
      found = i;
    }
  });
  if (found != begins) return found;
  std::uint64_t taken = used_ | fresh_;
  if (taken == ~0ULL) {
    // The least probable instance is evicted, unless it claims this call.
    std::uint64_t spare = used_ & ~fresh_;
    for (const claim& by : claims_) {
      if (by.from != begins) spare &= ~(1ULL << by.from);
    }
    if (spare == 0) return begins;
    auto least = static_cast<std::uint32_t>(std::countr_zero(spare));
    each_bit(spare, [&](std::uint32_t i) {
      if (instances_[i].mass < instances_[least].mass) least = i;
    });
    close(1ULL << least, over);
    used_ &= ~(1ULL << least);
    taken = used_ | fresh_;
  }
  const auto index = static_cast<std::uint32_t>(std::countr_one(taken));
  if (index >= instances_.size()) instances_.resize(index + 1);
  instances_[index] = fresh;
  fresh_ |= 1ULL << index;
  return index;
}

void joint_instances::observe(double others, std::size_t most, std::uint64_t shared,
                              step_habits& habits, closed& over) {
  const bool alike = place_claims(shared, habits, over);
  std::erase_if(claims_, [](const claim& by) { return by.to == begins; });
  if (claims_.empty()) return;
  const double sum = apply_claims(others);
  if (alike) merge();
  if (joint_.size() > most) {
    std::nth_element(joint_.begin(), joint_.begin() + static_cast<std::ptrdiff_t>(most),
                     joint_.end(), [](const hypothesis& a, const hypothesis& b) {
                       return a.weight != b.weight ? a.weight > b.weight : a.members < b.members;
                     });
    joint_.resize(most);
  }
  weigh();
  learn_gaps(sum, habits);
  fresh_ &= used_;
}

bool joint_instances::place_claims(std::uint64_t shared, const step_habits& habits, closed& over) {
  fresh_ = 0;
  std::uint64_t reached = 0;
  bool alike = false;  // Two claims reach the same state, so hypotheses may become equal.
  for (claim& by : claims_) {
    const bool owed = by.stands.next >= 2 && (by.stands.seen & 2U) == 0;
    by.stands.chance = habits.chances(length_ - by.stands.next, owed);
    by.stands.last_s = now_s_;
    by.stands.waiting = 1;
    by.stands.counted = 0;
    by.stands.shared |= shared;
    by.to = index_for(by.stands, over);
    alike = alike || (by.to != begins && (reached >> by.to & 1U) != 0);
    if (by.to != begins) reached |= 1ULL << by.to;
  }
  return alike;
}

double joint_instances::apply_claims(double others) {
  const std::size_t parents = joint_.size();
  double sum = 0;
  double best = 0;
  taken_.assign(claims_.size(), 0);
  for (std::size_t p = 0; p < parents; ++p) {
    const hypothesis parent = joint_[p];
    for (std::size_t c = 0; c < claims_.size(); ++c) {
      const claim& by = claims_[c];
      hypothesis child = parent;
      if (by.from != begins) {
        if ((parent.members >> by.from & 1U) == 0) continue;
        child.members &= ~(1ULL << by.from);
      }
      child.members |= 1ULL << by.to;
      child.weight *= by.intensity;
      sum += child.weight;
      best = std::max(best, child.weight);
      taken_[c] += child.weight;
      if (child.weight >= best * weight_least) joint_.push_back(child);
    }
    joint_[p].weight *= others;
    best = std::max(best, joint_[p].weight);
    sum += joint_[p].weight;
  }
  const double worth = best * weight_least;
  std::erase_if(joint_, [worth](const hypothesis& h) { return h.weight < worth; });
  return sum;
}

void joint_instances::learn_gaps(double sum, step_habits& habits) {
  for (std::size_t c = 0; c < claims_.size(); ++c) {
    const claim& by = claims_[c];
    const double weight = taken_[c] / sum;
    if (by.from == begins) continue;
    const double gap_s = std::max(0.0, now_s_ - instances_[by.from].last_s);
    if (by.late) {
      habits.late(gap_s, weight);
    } else {
      habits.follow(gap_s, by.passed_over, weight);
      if (by.was_owed) habits.lost(weight);
    }
  }
}

void joint_instances::report_fresh() {
  each_bit(fresh_, [&](std::uint32_t i) { instances_[i].reported = true; });
}

}  // namespace greenroom::runtime
