// One prediction of the sequence model: contexts, candidates, blends, rankings.
#include "runtime/prediction/sequence_contexts.hpp"
#include "runtime/prediction/sequence_model.hpp"

#include "protocols/base/hash.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace greenroom::runtime {

using namespace sequence_contexts;

namespace {

constexpr std::array<std::uint8_t, sequence_model::expert_count> base_of = {
    order_0, order_0, order_1, order_2, order_3, order_4,    order_6,   order_1,  order_1, order_1,
    order_1, order_1, order_2, order_1, order_1, with_month, with_week, with_day, order_1, order_2};

// Candidates are gathered from the contexts in this order up to `candidates_max`.
constexpr std::array<std::uint8_t, 12> gather_order = {order_1,   own_match, order_2,   order_3,
                                                       with_week, with_day,  order_6,   with_gap,
                                                       with_seen, own_habit, skip_last, order_0};

/// A period is usual when its share of first steps is at least this part of the overall share …
constexpr double begun_share_least = 0.25;
/// … and its set of contexts with data occurred in at least this share of the learned steps.
constexpr double set_share_least = 0.02;

// The rankers in the order of `ranking_choice`. Suffixes of the case back off without gaps in the
// counts: `plain_rankers` starts at `ranking_choice::first_plain`.
constexpr std::array<std::uint8_t, 2> interpolated_rankers = {order_3, order_6};
constexpr std::array<std::uint8_t, 6> plain_rankers = {order_0, order_1, order_2,
                                                       order_3, order_4, order_6};
static_assert(2 + interpolated_rankers.size() == ranking_choice::first_plain);
static_assert(ranking_choice::first_plain + plain_rankers.size() == ranking_choice::ranker_count);

/// ln x for positive normal x, within 1e-4: logarithms are most of the cost of a prediction.
inline float quick_log(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto exponent = static_cast<float>(static_cast<std::int32_t>(bits >> 23U) - 127);
  const auto m = std::bit_cast<float>((bits & 0x007FFFFFU) | 0x3F800000U);
  // ln m on [1, 2) through atanh: ln m = 2 (t + t³/3 + t⁵/5 + …), t = (m − 1) / (m + 1) ≤ 1/3.
  const float t = (m - 1.0F) / (m + 1.0F);
  const float t2 = t * t;
  return exponent * 0.69314718F
         + 2.0F * t * (1.0F + t2 * (1.0F / 3 + t2 * (1.0F / 5 + t2 * (1.0F / 7))));
}

/// Writes the logarithms of `estimates` and adds them to both scores. A separate function with a
/// constant count, because -O2 vectorises the loop only with `__restrict` and a constant count.
void weigh(const float* __restrict estimates, float weight, float weight_timeless,
           float* __restrict logs, float* __restrict score, float* __restrict score_timeless) {
  for (std::size_t c = 0; c < sequence_model::candidates_max; ++c) {
    const float log = quick_log(estimates[c] + 1e-6F);
    logs[c] = log;
    score[c] += weight * log;
    score_timeless[c] += weight_timeless * log;
  }
}

std::uint64_t scale_of(double gap_s) {
  return gap_s < 0 ? 99 : static_cast<std::uint64_t>(std::log2(gap_s + 1.0));
}

std::uint8_t evidence_class(float total, std::size_t successors) {
  std::uint8_t size = 0;
  if (total >= 2) size = 1;
  if (total >= 3) size = 2;
  if (total >= 5) size = 3;
  if (total >= 10) size = 4;
  if (total >= 30) size = 5;
  if (total >= 100) size = 6;
  if (total >= 400) size = 7;
  return static_cast<std::uint8_t>(2 * size + (successors == 1 ? 1 : 0));
}

/// Counts from the case itself: its steps (recent ones count more), or with `match` the successors
/// of earlier occurrences of its last steps (longer matches count more).
void own_counts(const sequence_position& at, bool match, context_counts& out) {
  out = {};
  const std::size_t remembered = at.remembered();
  const auto add = [&out](specialist_index who, float weight) {
    out.total += weight;
    for (std::size_t i = 0; i < out.size; ++i) {
      if (out.steps[i] == who) {
        out.counts[i] += weight;
        return;
      }
    }
    if (out.size == context_counts::steps_max) return;
    out.steps[out.size] = who;
    out.counts[out.size] = weight;
    ++out.size;
  };
  if (!match) {
    float weight = 1;
    for (std::size_t ago = 0; ago < remembered; ++ago, weight *= 0.9F) add(at.back(ago), weight);
    return;
  }
  for (std::size_t ago = 1; ago < remembered; ++ago) {
    std::size_t length = 0;
    while (length < 4 && ago + length < remembered && at.back(ago + length) == at.back(length)) {
      ++length;
    }
    if (length > 0) add(at.back(ago - 1), static_cast<float>(length * length));
  }
}

/// The three highest of `estimates`.
template <class Estimates>
short_list highest_of(const Estimates& estimates, std::size_t size) {
  short_list list;
  std::array<float, 3> values{-1, -1, -1};
  for (std::size_t c = 0; c < size; ++c) {
    const float value = estimates[c];
    if (value <= values[2]) continue;
    std::size_t at = 2;
    for (; at > 0 && value > values[at - 1]; --at) {
      values[at] = values[at - 1];
      list.best[at] = list.best[at - 1];
    }
    values[at] = value;
    list.best[at] = static_cast<std::uint8_t>(c);
  }
  list.size = static_cast<std::uint8_t>(std::min<std::size_t>(size, list.best.size()));
  list.runner_up = list.size > 1 && values[0] > 0 ? values[1] / values[0] : 0;
  return list;
}

}  // namespace

