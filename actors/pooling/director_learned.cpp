// What the director's policy has learnt: kept and restored, and shown to those who ask.
#include "actors/pooling/director.hpp"

#include "actors/state/text.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace greenroom::actors {

namespace {

constexpr double ranked_each_second = 2000;
constexpr std::size_t ranks_shown = 100;
constexpr double save_period_s = 60;

}  // namespace

std::vector<std::string> director_state::names() const {
  std::vector<std::string> result;
  for (const auto& one : parts->catalogs.now().members)
    result.push_back(one.gone ? std::string{} : one.config.name);
  return result;
}

void director_state::restore() {
  if (!ours) return;
  const auto text = parts->forecast.learned.latest(learned_state::part::policy);
  if (text.empty()) return;
  const auto restored = ours->restore(text, names());
  if (restored) return;
  const auto aside = parts->forecast.learned.set_aside(learned_state::part::policy);
  parts->events.publish(
      "learned.damaged",
      json_object{{"part", "policy"}, {"why", restored.error().text}, {"file", aside}});
}

void director_state::save() {
  if (!ours || pool != protocols::pool_kind::intelligent) return;
  parts->forecast.learned.keep(learned_state::part::policy, ours->save(names()));
}

// Ranking looks at everybody, so a large cast is ranked less often.
void director_state::show(double now) {
  if (!ours || pool != protocols::pool_kind::intelligent) return;
  for (const auto news : ours->take_news()) {
    using runtime::policy_news;
    if (news == policy_news::adjusted) machine::count(parts->forecast.adjustments);
    const auto report = ours->report();
    parts->events.publish(news == policy_news::prediction_off       ? "prediction.off"
                          : news == policy_news::prediction_retried ? "prediction.retried"
                                                                    : "tuning.adjusted",
                          json_object{}
                              .raw("threshold", std::to_string(report.threshold))
                              .raw("slots", std::to_string(report.slots))
                              .raw("keep_s", std::to_string(report.keep_s)));
  }
  const auto pause = std::max(1.0, static_cast<double>(seats.size()) / ranked_each_second);
  if (now >= shown_s + pause || now < shown_s) {
    shown_s = now;
    auto ranks = ours->rank(ranks_shown, now);
    const auto report = ours->report();
    parts->forecast.write([&](forecast_board::content& board) {
      board.ranks = std::move(ranks);
      board.policy = report;
      board.ranked_at_s = now;
    });
  }
  if (saved_s == 0) saved_s = now;
  if (now >= saved_s + save_period_s) {
    saved_s = now;
    save();
  }
}

}  // namespace greenroom::actors
