// Rollout, rollback and what the journaled actors know, for those who ask a node.
#include "actors/node/parts.hpp"
#include "actors/rollout/readiness.hpp"
#include "actors/rollout/rollback.hpp"
#include "actors/rollout/rollout.hpp"
#include "actors/state/text.hpp"
#include "actors/supervision/root.hpp"
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

std::string number(double value) { return runtime::rollout::json_text(value); }
std::string number(std::optional<double> value) { return value ? number(*value) : "null"; }

std::string arm_json(const runtime::rollout::arm& one) {
  return "{\"tasks\":" + std::to_string(one.tasks) + ",\"errors\":" + std::to_string(one.errors)
         + ",\"error_rate\":" + number(one.error_rate()) + ",\"mean_ms\":"
         + number(one.latency_ms.mean()) + ",\"p50_ms\":" + number(one.latency_ms.quantile(0.5))
         + ",\"p95_ms\":" + number(one.latency_ms.quantile(0.95))
         + ",\"p99_ms\":" + number(one.latency_ms.quantile(0.99)) + "}";
}

std::string shadow_json(const actors::mirror::figures& shadow) {
  std::string drops;
  for (std::size_t i = 0; i < shadow.drops.size(); ++i)
    drops += (drops.empty() ? "\"" : ",\"")
             + std::string{name_of(static_cast<runtime::rollout::mirror_drop>(i))}
             + "\":" + std::to_string(shadow.drops[i]);
  std::string fields;
  constexpr std::size_t shown = 20;
  for (std::size_t i = 0; i < std::min(shown, shadow.differences.size()); ++i) {
    const auto& one = shadow.differences[i];
    fields += (fields.empty() ? "" : ",");
    fields += "{\"specialist\":" + actors::json_text(one.specialist) + ",\"field\":"
              + actors::json_text(one.field) + ",\"compared\":" + std::to_string(one.compared)
              + ",\"differing\":" + std::to_string(one.differing)
              + ",\"noise\":" + std::to_string(one.noise_differing)
              + ",\"certain\":" + (one.certain ? "true" : "false")
              + ",\"names_instance\":" + (one.names_instance ? "true" : "false") + "}";
  }
  return "{\"mirrored\":" + std::to_string(shadow.mirrored)
         + ",\"in_flight\":" + std::to_string(shadow.in_flight)
         + ",\"compared\":" + std::to_string(shadow.commands_compared)
         + ",\"differing\":" + std::to_string(shadow.commands_differing) + ",\"drops\":{" + drops
         + "},\"differences\":[" + fields + "]}";
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
  caf::anon_send(
      parts_->root, protocols::steer_atom::value,
      static_cast<std::uint32_t>(back ? actors::root_state::undoing : actors::root_state::rolling));
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
  std::string result =
      "{\"phase\":" + actors::json_text(name_of(plan.at())) + ",\"mode\":"
      + actors::json_text(name_of(rules.routes)) + ",\"percentage\":" + number(rules.percentage)
      + ",\"standing\":" + actors::json_text(name_of(plan.stands()))
      + ",\"run\":" + std::to_string(plan.run()) + ",\"rolling_back\":" + (back ? "true" : "false")
      + ",\"held_s\":" + number(plan.held_s()) + ",\"hold_s\":" + number(plan.hold_wanted_s())
      + ",\"entered\":"
      + (plan.entered_at_s() > 0
             ? actors::json_text(runtime::monitoring::rfc3339(plan.entered_at_s()))
             : "null")
      + ",\"baseline\":{\"warm\":" + std::to_string(count.warm)
      + ",\"total\":" + std::to_string(count.all)
      + ",\"kept_warm\":" + (plan.baseline_must_be_warm() ? "true" : "false") + "}";
  const auto way_back = plan.way_back();
  result += ",\"way_back\":" + (way_back.empty() ? "null" : actors::json_text(way_back));
  result += ",\"judgement\":";
  if (const auto& last = plan.last_judgement()) {
    std::string findings;
    for (const auto& one : last->findings)
      findings += (findings.empty() ? "" : ",") + std::string{"{\"name\":"}
                  + actors::json_text(one.name)
                  + ",\"verdict\":" + actors::json_text(name_of(one.outcome))
                  + ",\"text\":" + actors::json_text(one.text) + "}";
    result += "{\"verdict\":" + actors::json_text(name_of(last->outcome)) + ",\"summary\":"
              + actors::json_text(last->summary()) + ",\"findings\":[" + findings + "]}";
  } else {
    result += "null";
  }
  result += ",\"evidence\":{\"baseline\":" + arm_json(plan.control())
            + ",\"intelligent\":" + arm_json(plan.canary()) + "}";
  result += ",\"shadow\":" + shadow_json(shared.shadow.read()) + ",\"decisions\":[";
  // The newest last, as many as people look at.
  constexpr std::size_t shown = 50;
  const auto& all = plan.decisions();
  for (auto i = all.size() - std::min(all.size(), shown); i < all.size(); ++i) {
    if (!result.ends_with('[')) result += ',';
    result += decision_json(all[i]);
  }
  return result + "]}";
}

namespace {

/// A rollback's document, with what leads back while it still holds.
std::string with_way_back(std::string document, const std::string& way_back) {
  if (way_back.empty() || !document.ends_with('}')) return document;
  document.pop_back();
  return document + ",\"way_back\":" + actors::json_text(way_back) + "}";
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
