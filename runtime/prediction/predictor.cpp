#include "runtime/prediction/predictor.hpp"

#include <algorithm>
#include <cmath>

namespace greenroom::runtime {

namespace {

constexpr std::string_view predictor_state = "greenroom predictor";
constexpr std::uint32_t predictor_state_version = 3;

// Memory and step size of the weights. Each local weight sees fewer calls.
constexpr float global_keep = 0.995F;
constexpr float local_keep = 0.97F;
constexpr float learning_step = 0.3F;
constexpr double calls_fade = 0.9995;
// The probability that counts for a call that a source did not name.
constexpr float given_least = 1e-3F;

constexpr bool has(std::uint8_t awake, std::size_t place) {
  return (static_cast<unsigned>(awake) >> place & 1U) != 0;
}

}  // namespace

predictor::predictor(std::size_t cast, std::vector<workflow_steps> workflows,
                     const predictor_settings& settings)
    : settings_(settings),
      models_(cast, std::move(workflows), settings.sequence, settings.detector, settings.decay),
      local_(cast) {
  for (const source_entry& one : source_table) global_[place_of(one.which)] = one.weight_at_start;
  window_.assign(std::max<std::size_t>(settings.window, 1), 0);
}

void predictor::grow(std::size_t cast) {
  if (cast <= local_.size()) return;
  local_.resize(cast);
  models_.grow(cast);
}

void predictor::follow(std::vector<workflow_steps> workflows) {
  if (workflows == models_.workflows().workflows()) return;
  models_.follow(std::move(workflows), cast());
  detected_.clear();
  // The workflow indices in the predictions now mean other workflows.
  for (auto& [key, one] : cases_) {
    for (candidate& next : one.next.ranked) next.workflow = no_workflow;
  }
}

void predictor::end_case(std::unordered_map<std::uint64_t, live_case>::iterator ended) {
  models_.end_case(ended->second.at);
  latest_.erase(ended->second.place);
  cases_.erase(ended);
}

predictor::live_case& predictor::case_of(std::uint64_t case_key, double now_s) {
  // At most two, so that no call pays for many cases that ended together.
  for (int i = 0; i < 2 && !latest_.empty(); ++i) {
    const auto oldest = cases_.find(latest_.back());
    const bool over = now_s - oldest->second.at.last_s > settings_.case_idle_s;
    if (oldest->first == 0) {
      // Calls without a case form one endless case.
      latest_.splice(latest_.begin(), latest_, oldest->second.place);
    } else if (over) {
      end_case(oldest);
    } else {
      break;
    }
  }
  auto at = cases_.find(case_key);
  if (at != cases_.end() && case_key != 0 && now_s - at->second.at.last_s > settings_.case_idle_s) {
    // The same key after a long silence is a new session.
    end_case(at);
    at = cases_.end();
  }
  if (at != cases_.end()) {
    latest_.splice(latest_.begin(), latest_, at->second.place);
    return at->second;
  }
  if (cases_.size() >= std::max<std::size_t>(settings_.cases_max, 2)) {
    auto oldest = cases_.find(latest_.back());
    if (oldest->first == 0) oldest = cases_.find(*std::prev(latest_.end(), 2));
    end_case(oldest);
  }
  latest_.push_front(case_key);
  live_case& fresh = cases_[case_key];
  fresh.place = latest_.begin();
  fresh.at.window =
      std::clamp<std::size_t>(settings_.steps_remembered, 1, sequence_position::remembered_max);
  return fresh;
}

predictor::weights predictor::weights_for(specialist_index last, std::uint8_t awake) const {
  weights result{};
  float highest = -1e9F;
  for (std::size_t s = 0; s < source_count; ++s) {
    if (!has(awake, s)) continue;
    result[s] = global_[s] + (last < local_.size() ? local_[last][s] : 0.0F);
    highest = std::max(highest, result[s]);
  }
  float sum = 0;
  for (std::size_t s = 0; s < source_count; ++s) {
    result[s] = !has(awake, s) ? 0.0F : std::exp(result[s] - highest);
    sum += result[s];
  }
  if (sum > 0) {
    for (float& weight : result) weight /= sum;
  }
  return result;
}

/// The entry of `who`, made if there is room; null: there is none.
predictor::candidate* predictor::entry_of(specialist_index who, outlook& out) {
  for (std::size_t i = 0; i < out.size; ++i) {
    if (out.ranked[i].who == who) return &out.ranked[i];
  }
  if (out.size == candidates_max) return nullptr;
  out.ranked[out.size] = {};
  out.ranked[out.size].who = who;
  return &out.ranked[out.size++];
}

void predictor::foresee(const sequence_position& at, std::uint64_t case_key, double now_s,
                        outlook& out) const {
  out.size = 0;
  out.awake = 0;
  float expected_steps = 0;
  models_.propose(at, case_key, now_s,
                  [&](specialist_index who, source from, double probability, const auto* workflow) {
                    candidate* const one = entry_of(who, out);
                    if (one == nullptr) return;
                    if (workflow != nullptr) {
                      one->workflow = static_cast<std::uint32_t>(*workflow);
                      expected_steps += static_cast<float>(probability);
                    }
                    if (probability <= 0) return;
                    one->given[place_of(from)] += static_cast<float>(probability);
                    out.awake = static_cast<std::uint8_t>(out.awake | (1U << place_of(from)));
                  });
  if (expected_steps > 0) {
    // The probability that no workflow claims comes from the sequence model. Several workflows at
    // once (calls without a case) are scaled to a sum of 1.
    const float scale = expected_steps > 1 ? 1 / expected_steps : 1;
    const float rest = std::max(0.0F, 1 - expected_steps);
    for (std::size_t i = 0; i < out.size; ++i) {
      float& given = out.ranked[i].given[place_of(source::workflow)];
      given = given * scale + rest * out.ranked[i].given[place_of(source::sequence)];
    }
  }
  out.weight = weights_for(at.back(0), out.awake);
  mix(out);
}

void predictor::mix(outlook& out) {
  for (std::size_t i = 0; i < out.size; ++i) {
    candidate& one = out.ranked[i];
    one.probability = 0;
    for (std::size_t s = 0; s < source_count; ++s) one.probability += out.weight[s] * one.given[s];
  }
  std::sort(out.ranked.begin(), out.ranked.begin() + static_cast<std::ptrdiff_t>(out.size),
            [](const candidate& a, const candidate& b) {
              return a.probability != b.probability ? a.probability > b.probability : a.who < b.who;
            });
}

void predictor::score(const live_case& mine, specialist_index who) {
  const outlook& next = mine.next;
  if (next.size == 0) return;
  const candidate* came = nullptr;
  std::size_t rank = 0;  // Rank among specialists only: the end of the case is not a call.
  for (std::size_t i = 0; i < next.size; ++i) {
    if (next.ranked[i].who == who) {
      came = &next.ranked[i];
      break;
    }
    if (next.ranked[i].who != end_of_case) ++rank;
  }
  std::uint8_t& slot = window_[scored_ % window_.size()];
  if (scored_ >= window_.size()) {
    top1_ -= has(slot, 0) ? 1U : 0U;
    top3_ -= has(slot, 1) ? 1U : 0U;
  }
  slot = static_cast<std::uint8_t>((came != nullptr && rank == 0 ? 1U : 0U)
                                   | (came != nullptr && rank < 3 ? 2U : 0U));
  top1_ += has(slot, 0) ? 1U : 0U;
  top3_ += has(slot, 1) ? 1U : 0U;
  ++scored_;

  ever_awake_ = static_cast<std::uint8_t>(ever_awake_ | next.awake);
  const specialist_index last = mine.at.back(0);
  weights* local = last < local_.size() ? &local_[last] : nullptr;
  const float mixed_given = std::max(came == nullptr ? 0.0F : came->probability, given_least);
  for (std::size_t s = 0; s < source_count; ++s) {
    if (!has(next.awake, s)) continue;
    const float given = std::max(came == nullptr ? 0.0F : came->given[s], given_least);
    const float gain = learning_step * std::log(given / mixed_given);
    global_[s] = std::clamp(global_[s] * global_keep + gain, -8.0F, 8.0F);
    if (local != nullptr) {
      (*local)[s] = std::clamp((*local)[s] * local_keep + gain, -4.0F, 4.0F);
    }
  }
}

void predictor::observe(specialist_index who, std::uint64_t case_key, double now_s) {
  if (who >= local_.size()) return;
  now_s = std::max(now_s, last_s_);
  last_s_ = now_s;
  live_case& mine = case_of(case_key, now_s);
  if (mine.at.length > 0) score(mine, who);
  const auto known = models_.observe(mine.at, who, case_key, now_s);
  detected_.assign(known.begin(), known.end());
  if (case_key != 0) {
    calls_ = calls_ * calls_fade + 1;
    followed_ = followed_ * calls_fade + (mine.at.length > 0 ? 1 : 0);
  }
  mine.at.advance(who, now_s);
  foresee(mine.at, case_key, now_s, mine.next);
}

expectation predictor::explained(const candidate& one, const outlook& from) const {
  expectation result;
  result.who = one.who;
  result.probability = static_cast<double>(one.probability);
  if (one.workflow != no_workflow) result.workflow = one.workflow;
  float most = -1;
  for (std::size_t s = 0; s < source_count; ++s) {
    const float contributed = from.weight[s] * one.given[s];
    result.share[s] = one.probability > 0 ? contributed / one.probability : 0.0F;
    if (contributed > most) {
      most = contributed;
      result.because = static_cast<source>(s);
    }
  }
  return result;
}

std::span<const expectation> predictor::expected(double now_s, double horizon_s) {
  expected_.clear();
  std::size_t looked_at = 0;
  // Cases that go on must count as followed, or `ends` would be too high.
  const double ends = std::clamp(1.0 - (followed_ + waiting_) / calls_, 0.002, 0.9);
  double waiting = 0;
  for (const std::uint64_t key : latest_) {
    if (looked_at++ == settings_.cases_looked_at) break;
    const live_case& one = cases_.at(key);
    const double age_s = std::max(0.0, now_s - one.at.last_s);
    if (key != 0 && age_s > settings_.case_idle_s) continue;
    const specialist_index last = one.at.back(0);
    const auto soon =
        models_.transitions().next_call(last, age_s, horizon_s, key == 0 ? 0.0 : ends);
    if (key != 0) waiting += soon.goes_on;
    for (std::size_t i = 0; i < one.next.size; ++i) {
      const candidate& c = one.next.ranked[i];
      const double probability = static_cast<double>(c.probability) * soon.within;
      if (c.who == end_of_case || probability < 0.005) continue;
      expectation next = explained(c, one.next);
      next.probability = std::min(1.0, probability);
      next.after = last;
      next.case_key = key;
      expected_.push_back(next);
    }
  }
  waiting_ = waiting;
  add_workflows_and_hours(now_s, horizon_s);
  merge_expected(horizon_s);
  return expected_;
}

void predictor::add_workflows_and_hours(double now_s, double horizon_s) {
  // Workflows look more than one step ahead.
  std::array<workflow_expectation, 64> steps;
  const std::size_t ahead = models_.workflows().expected(now_s, horizon_s, steps);
  const auto add = [this](specialist_index who, double probability, source because) {
    expectation one;
    one.who = who;
    one.probability = probability;
    one.because = because;
    one.share[place_of(because)] = 1;
    return &expected_.emplace_back(one);
  };
  for (std::size_t i = 0; i < ahead; ++i) {
    add(steps[i].who, steps[i].probability, source::workflow)->workflow = steps[i].workflow;
  }
  for (const specialist_index who : models_.hours().usual(now_s)) {
    add(who, 1.0 - std::exp(-models_.hours().rate(who, now_s) * horizon_s), source::hour);
  }
}

void predictor::merge_expected(double horizon_s) {
  // One entry for each specialist. Cases are independent: no call comes with the product of their
  // complements. Workflows and hours predict the same calls as the cases, so there the maximum
  // counts.
  std::sort(expected_.begin(), expected_.end(), [](const expectation& a, const expectation& b) {
    if (a.who != b.who) return a.who < b.who;
    if (a.probability != b.probability) return a.probability > b.probability;
    return a.after < b.after;
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < expected_.size();) {
    expectation best = expected_[i];
    double none = 1;
    double alone = 0;
    std::size_t end = i;
    for (; end < expected_.size() && expected_[end].who == best.who; ++end) {
      if (expected_[end].after != no_step) {
        none *= 1.0 - expected_[end].probability;
      } else {
        alone = std::max(alone, expected_[end].probability);
      }
    }
    best.probability = std::max(1.0 - none, alone);
    best.within_s = horizon_s;
    i = end;
    if (best.probability > 0) expected_[kept++] = best;
  }
  expected_.resize(kept);
  std::sort(expected_.begin(), expected_.end(), [](const expectation& a, const expectation& b) {
    return a.probability != b.probability ? a.probability > b.probability : a.who < b.who;
  });
  if (expected_.size() > settings_.expected_max) expected_.resize(settings_.expected_max);
}

hit_rates predictor::accuracy() const {
  const std::size_t scored = std::min(scored_, window_.size());
  if (scored == 0) return {};
  return {static_cast<double>(top1_) / static_cast<double>(scored),
          static_cast<double>(top3_) / static_cast<double>(scored), scored};
}

std::array<double, source_count> predictor::trust() const {
  const weights all = weights_for(no_step, ever_awake_);
  std::array<double, source_count> result{};
  for (std::size_t s = 0; s < source_count; ++s) result[s] = static_cast<double>(all[s]);
  return result;
}

std::string predictor::save() const {
  state_writer to;
  to.put(static_cast<std::uint64_t>(cast()));
  to.put32(ever_awake_);
  for (const float weight : global_) to.put(weight);
  for (const weights& row : local_) {
    for (const float weight : row) to.put(weight);
  }
  models_.save(to);
  return to.sealed(predictor_state, predictor_state_version);
}

base::expected<void> predictor::restore(std::string_view saved) {
  const auto body = state_reader::open(saved, predictor_state, predictor_state_version);
  if (!body) return body.error();
  state_reader from(*body);
  const std::uint64_t cast_then = from.integer();
  if (from.failed() || cast_then != cast()) {
    return base::problem{"cast", "learnt with a cast of " + std::to_string(cast_then)
                                     + ", which is now " + std::to_string(cast())};
  }
  from.expect_members(static_cast<std::uint32_t>(cast()));
  predictor read(cast(), models_.workflows().workflows(), settings_);
  read.ever_awake_ = static_cast<std::uint8_t>(from.integer32() & ((1U << source_count) - 1));
  for (float& weight : read.global_) weight = from.small_number_within(-8, 8);
  for (weights& row : read.local_) {
    for (float& weight : row) weight = from.small_number_within(-4, 4);
  }
  read.models_.restore(from);
  if (from.failed() || !from.at_end())
    return base::problem{"damaged", "what is inside does not fit together"};
  read.models_.grow(cast());
  *this = std::move(read);
  return {};
}

}  // namespace greenroom::runtime
