// How a department answers its director's grants and recalls of warm slots.
#pragma once

#include "protocols/base/worker_state.hpp"
#include "runtime/pooling/warm_policy.hpp"

#include <cstdint>

namespace greenroom::runtime {

/// What a department knows of a specialist when a slot is granted or recalled.
struct slot_holder {
  worker_state state = worker_state::cold;  ///< Busy counts as warm.
  bool can_start = true;   ///< An actor lives, the specialist is in the catalog, no backoff runs.
  bool has_queue = false;  ///< Tasks wait.
  bool in_use = false;     ///< Tasks wait or run.
  bool given_up = false;   ///< The worker's starts failed until they were given up.
  bool replacing = false;  ///< The worker stops, and another one follows in the same slot.
  bool is_inline = false;  ///< An inline callable has no worker that could yield.
};

/// True: the worker starts. False: the department reports its state, which frees the slot.
[[nodiscard]] inline bool accepts_grant(const slot_holder& facts, reason why) {
  if (facts.state != worker_state::cold || !facts.can_start) return false;
  // The task for which the slot was asked may have ended meanwhile.
  if (why == reason::demand && !facts.has_queue) return false;
  return !facts.given_up || why == reason::demand || why == reason::pinned;
}

enum class recall_answer : std::uint8_t {
  report,         ///< The recall is ignored: report the state.
  end_replacing,  ///< The worker stops already: none follows it.
  yield,          ///< Stop after the running tasks; queued tasks wait for another slot.
  stop,           ///< Stop the idle worker now.
};

/// `turn`: another specialist has waited for long, so tasks do not keep the slot.
[[nodiscard]] inline recall_answer answer_recall(const slot_holder& facts, bool turn) {
  if (facts.replacing) return recall_answer::end_replacing;
  if (facts.state != worker_state::warm) return recall_answer::report;
  if (!facts.in_use) return recall_answer::stop;
  return turn && !facts.is_inline ? recall_answer::yield : recall_answer::report;
}

}  // namespace greenroom::runtime
