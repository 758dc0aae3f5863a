// The predictor: what it has seen → who comes next, with reasons.
#pragma once

#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/forecast_board.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/unexpected_messages.hpp"
#include "protocols/node_messages.hpp"
#include "runtime/machine/metrics/gauges.hpp"
#include "runtime/prediction/predictor.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
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

/// Hears the arrivals of a director's `usage_batch`es and answers that director with
/// `expectation_batch`, at most every 50 ms and with at most 64 specialists. What it does with an
/// arrival waits for that tick, so that it costs the path of a task nothing. Arrivals beyond 8192
/// between two ticks are not learnt from. Once a minute, while it learns, it saves what it knows
/// and has the learned state written, which blocks: spawn it detached. Its replacement goes on
/// with what was saved last. Its own numbers for specialists follow the names that were saved, so
/// a cast in another order loses nothing; of those that are gone it keeps about a thousand.
/// `reload_atom` says that the cast has changed.
struct predictor_state {
  static constexpr const char* name = "greenroom.predictor";

  caf::event_based_actor* self = nullptr;
  std::optional<predictor_parts> parts;
  std::unique_ptr<runtime::predictor> mind;
  std::vector<std::string> names;      ///< By its own numbers.
  std::vector<std::uint32_t> own_of;   ///< By number in the cast.
  std::vector<std::uint32_t> cast_of;  ///< By its own number; `cast::nobody`: no longer there.
  std::vector<protocols::arrival> unseen;
  caf::actor director;
  std::int64_t ticked_ns = 0;
  bool armed = false;
  bool save_armed = false;

  void open();
  void adopt_catalog();
  void hear(const protocols::usage_batch& batch);
  void tick();
  void save();

private:
  [[nodiscard]] std::vector<runtime::workflow_steps> workflows() const;
  /// Own numbers of names that are not in the cast, when there are too many of them.
  [[nodiscard]] std::vector<std::uint32_t> numbers_to_reuse() const;
  [[nodiscard]] double cooldown_s() const;
};

using predictor_actor = caf::stateful_actor<predictor_state>;

caf::behavior predictor(predictor_actor* self, const predictor_parts& parts);

}  // namespace greenroom::actors
