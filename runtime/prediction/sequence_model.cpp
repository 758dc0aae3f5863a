#include "runtime/prediction/sequence_model.hpp"

#include <bit>
#include <cmath>

namespace greenroom::runtime {

namespace {

// The kinds of context. A kind stands after the one that it backs off to.
enum kind : std::uint8_t {
  order_0,
  order_1,
  order_2,
  order_3,
  order_4,
  order_6,
  whole_case,
  skip_last,
  after_other,
  with_seen,
  with_length,
  with_gap,
  order_2_gap,
  with_hour,
  with_month,
  with_week,
  with_day,
  with_this_hour,
  own_habit,
  own_match,
};

constexpr std::array<std::uint8_t, sequence_model::experts> base_of = {
    order_0, order_0, order_1, order_2, order_3, order_4,    order_6,   order_1,  order_1, order_1,
    order_1, order_1, order_2, order_1, order_1, with_month, with_week, with_day, order_1, order_2};

constexpr std::array<const char*, sequence_model::experts> names = {"what is common",
                                                                    "last step",
                                                                    "last 2 steps",
                                                                    "last 3 steps",
                                                                    "last 4 steps",
                                                                    "last 6 steps",
                                                                    "the whole case",
                                                                    "the step before the last",
                                                                    "last two that differ",
                                                                    "what occurred",
                                                                    "length",
                                                                    "time since the step before",
                                                                    "last 2 and their time",
                                                                    "hour of day",
                                                                    "this month",
                                                                    "this week",
                                                                    "today",
                                                                    "this hour",
                                                                    "the case's share",
                                                                    "the case's own habit"};

// Candidates are gathered from the contexts in this order until there is no more room.
constexpr std::array<std::uint8_t, 12> gather_order = {order_1,   own_match, order_2,   order_3,
                                                       with_week, with_day,  order_6,   with_gap,
                                                       with_seen, own_habit, skip_last, order_0};

/// How much of what one class of evidence teaches holds for the context's other classes too.
constexpr float shared_share = 0.3F;

// Loops over candidates run in whole groups of this many, so that the compiler makes vectors of
// them; what lies behind the last candidate is computed and not read.
constexpr std::size_t lanes = 8;
static_assert(sequence_model::candidates_max % lanes == 0);
constexpr std::uint8_t nowhere = 255;

/// ln x for positive normal x, within 1e-4: the logarithms are most of the work of a prediction.
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

std::uint64_t key_of(std::uint8_t what, std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0) {
  const std::uint64_t key = mixed(mixed(mixed(what + 1ULL, a), b), c);
  return key == 0 ? 1 : key;
}

std::uint64_t period(double now_s, double length_s) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(std::floor(now_s / length_s)));
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

/// What the case itself did before: how often each step (newer ones count more), or what followed
/// its last steps when they came before (longer matches count more).
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

}  // namespace

