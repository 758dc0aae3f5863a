#include "runtime/prediction/ranking_choice.hpp"

#include <algorithm>
#include <limits>

namespace greenroom::runtime {

namespace {

/// The runner-up replaces the end as first guess when its estimate is at least this share of the
/// end's estimate. First entry: never.
constexpr std::array<float, ranking_choice::reluctance_count> runner_up_least = {
    2.0F, 0.9F, 0.8F, 0.7F, 0.6F, 0.5F, 0.3F, 0.1F};
constexpr float fading_power = 3;
constexpr float fading_least = 1.0F / 8192;
/// The choice changes slowly; recomputing it at every step would cost more than it gains.
constexpr std::uint64_t steps_between_choices = 16;
/// A smaller lead is chance, and a loss weighs `loss_weight` times as much as a gain.
constexpr float lead_least = 0.002F;
constexpr float loss_weight = 10;

float fading(std::uint64_t steps) {
  return std::max(fading_power / (static_cast<float>(steps) + fading_power - 1), fading_least);
}

float worth_of_lead(float lead) {
  return lead >= lead_least ? lead : lead_least + loss_weight * (lead - lead_least);
}

std::size_t place_in(const short_list& list, std::size_t right) {
  for (std::size_t i = 0; i < list.size; ++i) {
    if (list.best[i] == right) return i;
  }
  return list.best.size();
}

void follow(float& record, bool hit, float rate) {
  record += rate * ((hit ? 1.0F : 0.0F) - record);
}

}  // namespace

std::uint8_t ranking_choice::first_guess(const short_list& list, std::size_t reluctance,
                                         bool after_two_steps) {
  const bool runner_up = after_two_steps && list.ends && list.size > 1
                         && list.runner_up >= runner_up_least[reluctance];
  return list.best[runner_up ? 1 : 0];
}

void ranking_choice::learn(std::span<const short_list, ranker_count> lists, std::size_t right,
                           bool right_is_end, bool after_two_steps) {
  const bool inner = after_two_steps && !right_is_end;
  const float rate = fading(++steps_);
  if (inner) ++inner_steps_;
  const float inner_rate = inner ? fading(inner_steps_) : 0;
  for (std::size_t r = 0; r < ranker_count; ++r) {
    const short_list& list = lists[r];
    const std::size_t place = place_in(list, right);
    follow(among_two_[r], place < 2, rate);
    follow(among_three_[r], place < 3, rate);
    const float named = place == 0 ? 1 : 0;
    const bool may_name_runner_up = after_two_steps && list.ends && list.size > 1;
    const float runner_up = may_name_runner_up ? list.runner_up : -1;
    const float runner_up_named = place == 1 ? 1 : 0;
    for (std::size_t k = 0; k < reluctance_count; ++k) {
      const float hit = runner_up >= runner_up_least[k] ? runner_up_named : named;
      all_[r][k] += rate * (hit - all_[r][k]);
      inner_[r][k] += inner_rate * (hit - inner_[r][k]);
    }
  }
  if (steps_ % steps_between_choices == 0) choose();
}

void ranking_choice::choose() {
  float best_all = 0;
  float best_inner = 0;
  for (std::size_t r = first_plain; r < ranker_count; ++r) {
    best_all = std::max(best_all, all_[r][0]);
    best_inner = std::max(best_inner, inner_[r][0]);
  }
  for (std::size_t least = 0; least < chosen_.size(); ++least) {
    choice& now = chosen_[least];
    float most = std::numeric_limits<float>::lowest();
    for (std::size_t r = least; r < ranker_count; ++r) {
      for (std::size_t k = 0; k < reluctance_count; ++k) {
        const float worth =
            worth_of_lead(all_[r][k] - best_all) + worth_of_lead(inner_[r][k] - best_inner);
        if (worth <= most) continue;
        most = worth;
        now.first = static_cast<std::uint8_t>(r);
        now.first_reluctance = static_cast<std::uint8_t>(k);
      }
    }
    const auto leader = [least](const std::array<float, ranker_count>& records) {
      const auto from = records.begin() + static_cast<std::ptrdiff_t>(least);
      return static_cast<std::uint8_t>(std::max_element(from, records.end()) - records.begin());
    };
    now.second = leader(among_two_);
    now.third = leader(among_three_);
  }
}

void ranking_choice::save(state_writer& to) const {
  to.put(steps_);
  to.put(inner_steps_);
  for (std::size_t r = 0; r < ranker_count; ++r) {
    to.put(among_two_[r]);
    to.put(among_three_[r]);
    for (std::size_t k = 0; k < reluctance_count; ++k) {
      to.put(all_[r][k]);
      to.put(inner_[r][k]);
    }
  }
  for (const choice& one : chosen_) {
    to.put32(one.first);
    to.put32(one.first_reluctance);
    to.put32(one.second);
    to.put32(one.third);
  }
}

void ranking_choice::restore(state_reader& from) {
  steps_ = from.integer();
  inner_steps_ = from.integer();
  for (std::size_t r = 0; r < ranker_count; ++r) {
    among_two_[r] = from.small_number_within(0, 1);
    among_three_[r] = from.small_number_within(0, 1);
    for (std::size_t k = 0; k < reluctance_count; ++k) {
      all_[r][k] = from.small_number_within(0, 1);
      inner_[r][k] = from.small_number_within(0, 1);
    }
  }
  const auto below = [&from](std::size_t limit) {
    const std::uint32_t value = from.integer32();
    if (value >= limit) from.fail();
    return static_cast<std::uint8_t>(value < limit ? value : 0);
  };
  for (choice& one : chosen_) {
    one.first = below(ranker_count);
    one.first_reluctance = below(reluctance_count);
    one.second = below(ranker_count);
    one.third = below(ranker_count);
  }
}

}  // namespace greenroom::runtime
