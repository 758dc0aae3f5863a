// The state machine of one specialist's worker: cold → warming → warm ⇄ busy → cooling → cold.
#pragma once

#include "actors/mailbox/worker_link.hpp"
#include "actors/state/catalog_store.hpp"
#include "actors/state/event_log.hpp"
#include "actors/state/node_clock.hpp"
#include "actors/state/pool_records.hpp"
#include "actors/state/tool_offers.hpp"
#include "actors/state/worker_sources.hpp"
#include "protocols/task.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace greenroom::actors {

/// What the worker of a specialist works with.
struct specialist_worker_parts {
  const node_clock& clock;
  const catalog_store& catalogs;
  event_log& events;
  const worker_sources& workers;
  tool_offers& offers;
};

/// The worker itself hangs in the specialist's record, which outlives the actor. Not thread-safe.
class specialist_worker {
public:
  specialist_worker(const specialist_worker_parts& parts, specialist_record& record,
                    std::uint32_t index, protocols::pool_kind pool)
      : parts_{parts}, record_{record}, index_{index}, pool_{pool} {}

  [[nodiscard]] bool is_warm() const { return state_ == worker_state::warm; }

  /// False when the worker is not cold; then nothing happens.
  bool start();
  /// Returns how long the start took, unless the worker was not starting.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> on_ready();
  /// False when the worker is neither up nor starting; then nothing happens.
  bool stop();
  /// Ends a worker that is up or stops already, without a grace.
  void stop_now();
  /// Returns why the worker has ended, unless that was said before.
  [[nodiscard]] std::optional<machine::worker_events::departure> on_gone();
  /// Asks the worker whether it is alive. False when the last question was not answered.
  [[nodiscard]] bool probe();
  void on_pong() { probe_unanswered_ = false; }

  // -- tasks. @pre the worker is up or stops. --
  void run(protocols::task_ptr job) { record_.worker->run(std::move(job)); }
  void cancel(const protocols::task_ptr& job) { record_.worker->cancel(job); }
  /// True when the worker cannot answer the task any more.
  [[nodiscard]] bool forget(const protocols::task_ptr& job) { return record_.worker->forget(job); }
  void show_running(std::size_t tasks);
  void show_idle();
  [[nodiscard]] bool can_be_fenced() const {
    return state_ == worker_state::warm || state_ == worker_state::cooling;
  }

private:
  void enter(worker_state next);
  [[nodiscard]] const member& me() const { return parts_.catalogs.now().members[index_]; }

  specialist_worker_parts parts_;
  specialist_record& record_;
  std::uint32_t index_;
  protocols::pool_kind pool_;
  worker_state state_ = worker_state::cold;  // Never busy.
  std::int64_t start_begun_ns_ = 0;
  bool probe_unanswered_ = false;
};

}  // namespace greenroom::actors