sequence_model::sequence_model(const sequence_settings& settings)
    : settings_(settings), table_(settings.contexts_max) {
  // Before anything is learnt, the last step is trusted most, and the others the more they have
  // seen.
  for (std::size_t e = 0; e < experts; ++e) {
    for (std::size_t k = 0; k < evidence_classes; ++k) {
      const std::size_t level = k / 2;
      const auto seen = static_cast<float>(level) / 7.0F;
      float& weight = weights_[e][k];
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
}

const char* sequence_model::expert_name(std::size_t expert) { return names[expert]; }

void sequence_model::keys_of(const sequence_position& at,
                             std::array<std::uint64_t, experts>& keys) {
  const std::uint64_t last = at.back(0);
  std::uint64_t chain = mixed(7, last);
  const auto longer = [&chain, &at](std::size_t ago) { return chain = mixed(chain, at.back(ago)); };
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

void sequence_model::consider(const sequence_position& at, opinion& out) const {
  keys_of(at, out.keys);
  std::array<context_counts, 2> own;
  own_counts(at, false, own[0]);
  own_counts(at, true, own[1]);
  for (std::size_t e = 0; e < experts; ++e) {
    const context_counts* found = out.keys[e] == 0 ? &own[e - own_habit] : table_.find(out.keys[e]);
    if (found != nullptr && (found->size == 0 || found->total <= 0)) found = nullptr;
    out.found[e] = found;
    out.evidence[e] = found == nullptr ? silent : evidence_class(found->total, found->size);
  }
  out.size = 0;
  // Where each candidate stands: a small hash table, for it is asked some two hundred times.
  std::array<std::uint8_t, 64> places;
  places.fill(nowhere);
  const auto slot_of = [&out, &places](specialist_index who) {
    std::size_t slot = (who * 0x9E3779B1U) >> 26U;
    while (places[slot] != nowhere && out.steps[places[slot]] != who) slot = (slot + 1) & 63U;
    return slot;
  };
  for (const std::uint8_t e : gather_order) {
    if (out.found[e] == nullptr) continue;
    for (std::size_t i = 0; i < out.found[e]->size && out.size < candidates_max; ++i) {
      const specialist_index who = out.found[e]->steps[i];
      const std::size_t slot = slot_of(who);
      if (places[slot] != nowhere) continue;
      places[slot] = static_cast<std::uint8_t>(out.size);
      out.steps[out.size++] = who;
    }
  }
  if (out.size == 0) return;

  std::array<std::array<float, candidates_max>, experts> p;
  std::array<float, candidates_max> score{};
  const float uniform = 1.0F / static_cast<float>(out.size + 1);
  for (std::size_t e = 0; e < experts; ++e) {
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
      const std::uint8_t c = places[slot_of(found->steps[i])];
      if (c != nowhere) mine[c] += found->counts[i] * scale;
    }
    const float weight = weights_[e][out.evidence[e]] + shared_[e];
    std::array<float, candidates_max>& logs = out.logs[e];
    for (std::size_t from = 0; from < out.size; from += lanes) {
      for (std::size_t c = from; c < from + lanes; ++c) {
        logs[c] = quick_log(mine[c] + 1e-6F);
        score[c] += weight * logs[c];
      }
    }
  }
  float highest = score[0];
  for (std::size_t c = 1; c < out.size; ++c) highest = std::max(highest, score[c]);
  float sum = 0;
  for (std::size_t c = 0; c < out.size; ++c)
    sum += out.probability[c] = std::exp(score[c] - highest);
  for (std::size_t c = 0; c < out.size; ++c) out.probability[c] /= sum;
}

void sequence_model::learn(const sequence_position& at, specialist_index who) {
  opinion now;
  consider(at, now);
  std::size_t right = 0;
  while (right < now.size && now.steps[right] != who) ++right;
  const bool known = right < now.size;
  surprise_ += 0.01F * ((known ? 0.0F : 1.0F) - surprise_);
  if (known) {
    // Gradient of ln p(who): what the expert said of it, less what it said on average.
    const float rate =
        std::max(settings_.learning_rate_least,
                 settings_.learning_rate / std::sqrt(1.0F + static_cast<float>(learnt_) / 300.0F));
    for (std::size_t e = 0; e < experts; ++e) {
      if (now.evidence[e] == silent) continue;
      float expected = 0;
      for (std::size_t c = 0; c < now.size; ++c) expected += now.probability[c] * now.logs[e][c];
      const float gradient = std::clamp(now.logs[e][right] - expected, -4.0F, 4.0F);
      shared_[e] = std::clamp(shared_[e] + shared_share * rate * gradient, -1.0F, 4.0F);
      float& weight = weights_[e][now.evidence[e]];
      weight = std::clamp(weight + rate * gradient, -1.0F, 4.0F);
    }
  }
  for (std::size_t e = 0; e < experts; ++e) {
    if (now.keys[e] != 0) table_.find_or_add(now.keys[e]).add(who, settings_.count_limit);
  }
  ++learnt_;
}

std::size_t sequence_model::rank(const sequence_position& at, std::span<next_step> out) const {
  opinion now;
  consider(at, now);
  std::array<std::size_t, candidates_max> order;
  for (std::size_t c = 0; c < now.size; ++c) order[c] = c;
  const std::size_t wanted = std::min(out.size(), now.size);
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(wanted),
      order.begin() + static_cast<std::ptrdiff_t>(now.size), [&now](std::size_t a, std::size_t b) {
        return now.probability[a] != now.probability[b] ? now.probability[a] > now.probability[b]
                                                        : now.steps[a] < now.steps[b];
      });
  for (std::size_t i = 0; i < wanted; ++i) {
    out[i] = {now.steps[order[i]], now.probability[order[i]] * (1.0F - surprise_)};
  }
  return wanted;
}

void sequence_model::save(state_writer& to) const {
  to.put(learnt_);
  to.put(surprise_);
  for (const auto& row : weights_) {
    for (const float weight : row) to.put(weight);
  }
  for (const float weight : shared_) to.put(weight);
  table_.save(to);
}

bool sequence_model::restore(state_reader& from) {
  learnt_ = from.integer();
  surprise_ = from.small_number_within(0, 1);
  for (auto& row : weights_) {
    for (float& weight : row) weight = from.small_number_within(-1, 4);
  }
  for (float& weight : shared_) weight = from.small_number_within(-1, 4);
  if (table_.restore(from) && !from.failed()) return true;
  *this = sequence_model(settings_);
  return false;
}

}  // namespace greenroom::runtime
