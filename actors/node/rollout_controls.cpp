// Rollout, rollback and what the journaled actors know, for those who ask a node.
#include "actors/node/parts.hpp"
#include "actors/rollout/readiness.hpp"
#include "actors/rollout/rollback.hpp"
#include "actors/rollout/rollout.hpp"
#include "actors/state/text.hpp"
#include "actors/supervision/root.hpp"
#include "protocols/base/time_text.hpp"
#include "runtime/monitoring/node_status.hpp"
#include "runtime/rollout/deployment_report.hpp"
#include "runtime/rollout/json_fields.hpp"

#include <algorithm>
#include <utility>
#include "actors/supervision/hand_out.hpp"

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

json_object shadow_json(const actors::mirror::figures& shadow) {
  json_object drops;
  for (std::size_t i = 0; i < shadow.drops.size(); ++i)
    drops.add(name_of(static_cast<runtime::rollout::mirror_drop>(i)), shadow.drops[i]);
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

void node::steer(actors::steering word) {
  using what = actors::steering::what;
  const bool back = word.verb == what::roll_back || word.verb == what::confirm
                    || word.verb == what::cancel || word.verb == what::verify;
  const auto to = back ? actors::status_board::box::rollback : actors::status_board::box::rollout;
  if (!parts_->shared->board.try_leave(to, word)) {
    if (word.told)
      word.told(503, "busy",
                std::to_string(actors::status_board::words_max)
                    + " requests of operators wait already; ask again in a second");
    return;
  }
  caf::anon_send(parts_->root, protocols::commands_left{to});
}

std::string node::rollout() const {
  const actors::catalog_reader::scope reading;
  const auto& shared = *parts_->shared;
  const auto plan = shared.board.read([](const content& board) { return board.rollout; })
                        .value_or(rollout_plan{{}});
  const auto rules = shared.routes.now();
  const bool back = shared.routes.rolling_back.load();
  const auto count =
      actors::baseline_count(actors::hand_out<actors::readiness_parts>(*parts_->shared));
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
  result.add("shadow", shadow_json(shared.shadow.read()));
  // The newest last, as many as people look at.
  constexpr std::size_t shown = 50;
  const auto& all = plan.decisions();
  json_array decisions;
  for (auto i = all.size() - std::min(all.size(), shown); i < all.size(); ++i)
    decisions.add(base::json_raw{decision_json(all[i])});
  return result.add("decisions", decisions);
}

namespace {

/// A rollback's document, with what leads back while it still holds.
std::string with_way_back(std::string document, const std::string& way_back) {
  if (way_back.empty() || !document.ends_with('}')) return document;
  document.pop_back();
  return document + ",\"way_back\":" + base::json_string(way_back, actors::document_style) + "}";
}

std::string way_back_of_last(const content& board) {
  const bool ended = !board.rollbacks.empty() && board.rollbacks.back().plan.finished();
  return ended && board.rollout ? board.rollout->way_back() : std::string{};
}

}  // namespace

std::string node::rollbacks() const {
  const actors::catalog_reader::scope reading;
  const auto all = parts_->shared->board.read([](const content& board) { return board.rollbacks; });
  std::string result = "{\"items\":[";
  for (auto at = all.rbegin(); at != all.rend(); ++at) {
    if (at != all.rbegin()) result += ',';
    result += rollback_json(at->plan, at->analysis);
  }
  return result + "]}";
}

std::optional<std::string> node::rollback(std::string_view id) const {
  std::string way_back;
  const auto all = parts_->shared->board.read([&way_back](const content& board) {
    way_back = way_back_of_last(board);
    return board.rollbacks;
  });
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    if (id != "last" && std::to_string(one->plan.id()) != id) continue;
    auto document = rollback_json(one->plan, one->analysis);
    return one == all.rbegin() ? with_way_back(std::move(document), way_back) : document;
  }
  return std::nullopt;
}

std::string node::alerts() const {
  const actors::catalog_reader::scope reading;
  struct lists {
    std::vector<runtime::monitoring::alert> firing, pending, history;
  };
  const auto all = parts_->shared->board.read([](const content& board) {
    return lists{board.firing, board.pending, board.history};
  });
  std::string items;
  const auto add = [&items](const std::vector<runtime::monitoring::alert>& from) {
    for (const auto& one : from)
      items += (items.empty() ? "" : ",") + runtime::rollout::alert_json(one);
  };
  add(all.firing);
  add(all.pending);
  add(all.history);
  return "[" + items + "]";
}

}  // namespace greenroom
