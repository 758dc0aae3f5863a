// A rollout and its rollbacks, as the journal kept them, when a node starts.
#include "actors/monitoring/evidence.hpp"
#include "actors/rollout/rollout.hpp"
#include "actors/state/rollout_settings.hpp"

#include <algorithm>
#include <utility>

namespace greenroom::actors {

using protocols::pool_kind;
using runtime::rollout::mode, runtime::rollout::rollout_plan;

namespace {

// What a rollback had set before the node died holds again before the first task comes.
void resume_rollback(routing_table& routes, const runtime::rollout::rollback_plan& last) {
  using runtime::rollout::rollback_state;
  if (last.finished() || last.state() == rollback_state::awaiting_confirmation) return;
  routes.rolling_back = true;
  routes.baseline_warm = true;
  if (last.state() == rollback_state::lowering) {
    routes.force({mode::hybrid, last.next().percentage});
    return;
  }
  routes.force({mode::fallback, 0});
  routes.leaving[static_cast<std::size_t>(pool_kind::intelligent)] = true;
}

}  // namespace

std::string restore_rollout(const config::node& config, routing_table& routes, status_board& board,
                            const journaled_status& journaled) {
  std::string unread;
  board.write([&](status_board::content& content) {
    if (!journaled.rollout.empty()) {
      if (auto plan = rollout_plan::decode(journaled.rollout, settings_of(config)))
        content.rollout = std::move(*plan);
      else
        unread = "the rollout: " + plan.error().text;
    }
    for (const auto& [text, analysis] : journaled.rollbacks) {
      auto plan = runtime::rollout::rollback_plan::decode(text, way_back_of(config));
      if (!plan) {
        unread += (unread.empty() ? "" : "; ") + std::string{"a rollback: "} + plan.error().text;
        continue;
      }
      content.rollbacks_begun = std::max(content.rollbacks_begun, plan->id());
      content.rollbacks.push_back({std::move(*plan), analysis});
    }
    if (content.rollout) {
      routes.force({content.rollout->routes(), content.rollout->percentage()});
      routes.baseline_warm = content.rollout->baseline_must_be_warm()
                             || (content.rollout->stands() == runtime::rollout::standing::idle
                                 && config.pool.mode == config::pool_mode::baseline);
    }
    if (!content.rollbacks.empty()) resume_rollback(routes, content.rollbacks.back().plan);
    content.evidence_page = read_evidence(journaled.evidence, content.evidence);
  });
  return unread;
}

}  // namespace greenroom::actors
