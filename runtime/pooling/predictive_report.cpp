// What the policy reports: ranks with reasons, and figures.
#include <algorithm>
#include <cmath>

#include "runtime/pooling/predictive_policy.hpp"

namespace greenroom::runtime {

std::vector<ranked> predictive_policy::rank(std::size_t count, double clock_s) const {
  const double now_s = pace_.own(clock_s);
  std::vector<ranked> all;
  for (specialist_index who = 0; who < members_.size(); ++who) {
    const member& one = members_[who];
    const double announced_rate = announced(one, now_s);
    if (one.history->visits == 0 && announced_rate <= 0) continue;
    ranked entry;
    entry.who = who;
    signal_values signals;
    if (one.history->visits > 0 && fleet_.begun()) {
      signals = read(who, std::max(now_s, one.idle_since_s()));
      entry.rate = mixture_.read(*one.trust, signals).rate;
      for (std::size_t k = 0; k < signal_count; ++k) {
        const auto which = static_cast<signal>(k);
        const double trust = mixture_.trust(*one.trust, which);
        const double factor = std::exp(std::clamp(trust * signals.x[k], -50.0, 50.0));
        entry.reasons.push_back({signal_name(which), trust, factor});
      }
    }
    if (announced_rate > 0) {
      const double before = std::max(entry.rate, 1e-9);
      entry.reasons.push_back(
          {one.announced_why == reason::workflow ? "workflow under way" : "announced",
           announced_rate / one.announced_rate, (before + announced_rate) / before});
    }
    entry.rate += announced_rate;
    const double value = worth(one, entry.rate);
    entry.worth_warm = value >= keep_price();
    // Clock time from here on.
    entry.rate /= pace_.unit();
    entry.value = value / pace_.unit();
    entry.within_minute = -std::expm1(-60.0 * entry.rate);
    all.push_back(std::move(entry));
  }
  const auto better = [](const ranked& a, const ranked& b) {
    return a.value != b.value ? a.value > b.value : a.who < b.who;
  };
  count = std::min(count, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
                    better);
  all.resize(count);
  for (ranked& entry : all) {
    std::sort(entry.reasons.begin(), entry.reasons.end(),
              [](const ranked_reason& a, const ranked_reason& b) {
                return std::abs(std::log(a.factor)) > std::abs(std::log(b.factor));
              });
  }
  return all;
}

policy_report predictive_policy::report() const {
  policy_report answer;
  answer.price = keep_price() / pace_.unit();
  answer.threshold = adaptation_.threshold();
  answer.slots = limits_in_force().max_warm;
  answer.predicting = referee_.predicting();
  answer.keep_s = referee_.keep_s() * pace_.unit();
  answer.mean_memory = price_.mean_share();
  answer.prewarm_hits = referee_.prewarm_hits();
  answer.prewarm_wastes = referee_.prewarm_wastes();
  answer.prewarm_wasted_s = referee_.wasted_s() * pace_.unit();
  answer.announced_trust = (announced_came_ + 2.0) / (announced_promised_ + 2.0);
  return answer;
}

std::vector<policy_news> predictive_policy::take_news() {
  std::vector<policy_news> news;
  news.swap(news_);
  return news;
}

}  // namespace greenroom::runtime