void sequence_model::keys_of(const sequence_position& at,
                             std::array<std::uint64_t, expert_count>& keys) {
  const std::uint64_t last = at.back(0);
  std::uint64_t chain = base::mixed(7, last);
  const auto longer = [&chain, &at](std::size_t ago) {
    return chain = base::mixed(chain, at.back(ago));
  };
  keys[order_0] = key_of(order_0, 0);
  keys[order_1] = key_of(order_1, last);
  keys[order_2] = key_of(order_2, longer(1));
  keys[order_3] = key_of(order_3, longer(2));
  keys[order_4] = key_of(order_4, longer(3));
  longer(4);
  keys[order_6] = key_of(order_6, longer(5));
  keys[whole_case] = key_of(whole_case, at.whole);
  keys[skip_last] = key_of(skip_last, at.back(1), at.back(2));
  keys[after_other] = key_of(after_other, last, at.other, std::min(at.repeats, 3U));
  keys[with_seen] = key_of(with_seen, last, at.seen);
  keys[with_length] = key_of(with_length, last, std::min(at.length, 64U));
  const std::uint64_t gap = scale_of(at.gap_s);
  keys[with_gap] = key_of(with_gap, last, gap);
  keys[order_2_gap] = key_of(order_2_gap, last, at.back(1), gap / 3);
  keys[with_hour] = key_of(with_hour, last, period(at.last_s, 3600) % 24);
  keys[with_month] = key_of(with_month, last, period(at.last_s, 28 * 86400.0));
  keys[with_week] = key_of(with_week, last, period(at.last_s, 7 * 86400.0));
  keys[with_day] = key_of(with_day, last, period(at.last_s, 86400));
  keys[with_this_hour] = key_of(with_this_hour, last, period(at.last_s, 3600));
  keys[own_habit] = 0;
  keys[own_match] = 0;
}

struct sequence_model::candidate_places {
  // A small hash table, because a prediction reads it some two hundred times.
  std::array<std::uint8_t, 64> places;

  explicit candidate_places() { places.fill(nowhere); }
  [[nodiscard]] std::size_t slot_of(const opinion& of, specialist_index who) const {
    std::size_t slot = (who * 0x9E3779B1U) >> 26U;
    while (places[slot] != nowhere && of.steps[places[slot]] != who) slot = (slot + 1) & 63U;
    return slot;
  }
  [[nodiscard]] std::uint8_t place_of(const opinion& of, specialist_index who) const {
    return places[slot_of(of, who)];
  }
};

void sequence_model::consider(const sequence_position& at, std::uint32_t lists_wanted,
                              opinion& out) const {
  keys_of(at, out.keys);
  std::array<context_counts, 2> own;
  own_counts(at, false, own[0]);
  own_counts(at, true, own[1]);
  for (std::size_t e = 0; e < expert_count; ++e) {
    const context_counts* found = out.keys[e] == 0 ? &own[e - own_habit] : table_.find(out.keys[e]);
    if (found != nullptr && (found->size == 0 || found->total <= 0)) found = nullptr;
    out.found[e] = found;
    out.evidence[e] = found == nullptr ? silent : evidence_class(found->total, found->size);
  }
  candidate_places places;
  gather(out, places);
  if (out.size == 0) return;
  estimates p;
  estimate(places, p, out);
  out.periods = 0;
  for (std::size_t i = 0; i < periods_size; ++i) {
    if (out.found[with_month + i] != nullptr) out.periods |= static_cast<std::uint8_t>(1U << i);
  }
  out.period_usual = is_usual_period(at, out.periods);
  std::uint32_t lists = lists_wanted;
  if (lists == chosen_lists) {
    const ranking_choice::choice& chosen = choice_.chosen(out.period_usual);
    lists = 1U << chosen.first | 1U << chosen.second | 1U << chosen.third;
  }
  list_blends(p, lists, out);
  if (lists >> ranking_choice::first_plain != 0) list_suffixes(places, out);
}

void sequence_model::gather(opinion& out, candidate_places& places) {
  out.size = 0;
  for (const std::uint8_t e : gather_order) {
    if (out.found[e] == nullptr) continue;
    for (std::size_t i = 0; i < out.found[e]->size && out.size < candidates_max; ++i) {
      const specialist_index who = out.found[e]->steps[i];
      const std::size_t slot = places.slot_of(out, who);
      if (places.places[slot] != nowhere) continue;
      places.places[slot] = static_cast<std::uint8_t>(out.size);
      out.steps[out.size++] = who;
    }
  }
}

