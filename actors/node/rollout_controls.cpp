// Rollout, rollback and alerts of a node as JSON; operators' requests to both.
#include "actors/node/parts.hpp"
#include "actors/rollout/readiness.hpp"
#include "actors/rollout/rollback.hpp"
#include "actors/rollout/rollout.hpp"
#include "actors/state/text.hpp"
#include "actors/supervision/hand_out.hpp"
#include "actors/supervision/root.hpp"
#include "protocols/base/time_text.hpp"
#include "runtime/monitoring/node_status.hpp"
#include "runtime/rollout/deployment_report.hpp"
#include "runtime/rollout/json_fields.hpp"

#include <algorithm>
#include <utility>

namespace greenroom {

using runtime::rollout::rollout_plan;

namespace {

using content = actors::status_board::content;

using actors::json_array, actors::json_object;

json_object arm_json(const runtime::rollout::arm& one) {
  return {{"tasks", one.tasks},
          {"errors", one.errors},
          {"error_rate", one.error_rate()},
          {"mean_ms", one.latency_ms.mean()},
          {"p50_ms", one.latency_ms.quantile(0.5)},
          {"p95_ms", one.latency_ms.quantile(0.95)},
          {"p99_ms", one.latency_ms.quantile(0.99)}};
}

json_object shadow_json(const actors::shadow_traffic::figures& shadow) {
  json_object drops;
  for (std::size_t i = 0; i < shadow.drops.size(); ++i)
    drops.add(name_of(static_cast<runtime::rollout::shadow_drop>(i)), shadow.drops[i]);
  json_array fields;
  constexpr std::size_t shown = 20;
  for (std::size_t i = 0; i < std::min(shown, shadow.differences.size()); ++i) {
    const auto& one = shadow.differences[i];
    fields.add(json_object{{"specialist", one.specialist},
                           {"field", one.field},
                           {"compared", one.compared},
                           {"differing", one.differing},
                           {"noise", one.noise_differing},
                           {"certain", one.certain},
                           {"names_instance", one.names_instance}});
  }
  return {{"mirrored", shadow.mirrored},
          {"in_flight", shadow.in_flight},
          {"compared", shadow.commands_compared},
          {"differing", shadow.commands_differing},
          {"drops", drops},
          {"differences", fields}};
}

}  // namespace

void node::parts::send_command(actors::rollout_command request) {
  using kind = actors::rollout_command::kind;
  const auto what = request.what;
  const bool back = what == kind::roll_back || what == kind::confirm || what == kind::cancel
                    || what == kind::verify;
  const auto to =
      back ? actors::status_board::receiver::rollback : actors::status_board::receiver::rollout;
  if (!state->board.try_post(to, request)) {
    if (request.reply)
      request.reply(503, "busy",
                    std::to_string(actors::status_board::commands_max)
                        + " requests of operators wait already; ask again in a second");
    return;
  }
  caf::anon_send(root, protocols::commands_posted{to});
}

std::string node::rollout() const {
  const actors::catalog_reader::scope reading;
  const auto& state = *parts_->state;
  const auto plan = state.board.read([](const content& board) { return board.rollout; })
                        .value_or(rollout_plan{{}});
  const auto rules = state.routes.now();
  const bool back = state.routes.rolling_back.load();
  const auto count =
      actors::baseline_count(actors::hand_out<actors::readiness_parts>(*parts_->state));
  std::optional<std::string> entered;
  if (plan.entered_at_s() > 0) entered = base::rfc3339_of_seconds(plan.entered_at_s());
  json_object result{{"phase", name_of(plan.at())},
                     {"mode", name_of(rules.routes)},
                     {"percentage", rules.percentage},
                     {"standing", name_of(plan.stands())},
                     {"run", plan.run()},
                     {"rolling_back", back},
                     {"held_s", plan.held_s()},
                     {"hold_s", plan.hold_wanted_s()},
                     {"entered", entered},
                     {"baseline", json_object{{"warm", count.warm},
                                              {"total", count.all},
                                              {"kept_warm", plan.baseline_must_be_warm()}}}};
  const auto way_back = plan.way_back();
  result.add("way_back", way_back.empty() ? base::json_value{nullptr} : way_back);
  if (const auto& last = plan.last_judgement()) {
    const json_array findings{last->findings, [](const auto& one) {
                                return json_object{{"name", one.name},
                                                   {"verdict", name_of(one.outcome)},
                                                   {"text", one.text}};
                              }};
    result.add("judgement", json_object{{"verdict", name_of(last->outcome)},
                                        {"summary", last->summary()},
                                        {"findings", findings}});
  } else {
    result.add("judgement", nullptr);
  }
  result.add("evidence", json_object{{"baseline", arm_json(plan.control())},
                                     {"intelligent", arm_json(plan.canary())}});
  result.add("shadow", shadow_json(state.shadow.read()));
  // The newest last, as many as people look at.
  constexpr std::size_t shown = 50;
  const auto& all = plan.decisions();
  json_array decisions;
  for (auto i = all.size() - std::min(all.size(), shown); i < all.size(); ++i)
    decisions.add(base::json_raw{decision_json(all[i])});
  return result.add("decisions", decisions);
}

namespace {

/// How to return to the intelligent pool after the last rollback; empty: no rollback, or not ended.
std::string way_back_of_last(const content& board) {
  const bool ended = !board.rollbacks.empty() && board.rollbacks.back().plan.finished();
  return ended && board.rollout ? board.rollout->way_back() : std::string{};
}

}  // namespace

std::string node::rollbacks() const {
  const actors::catalog_reader::scope reading;
  const auto all = parts_->state->board.read([](const content& board) { return board.rollbacks; });
  json_array items;
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    const auto document = rollback_json(one->plan, one->analysis);
    items.add(base::json_raw{document});
  }
  return json_object{{"items", items}};
}

std::optional<std::string> node::rollback(std::string_view id) const {
  std::string way_back;
  const auto all = parts_->state->board.read([&way_back](const content& board) {
    way_back = way_back_of_last(board);
    return board.rollbacks;
  });
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    if (id != "last" && std::to_string(one->plan.id()) != id) continue;
    return rollback_json(one->plan, one->analysis, one == all.rbegin() ? way_back : "");
  }
  return std::nullopt;
}

std::string node::alerts() const {
  const actors::catalog_reader::scope reading;
  struct lists {
    std::vector<runtime::monitoring::alert> firing, pending, history;
  };
  const auto all = parts_->state->board.read([](const content& board) {
    return lists{board.firing, board.pending, board.history};
  });
  json_array items;
  for (const auto* const list : {&all.firing, &all.pending, &all.history})
    for (const auto& one : *list) {
      const auto text = runtime::rollout::alert_json(one);
      items.add(base::json_raw{text});
    }
  return std::move(items).text();
}

}  // namespace greenroom
