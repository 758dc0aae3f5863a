#include "runtime/prediction/sequence_model.hpp"

#include "runtime/prediction/sequence_contexts.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace greenroom::runtime {

using namespace sequence_contexts;

namespace {

/// Share of a gradient that also moves the context's other classes of evidence.
constexpr float shared_share = 0.3F;

/// Makes the estimates non-increasing: an estimate above an earlier one is averaged with it.
void smooth(std::span<next_step> steps) {
  for (std::size_t i = 1; i < steps.size(); ++i) {
    float sum = steps[i].probability;
    std::size_t from = i;
    while (from > 0 && steps[from - 1].probability * static_cast<float>(i - from + 1) < sum) {
      sum += steps[--from].probability;
    }
    if (from == i) continue;
    const float each = sum / static_cast<float>(i - from + 1);
    for (std::size_t k = from; k <= i; ++k) steps[k].probability = each;
  }
}

}  // namespace

sequence_model::sequence_model(const sequence_settings& settings)
    : settings_(settings), table_(settings.contexts_max) {
  // Initially the last step has the largest weight; other contexts weigh more with more data.
  for (std::size_t e = 0; e < expert_count; ++e) {
    for (std::size_t k = 0; k < evidence_classes; ++k) {
      const std::size_t level = k / 2;
      const auto seen = static_cast<float>(level) / 7.0F;
      float& weight = blends_[of_all].weights[e][k];
      switch (e) {
        case order_0: weight = 0.05F; break;
        case order_1: weight = 0.5F; break;
        case order_2: weight = 0.1F + 0.2F * seen; break;
        case own_habit:
        case own_match: weight = 0.1F; break;
        default: weight = 0.02F + 0.1F * seen;
      }
    }
  }
  blends_[of_timeless] = blends_[of_all];
}

void sequence_model::learn_period(const sequence_position& at, std::uint8_t periods) {
  const bool begins = at.length == 1;
  ++inside_;
  if (begins) ++begun_;
  ++period_sets_met_[periods];
  table_.find_or_add(key_of(week_seen, period(at.last_s, week_s)))
      .add(begins ? end_of_case : 0, week_limit);
}

void sequence_model::learn_weights(const opinion& now, std::size_t right) {
  const float rate =
      std::max(settings_.learning_rate_least,
               settings_.learning_rate / std::sqrt(1.0F + static_cast<float>(learnt_) / 300.0F));
  for (std::size_t b = 0; b < blends_size; ++b) {
    const std::array<float, candidates_max>& probability = now.probability[b];
    for (std::size_t e = 0; e < expert_count; ++e) {
      if (now.evidence[e] == silent || (b == of_timeless && is_period(e))) continue;
      // Gradient of ln p(who): the expert's logarithm less its expectation.
      std::array<float, lanes> sums{};
      for (std::size_t from = 0; from < now.size; from += lanes) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          sums[lane] += probability[from + lane] * now.logs[e][from + lane];
        }
      }
      float expected = 0;
      for (const float sum : sums) expected += sum;
      const float gradient = std::clamp(now.logs[e][right] - expected, -4.0F, 4.0F);
      float& shared = blends_[b].shared[e];
      shared = std::clamp(shared + shared_share * rate * gradient, -1.0F, 4.0F);
      float& weight = blends_[b].weights[e][now.evidence[e]];
      weight = std::clamp(weight + rate * gradient, -1.0F, 4.0F);
    }
  }
}

void sequence_model::learn(const sequence_position& at, specialist_index who) {
  opinion now;
  consider(at, all_lists, now);
  std::size_t right = 0;
  while (right < now.size && now.steps[right] != who) ++right;
  const bool known = right < now.size;
  surprise_ += 0.01F * ((known ? 0.0F : 1.0F) - surprise_);
  if (known) learn_weights(now, right);
  if (at.length > 0) {
    if (now.size > 0) {
      choice_.learn(now.lists, known ? right : nowhere, who == end_of_case, at.length >= 2);
    }
    learn_period(at, now.periods);
  }
  for (std::size_t e = 0; e < expert_count; ++e) {
    if (now.keys[e] != 0) table_.find_or_add(now.keys[e]).add(who, settings_.count_limit);
  }
  ++learnt_;
}

std::size_t sequence_model::rank(const sequence_position& at, std::span<next_step> out) const {
  opinion now;
  consider(at, chosen_lists, now);
  if (now.size == 0 || out.empty()) return 0;
  const std::array<float, candidates_max>& probability = now.believed();
  std::array<std::uint8_t, candidates_max> order;
  std::size_t size = 0;
  std::uint32_t taken = 0;
  const auto take = [&order, &size, &taken](std::uint8_t c) {
    if ((taken >> c & 1U) != 0) return;
    taken |= 1U << c;
    order[size++] = c;
  };
  const ranking_choice::choice& chosen = choice_.chosen(now.period_usual);
  const short_list& first = now.lists[chosen.first];
  if (first.size > 0) {
    take(ranking_choice::first_guess(first, chosen.first_reluctance, at.length >= 2));
  }
  const auto take_of = [&now, &take, &size](std::size_t ranker, std::size_t until) {
    const short_list& list = now.lists[ranker];
    for (std::size_t i = 0; i < list.size && size < until; ++i) take(list.best[i]);
  };
  take_of(chosen.second, 2);
  take_of(chosen.third, 3);
  const auto rest = static_cast<std::ptrdiff_t>(size);
  for (std::size_t c = 0; c < now.size; ++c) take(static_cast<std::uint8_t>(c));
  const std::size_t wanted = std::min(out.size(), size);
  if (static_cast<std::ptrdiff_t>(wanted) > rest) {
    std::partial_sort(order.begin() + rest, order.begin() + static_cast<std::ptrdiff_t>(wanted),
                      order.begin() + static_cast<std::ptrdiff_t>(size),
                      [&now, &probability](std::uint8_t a, std::uint8_t b) {
                        return probability[a] != probability[b] ? probability[a] > probability[b]
                                                                : now.steps[a] < now.steps[b];
                      });
  }
  for (std::size_t i = 0; i < wanted; ++i) {
    out[i] = {now.steps[order[i]], probability[order[i]] * (1.0F - surprise_)};
  }
  smooth(out.subspan(0, wanted));
  return wanted;
}

void sequence_model::save(state_writer& to) const {
  to.put(learnt_);
  to.put(surprise_);
  for (const blend& one : blends_) {
    for (const auto& row : one.weights) {
      for (const float weight : row) to.put(weight);
    }
    for (const float weight : one.shared) to.put(weight);
  }
  choice_.save(to);
  for (const std::uint64_t met : period_sets_met_) to.put(met);
  to.put(begun_);
  to.put(inside_);
  table_.save(to);
}

base::expected<void> sequence_model::restore(state_reader& from) {
  learnt_ = from.integer();
  surprise_ = from.small_number_within(0, 1);
  for (blend& one : blends_) {
    for (auto& row : one.weights) {
      for (float& weight : row) weight = from.small_number_within(-1, 4);
    }
    for (float& weight : one.shared) weight = from.small_number_within(-1, 4);
  }
  choice_.restore(from);
  for (std::uint64_t& met : period_sets_met_) met = from.integer();
  begun_ = from.integer();
  inside_ = from.integer();
  if (table_.restore(from) && !from.failed()) return {};
  *this = sequence_model(settings_);
  return base::problem{"damaged", "contexts that do not fit together"};
}

}  // namespace greenroom::runtime
