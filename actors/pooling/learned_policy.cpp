#include "actors/pooling/learned_policy.hpp"

#include "actors/state/text.hpp"
#include "runtime/machine/metrics/gauges.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace greenroom::actors {

namespace {

// A ranking compares all specialists, so a large catalog is ranked less often.
constexpr double ranked_each_second = 2000;
constexpr std::size_t ranks_shown = 100;
constexpr double save_period_s = 60;

std::string_view event_of(runtime::policy_news news) {
  using runtime::policy_news;
  if (news == policy_news::prediction_off) return "prediction.off";
  return news == policy_news::prediction_retried ? "prediction.retried" : "tuning.adjusted";
}

}  // namespace

std::vector<std::string> learned_policy::names() const {
  std::vector<std::string> result;
  for (const auto& one : catalogs_.now().members)
    result.push_back(one.gone ? std::string{} : one.config.name);
  return result;
}

void learned_policy::restore() {
  const auto text = forecast_.learned.latest(learned_state::part::policy);
  if (text.empty()) return;
  const auto restored = policy_.restore(text, names());
  if (restored) return;
  const auto aside = forecast_.learned.set_aside(learned_state::part::policy);
  events_.publish("learned.damaged",
                  json_object{{"part", "policy"}, {"why", restored.error().text}, {"file", aside}});
}

void learned_policy::save() {
  forecast_.learned.keep(learned_state::part::policy, policy_.save(names()));
}

void learned_policy::publish_changes() {
  for (const auto news : policy_.take_news()) {
    if (news == runtime::policy_news::adjusted) machine::count(forecast_.adjustments);
    const auto report = policy_.report();
    events_.publish(std::string{event_of(news)},
                    json_object{}
                        .raw("threshold", std::to_string(report.threshold))
                        .raw("slots", std::to_string(report.slots))
                        .raw("keep_s", std::to_string(report.keep_s)));
  }
}

void learned_policy::show(double now_s) {
  publish_changes();
  const auto size = catalogs_.now().members.size();
  const auto pause_s = std::max(1.0, static_cast<double>(size) / ranked_each_second);
  if (now_s >= shown_s_ + pause_s || now_s < shown_s_) {
    shown_s_ = now_s;
    auto ranks = policy_.rank(ranks_shown, now_s);
    const auto report = policy_.report();
    forecast_.write([&](forecast_board::content& board) {
      board.ranks = std::move(ranks);
      board.policy = report;
      board.ranked_at_s = now_s;
    });
  }
  if (saved_s_ == 0) saved_s_ = now_s;
  if (now_s < saved_s_ + save_period_s) return;
  saved_s_ = now_s;
  save();
}

}  // namespace greenroom::actors