/// The estimate of each context, and the two blends.
void sequence_model::estimate(const candidate_places& places, estimates& p, opinion& out) const {
  std::array<std::array<float, candidates_max>, blends_size> scores{};
  const float uniform = 1.0F / static_cast<float>(out.size + 1);
  for (std::size_t e = 0; e < expert_count; ++e) {
    const context_counts* found = out.found[e];
    std::array<float, candidates_max>& mine = p[e];
    if (e == order_0) {
      mine.fill(uniform);
    } else {
      mine = p[base_of[e]];
    }
    if (found == nullptr) continue;
    const auto escape = static_cast<float>(found->size);
    const float scale = 1.0F / (found->total + escape);
    const float kept = escape * scale;
    for (std::size_t from = 0; from < out.size; from += lanes) {
      for (std::size_t c = from; c < from + lanes; ++c) mine[c] *= kept;
    }
    for (std::size_t i = 0; i < found->size; ++i) {
      const std::uint8_t c = places.place_of(out, found->steps[i]);
      if (c != nowhere) mine[c] += found->counts[i] * scale;
    }
    const blend& all = blends_[of_all];
    const blend& timeless = blends_[of_timeless];
    const float weight = all.weights[e][out.evidence[e]] + all.shared[e];
    const float weight_timeless =
        is_period(e) ? 0 : timeless.weights[e][out.evidence[e]] + timeless.shared[e];
    weigh(mine.data(), weight, weight_timeless, out.logs[e].data(), scores[of_all].data(),
          scores[of_timeless].data());
  }
  for (std::size_t b = 0; b < blends_size; ++b) {
    const std::array<float, candidates_max>& score = scores[b];
    std::array<float, candidates_max>& probability = out.probability[b];
    float highest = score[0];
    for (std::size_t c = 1; c < out.size; ++c) highest = std::max(highest, score[c]);
    float sum = 0;
    for (std::size_t c = 0; c < out.size; ++c) sum += probability[c] = std::exp(score[c] - highest);
    for (std::size_t c = 0; c < out.size; ++c) probability[c] /= sum;
    // Values beyond the last candidate must be 0 where whole groups are summed.
    std::fill(probability.begin() + static_cast<std::ptrdiff_t>(out.size), probability.end(), 0.0F);
  }
}

void sequence_model::settle(std::size_t ranker, const short_list& list, opinion& out) {
  out.lists[ranker] = list;
  out.lists[ranker].ends = list.size > 0 && out.steps[list.best[0]] == end_of_case;
}

/// The lists of the two blends and of the interpolated suffixes.
void sequence_model::list_blends(const estimates& p, std::uint32_t lists, opinion& out) {
  const auto wanted = [lists](std::size_t ranker) { return (lists >> ranker & 1U) != 0; };
  if (wanted(0)) settle(0, highest_of(out.believed(), out.size), out);
  if (wanted(1)) settle(1, highest_of(out.probability[of_timeless], out.size), out);
  for (std::size_t i = 0; i < interpolated_rankers.size(); ++i) {
    if (wanted(2 + i)) settle(2 + i, highest_of(p[interpolated_rankers[i]], out.size), out);
  }
}

/// The lists of the plain suffixes: each names its own successors first, then those of the shorter
/// suffix.
void sequence_model::list_suffixes(const candidate_places& places, opinion& out) {
  short_list shorter;
  for (std::size_t i = 0; i < plain_rankers.size(); ++i) {
    const context_counts* found = out.found[plain_rankers[i]];
    if (found != nullptr) {
      short_list mine = highest_of(found->counts, found->size);
      std::size_t size = 0;
      const float share = mine.runner_up;
      for (std::size_t n = 0; n < mine.size; ++n) {
        const std::uint8_t c = places.place_of(out, found->steps[mine.best[n]]);
        if (c != nowhere) mine.best[size++] = c;
      }
      mine.runner_up = size == mine.size && size > 1 ? share : 0;
      for (std::size_t n = 0; n < shorter.size && size < mine.best.size(); ++n) {
        const auto end = mine.best.begin() + static_cast<std::ptrdiff_t>(size);
        if (std::find(mine.best.begin(), end, shorter.best[n]) == end) {
          mine.best[size++] = shorter.best[n];
        }
      }
      mine.size = static_cast<std::uint8_t>(size);
      shorter = mine;
    }
    settle(ranking_choice::first_plain + i, shorter, out);
  }
}

bool sequence_model::is_usual_period(const sequence_position& at, std::uint8_t periods) const {
  if (static_cast<double>(period_sets_met_[periods])
      < set_share_least * static_cast<double>(inside_)) {
    return false;
  }
  const context_counts* week = table_.find(key_of(week_seen, period(at.last_s, week_s)));
  if (week == nullptr) return true;
  return static_cast<double>(week->count_of(end_of_case)) * static_cast<double>(inside_)
         >= begun_share_least * static_cast<double>(begun_) * static_cast<double>(week->total);
}

}  // namespace greenroom::runtime
