// The checklist of a rollback: is everything as it was before the intelligent pool?
#pragma once

#include "actors/rollout/command_probe.hpp"
#include "actors/rollout/readiness.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/routing_table.hpp"
#include "actors/state/status_board.hpp"
#include "runtime/monitoring/pool_sample.hpp"
#include "runtime/rollout/rollback_plan.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace greenroom::actors {

/// What a verification works with.
struct verification_parts {
  const catalog_store& catalogs;
  const pool_records& pools;
  const ends_feed& ends;
  status_board& board;
  readiness_parts readiness;
};

/// One owner. Every command of the configuration is run as a real task; errors and latency are
/// those of the baseline since `count_from_here`.
class verification {
public:
  /// `probe` empty: a command answers when it leads to a worker that is up (for embedding).
  verification(const verification_parts& parts, command_probe probe);
  ~verification();

  void count_from_here();
  /// Commands that were asked are asked again.
  void ask_anew();
  /// Goes through the checklist once, telling `plan` how each check stands. Call it again until the
  /// plan has ended: commands answer in their own time, and workers get warm.
  /// `usual_ms`: the baseline's mean response before; nothing when it was never measured.
  void go_through(runtime::rollout::rollback_plan& plan,
                  const runtime::monitoring::pool_sample& baseline, std::optional<double> usual_ms,
                  double now_s);

private:
  struct finding {
    bool passed = false;
    std::string text;
  };
  struct round;
  finding commands(bool reachable, double now_s);
  void ask(const std::vector<std::string>& commands, double now_s);
  [[nodiscard]] finding errors() const;
  [[nodiscard]] finding latency(const runtime::monitoring::pool_sample& baseline,
                                std::optional<double> usual_ms) const;
  [[nodiscard]] finding monitoring(double now_s) const;
  [[nodiscard]] std::uint64_t ended_since() const;
  [[nodiscard]] std::uint64_t grown(machine::task_outcome which) const;

  verification_parts parts_;
  command_probe probe_;
  std::shared_ptr<round> asked_;  ///< Shared with those who answer late.
  std::array<std::uint64_t, machine::task_outcome_count> ends_before_{};
  std::uint64_t refused_before_ = 0, shed_before_ = 0, time_before_ns_ = 0;
};

}  // namespace greenroom::actors
