// The predictor: from the arrivals so far to who will be called next, with reasons.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/prediction/numbered_names.hpp"
#include "runtime/prediction/predictor.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace greenroom::actors {

/// What the predictor works with.
struct predictor_parts {
  unexpected_messages& unexpected;
  const node_clock& clock;
  const catalog_store& catalogs;
  event_log& events;
  machine::node_gauge& gauge;
  forecast_board& forecast;
};

using predict_atom = caf::atom_constant<caf::atom("predict")>;
using save_atom = caf::atom_constant<caf::atom("save")>;

/// The interface and the predictor's own timers.
using predictor_self = protocols::predictor_actor::extend<
    // The pause after the last prediction has passed: learn what has arrived since, and predict.
    caf::reacts_to<predict_atom>,
    // A minute of learning has passed: save and write what was learnt.
    caf::reacts_to<save_atom>>;

/// Answers the director at most every 50 ms, with at most 64 specialists. Learning waits for that
/// timer, so that it costs the path of a task nothing; arrivals beyond 8192 between two timers are
/// not learnt from. Once a minute, while it learns, the predictor saves what it has learnt and has
/// the learned state written, which blocks: spawn it detached. A replacement continues from the
/// last save.
struct predictor_state {
  static constexpr const char* name = "greenroom.predictor";

  void open(predictor_self::stateful_pointer<predictor_state> actor, const predictor_parts& from);
  void on_exit(const caf::exit_msg& message);
  void on_arrivals(const protocols::arrival_batch& batch);
  void on_settings_changed();
  void on_predict();
  void on_save();

private:
  void restore();
  void adopt_catalog();
  void save();
  void learn();
  void publish_detected(std::uint64_t case_key);
  void arm();
  [[nodiscard]] std::vector<runtime::workflow_steps> workflows() const;
  [[nodiscard]] double cooldown_s() const;

  predictor_self::stateful_pointer<predictor_state> self_ = nullptr;
  std::optional<predictor_parts> parts_;
  std::unique_ptr<runtime::predictor> model_;
  runtime::numbered_names names_;  ///< The model's numbers for specialists.
  std::vector<protocols::arrival> unseen_;
  protocols::director_actor director_;
  std::int64_t predicted_ns_ = 0;  ///< Steady clock; 0: not yet.
  bool predict_armed_ = false;
  bool save_armed_ = false;
};

predictor_self::behavior_type predictor(predictor_self::stateful_pointer<predictor_state> self,
                                        const predictor_parts& parts);

}  // namespace greenroom::actors
