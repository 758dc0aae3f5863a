// What root causes are found from: metrics of specialists and events, kept in pages of the journal.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/status_board.hpp"
#include "runtime/monitoring/health_score.hpp"
#include "runtime/rollout/rollback_plan.hpp"
#include "runtime/rollout/root_cause.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace greenroom::actors {

/// What evidence is found in.
struct evidence_parts {
  const node_clock& clock;
  const catalog_store& catalogs;
  const pool_records& pools;
  event_log& events;
  status_board& board;
};

/// An event that may explain why a metric moved, as text; nothing for other events (tasks,
/// warmings, alerts, decisions to hold), which are consequences or routine.
[[nodiscard]] std::optional<runtime::rollout::recorded_event> evidence_of(const event& from);
/// A string or a number that is a member of one of our own small documents; empty when it is not.
[[nodiscard]] std::string member_text(std::string_view json, std::string_view name);

/// By index in the cast.
[[nodiscard]] std::vector<specialist_counts> count_specialists(const evidence_parts& where);
/// Adds to `page` what came since the monitor's last look: rates of each specialist of the
/// intelligent pool that had tasks, and events that explain something.
enum class keep_counts : bool { no, yes };
void record_fresh(const evidence_parts& where, double now_s,
                  runtime::rollout::evidence_recorder& page, keep_counts keep);

/// Why this rollback came: what is on the board, and what happened since the monitor's last look.
/// `health`: the score that the watch saw last.
[[nodiscard]] runtime::rollout::cause_report cause_of(
    const evidence_parts& where, const runtime::rollout::rollback_plan& plan,
    const runtime::monitoring::health_report& health);

/// The journal keeps so many pages, each of one look of the monitor: an hour at 15 s. They are
/// written over in turn.
constexpr std::uint64_t evidence_pages = 240;
[[nodiscard]] std::string evidence_record(std::uint64_t page);
/// Puts pages, given by their numbers, in order and together; one that cannot be read is left out.
/// Returns the number of the page to write next.
std::uint64_t read_evidence(const std::vector<std::string>& pages,
                            runtime::rollout::evidence_recorder& into);

}  // namespace greenroom::actors
